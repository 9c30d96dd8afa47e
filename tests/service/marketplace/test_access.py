"""People: signing in, switching, keys, members; and that what is taken away is gone with the next request."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import inspect

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from kernel.principal import PrincipalKind
from marketplace.access.api_keys import MintApiKey, list_api_keys, mint_api_key, revoke_api_key
from marketplace.access.authenticate import principal_for_api_key, principal_for_session
from marketplace.access.members import AddMember, add_member, change_roles, list_members, remove_member
from marketplace.access.models import SignInSession
from marketplace.access.sessions import SignIn, sign_in, sign_out, switch_organization
from tests.factories_marketplace import PASSWORD, Org, acting, make_member, make_org


def _member_id(uow: UnitOfWork, org: Org, person_id: UUID | None) -> UUID:
    with acting(uow, org.owner):
        return next(row.id for row in list_members(uow) if row.person_id == person_id)


class TestSignIn:
    def test_the_right_password_opens_a_session_with_the_roles_permissions(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        session = sign_in(uow, SignIn(org.email.upper(), PASSWORD))
        found = principal_for_session(uow, session.token)
        assert found is not None
        assert found.principal.kind is PrincipalKind.PERSON
        assert found.principal.org_id == org.id
        assert found.principal.may("orders.buy")
        assert found.csrf == session.csrf
        row = uow.session.get_one(SignInSession, session.session_id)
        kept = [str(getattr(row, column.key)) for column in inspect(SignInSession).columns]
        assert not {session.token, session.csrf} & set(kept), "whoever reads the table could act in the session"
        assert [item.org_id for item in found.organizations] == [org.id]

    @pytest.mark.parametrize("email", [None, "nobody@example.test"])
    def test_a_wrong_password_and_an_unknown_address_get_one_answer(self, uow: UnitOfWork, email: str | None) -> None:
        org = make_org(uow)
        with pytest.raises(Unauthenticated) as refused:
            sign_in(uow, SignIn(email or org.email, "wrong-password"))
        assert refused.value.code == "credentials_invalid"

    def test_a_session_ends_by_sign_out_and_by_time(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        first, second = (sign_in(uow, SignIn(org.email, PASSWORD)) for _ in range(2))
        sign_out(uow, first.session_id)
        assert principal_for_session(uow, first.token) is None
        assert principal_for_session(uow, second.token) is not None
        with clock.frozen(second.expires_at + timedelta(seconds=1)):
            assert principal_for_session(uow, second.token) is None

    def test_a_removed_member_is_refused_at_the_next_request(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        person = make_member(uow, org, "purchaser")
        session = sign_in(uow, SignIn(person.label, PASSWORD))
        assert principal_for_session(uow, session.token) is not None
        with acting(uow, org.owner):
            remove_member(uow, _member_id(uow, org, person.person_id))
        assert principal_for_session(uow, session.token) is None
        with pytest.raises(Forbidden, match="membership_ended"):
            sign_in(uow, SignIn(person.label, PASSWORD))

    def test_switching_needs_a_membership_there(self, uow: UnitOfWork) -> None:
        here, there, elsewhere = make_org(uow), make_org(uow), make_org(uow)
        with acting(uow, there.owner):
            add_member(uow, AddMember(here.email, ["viewer"]))
        session = sign_in(uow, SignIn(here.email, PASSWORD))
        switch_organization(uow, session.session_id, session.person_id, there.id)
        found = principal_for_session(uow, session.token)
        assert found is not None
        assert found.principal.org_id == there.id
        assert not found.principal.may("orders.buy")
        with pytest.raises(NotFound, match="organization_not_found"):
            switch_organization(uow, session.session_id, session.person_id, elsewhere.id)


class TestMembers:
    def test_nobody_grants_what_they_do_not_hold(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        developer = make_member(uow, org, "developer")
        with acting(uow, developer), pytest.raises(Forbidden, match="role_beyond_own"):
            add_member(uow, AddMember("new@example.test", ["owner"], "新人", PASSWORD))

    def test_an_organization_keeps_an_owner(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        own = _member_id(uow, org, org.owner.person_id)
        with acting(uow, org.owner):
            with pytest.raises(Conflict, match="last_owner"):
                remove_member(uow, own)
            with pytest.raises(Conflict, match="last_owner"):
                change_roles(uow, own, ["viewer"])

    def test_a_member_of_another_organization_is_not_found(self, uow: UnitOfWork) -> None:
        mine, other = make_org(uow), make_org(uow)
        foreign = _member_id(uow, other, other.owner.person_id)
        with acting(uow, mine.owner), pytest.raises(NotFound, match="member_not_found"):
            remove_member(uow, foreign)

    def test_a_removed_member_can_come_back(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        person = make_member(uow, org, "finance")
        member = _member_id(uow, org, person.person_id)
        with acting(uow, org.owner):
            remove_member(uow, member)
            assert add_member(uow, AddMember(person.label, ["viewer"])).id == member
            with pytest.raises(Conflict, match="member_exists"):
                add_member(uow, AddMember(person.label, ["viewer"]))

    def test_the_operator_role_exists_at_the_platform_only(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner), pytest.raises(Invalid, match="role_unknown"):
            add_member(uow, AddMember("op@example.test", ["operator"], "员工", PASSWORD))


class TestApiKeys:
    def test_a_key_holds_its_scopes_and_no_more(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            key = mint_api_key(uow, MintApiKey("erp", ["orders.read"]))
        found = principal_for_api_key(uow, key.text)
        assert found is not None
        assert (found.kind, found.org_id) == (PrincipalKind.API_KEY, org.id)
        assert found.permissions == frozenset({"orders.read"})
        assert (found.person_id, found.accountable_id) == (None, org.owner.person_id)
        assert principal_for_api_key(uow, key.text[:-1] + ("A" if key.text[-1] != "A" else "B")) is None
        assert principal_for_api_key(uow, "cm_nonsense") is None

    def test_a_key_loses_what_its_maker_loses(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        person = make_member(uow, org, "developer")
        with acting(uow, person):
            key = mint_api_key(uow, MintApiKey("ci", ["runs.replay", "orders.read"]))
        with acting(uow, org.owner):
            change_roles(uow, _member_id(uow, org, person.person_id), ["purchaser"])
        found = principal_for_api_key(uow, key.text)
        assert found is not None
        assert found.permissions == frozenset({"orders.read"})
        with acting(uow, org.owner):
            remove_member(uow, _member_id(uow, org, person.person_id))
        assert principal_for_api_key(uow, key.text) is None

    def test_a_revoked_or_expired_key_is_nobody(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            brief = mint_api_key(uow, MintApiKey("b", ["orders.read"], clock.now() + timedelta(hours=1)))
            gone = mint_api_key(uow, MintApiKey("g", ["orders.read"]))
            revoke_api_key(uow, gone.id)
            assert {row.name for row in list_api_keys(uow)} == {"b", "g"}
        assert principal_for_api_key(uow, gone.text) is None
        with clock.frozen(clock.now() + timedelta(hours=2)):
            assert principal_for_api_key(uow, brief.text) is None

    def test_a_scope_one_does_not_hold_is_refused(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        developer = make_member(uow, org, "developer")
        with acting(uow, developer):
            with pytest.raises(Forbidden, match="role_beyond_own"):
                mint_api_key(uow, MintApiKey("x", ["orders.buy"]))
            with pytest.raises(Invalid, match="scope_unknown"):
                mint_api_key(uow, MintApiKey("x", ["operator.payouts"]))
