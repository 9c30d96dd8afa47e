"""Sessions of browsers: what is kept of them, what a page learns, and to the instant when they are over."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.ids import uuid7
from kernel.principal import Principal, PrincipalKind
from kernel.signing import password_needs_rehash, verify_password
from marketplace.access.authenticate import (
    Membership,
    SignedIn,
    csrf_of,
    hash_token,
    organizations_of,
    principal_for_session,
    principals_for_sessions,
)
from marketplace.access.members import AddMember, add_member
from marketplace.access.models import Person, SignInCount, SignInSession
from marketplace.access.permissions import EVERYTHING, OPERATOR, permissions_of
from marketplace.access.sessions import SignIn, purge_ended_sessions, sign_in, sign_out, switch_organization
from marketplace.access.sign_in_limits import count_attempt
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from tests.factories_marketplace import PASSWORD, acting, make_org


class TestWhatASessionIs:
    def test_its_row_and_its_browser_know_the_same(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        session = sign_in(uow, SignIn(f" {org.email} ", PASSWORD))
        row = uow.session.get_one(SignInSession, session.session_id)
        assert row.token_hash == hashlib.sha256(session.token.encode()).hexdigest()
        assert (row.person_id, row.org_id, row.revoked_at) == (org.owner.person_id, org.id, None)
        assert (session.person_id, session.org_id) == (org.owner.person_id, org.id)
        assert row.expires_at == session.expires_at == noon + timedelta(days=14)
        assert row.created_at == noon
        assert len(base64.urlsafe_b64decode(session.token + "=")) == 32

    def test_everything_a_page_shows_of_who_is_signed_in(self, uow: UnitOfWork) -> None:
        here, there = make_org(uow), make_org(uow, seller=True)
        with acting(uow, there.owner):
            add_member(uow, AddMember(here.email, ["viewer", "finance"]))
        session = sign_in(uow, SignIn(here.email, PASSWORD))
        names = {org.id: org.display_name for org in uow.session.scalars(select(Organization))}
        own = Membership(here.id, names[here.id], ("owner",), is_seller=False, is_platform=False)
        other = Membership(there.id, names[there.id], ("finance", "viewer"), is_seller=True, is_platform=False)
        owner = Principal(PrincipalKind.PERSON, here.id, session.person_id, permissions_of(["owner"]))
        assert principal_for_session(uow, session.token) == SignedIn(
            owner, session.session_id, session.csrf, "老板", here.email, "zh-CN", "Asia/Shanghai", own, (own, other)
        )
        assert organizations_of(uow, session.person_id) == (own, other)

    def test_one_may_begin_in_any_organization_of_ones_own(self, uow: UnitOfWork) -> None:
        here, there, elsewhere = make_org(uow), make_org(uow), make_org(uow)
        with acting(uow, there.owner):
            add_member(uow, AddMember(here.email, ["viewer"]))
        assert sign_in(uow, SignIn(here.email, PASSWORD)).org_id == here.id
        assert sign_in(uow, SignIn(here.email, PASSWORD, there.id)).org_id == there.id
        with pytest.raises(Forbidden, match="membership_ended"):
            sign_in(uow, SignIn(here.email, PASSWORD, elsewhere.id))

    def test_a_password_hashed_with_less_is_hashed_anew(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        person = uow.session.get_one(Person, org.owner.person_id)
        before = person.password_hash
        sign_in(uow, SignIn(org.email, PASSWORD))
        assert person.password_hash == before
        person.password_hash = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
        sign_in(uow, SignIn(org.email, PASSWORD))
        assert not password_needs_rehash(person.password_hash)
        assert verify_password(person.password_hash, PASSWORD)

    def test_the_right_password_forgives_what_its_caller_counted(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        uow.session.execute(delete(SignInCount))
        for device in (None, "device-1"):
            count_attempt(uow, org.email, "192.0.2.7", device)
            sign_in(uow, SignIn(org.email, PASSWORD, None, "192.0.2.7", device))
            left = uow.session.scalars(select(SignInCount.attempts).where(SignInCount.attempts > 0)).all()
            assert left == []

    def test_ended_once_it_stays_ended_as_it_was(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        first, second = (sign_in(uow, SignIn(org.email, PASSWORD)) for _ in range(2))
        sign_out(uow, first.session_id)
        clock.advance(timedelta(hours=1))
        sign_out(uow, first.session_id)
        rows = {
            row.id: row for row in uow.session.scalars(select(SignInSession).execution_options(populate_existing=True))
        }
        assert rows[first.session_id].revoked_at == noon
        assert rows[second.session_id].revoked_at is None

    def test_only_its_own_session_that_is_open_is_switched(self, uow: UnitOfWork) -> None:
        here, there = make_org(uow), make_org(uow)
        with acting(uow, there.owner):
            add_member(uow, AddMember(here.email, ["viewer"]))
        mine, ended = (sign_in(uow, SignIn(here.email, PASSWORD)) for _ in range(2))
        theirs = sign_in(uow, SignIn(there.email, PASSWORD))
        sign_out(uow, ended.session_id)
        for session in (theirs, ended, mine):
            switch_organization(uow, session.session_id, mine.person_id, there.id)
        rows = {
            row.id: row for row in uow.session.scalars(select(SignInSession).execution_options(populate_existing=True))
        }
        assert rows[ended.session_id].org_id == here.id
        assert rows[theirs.session_id].org_id == there.id
        assert rows[mine.session_id].org_id == there.id
        switch_organization(uow, theirs.session_id, mine.person_id, here.id)
        uow.session.expire_all()
        assert uow.session.get_one(SignInSession, theirs.session_id).org_id == there.id

    def test_it_is_over_at_its_time_and_deleted_after_it(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        session = sign_in(uow, SignIn(org.email, PASSWORD))
        for at, opens, kept in (
            (noon + timedelta(days=14, milliseconds=-1), True, True),
            (noon + timedelta(days=14), False, True),
            (noon + timedelta(days=14, milliseconds=1), False, False),
        ):
            with clock.frozen(at):
                purge_ended_sessions(uow)
                assert (principal_for_session(uow, session.token) is not None) == opens
            found = uow.session.scalar(select(SignInSession.id).where(SignInSession.id == session.session_id))
            assert (found is not None) == kept

    def test_many_are_recognised_at_once(self, uow: UnitOfWork) -> None:
        one, other, gone = make_org(uow), make_org(uow), make_org(uow)
        with acting(uow, other.owner):
            add_member(uow, AddMember(one.email, ["viewer"]))
        first, second, third = (sign_in(uow, SignIn(org.email, PASSWORD)) for org in (one, other, gone))
        sign_out(uow, third.session_id)
        found = principals_for_sessions(uow, [first.token, second.token, third.token, "unknown"])
        assert found == {
            session.token: Principal(PrincipalKind.PERSON, org.id, session.person_id, permissions_of(["owner"]))
            for org, session in ((one, first), (other, second))
        }

    def test_tokens_of_an_earlier_release_are_known_and_odd_ones_are_not(self, uow: UnitOfWork) -> None:
        assert hash_token("t") == "e3b98a4da31a127d4bde6e43033f66ba274cab0eb7eb1c70ec41402bf6273dd8"
        assert csrf_of("t") == "V524hb3cNBa4RE7anCC111fhGWjhWeh4jdPImmeewgk"
        assert principal_for_session(uow, "\ud800") is None
        assert len(csrf_of("\ud800")) == 43

    def test_an_operator_is_who_is_one_at_the_platform_in_that_role(self, uow: UnitOfWork) -> None:
        platform = Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID, permissions=EVERYTHING | OPERATOR)
        email, colleague = (f"{name}-{uuid7().hex[-8:]}@example.test" for name in ("operator", "colleague"))
        with acting(uow, platform):
            add_member(uow, AddMember(email, ["operator"], "值班", PASSWORD))
            add_member(uow, AddMember(colleague, ["viewer"], "同事", PASSWORD))
        operator = sign_in(uow, SignIn(email, PASSWORD))
        found = principal_for_session(uow, operator.token)
        assert found is not None
        assert found.principal == Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID, operator.person_id, OPERATOR)
        assert found.organization.is_platform
        assert principals_for_sessions(uow, [operator.token]) == {operator.token: found.principal}
        other = principal_for_session(uow, sign_in(uow, SignIn(colleague, PASSWORD)).token)
        assert other is not None
        assert (other.principal.kind, other.principal.permissions) == (PrincipalKind.PERSON, permissions_of(["viewer"]))
        person = uow.session.get_one(Person, operator.person_id)
        person.is_operator = False
        uow.session.flush()
        fallen = principal_for_session(uow, operator.token)
        assert fallen is not None
        assert (fallen.principal.kind, fallen.principal.permissions) == (PrincipalKind.PERSON, frozenset())
