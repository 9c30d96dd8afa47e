"""Members and API keys: what is written down of each change, and every refusal with what it says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from kernel import clock
from kernel.audit import AuditEntry
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal, PrincipalKind
from kernel.signing import read_api_key, verify_password
from kernel.states import StateHistory
from marketplace.access.api_keys import ApiKeyRow, MintApiKey, list_api_keys, mint_api_key, revoke_api_key
from marketplace.access.authenticate import (
    principal_for_api_key,
)
from marketplace.access.members import AddMember, add_member, change_roles, leave, list_members, remove_member
from marketplace.access.models import ApiKey, Person
from marketplace.access.permissions import EVERYTHING, ROLES
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.factories_marketplace import PASSWORD, Org, acting, make_member, make_org


def _member_id(uow: UnitOfWork, org: Org, person_id: UUID | None) -> UUID:
    with acting(uow, org.owner):
        return next(row.id for row in list_members(uow) if row.person_id == person_id)


def audited(uow: UnitOfWork, subject_id: UUID) -> list[tuple[str, dict[str, Any]]]:
    uow.flush_outbox()
    rows = select(AuditEntry).where(AuditEntry.subject_id == subject_id).order_by(AuditEntry.id)
    return [(row.action, row.detail) for row in uow.session.scalars(rows)]


def moved(uow: UnitOfWork, subject_id: UUID) -> list[tuple[list[UUID], str | None, str]]:
    uow.flush_outbox()
    rows = select(StateHistory).where(StateHistory.subject_id == subject_id).order_by(StateHistory.id)
    return [(row.org_ids, row.from_state, row.to_state) for row in uow.session.scalars(rows)]


class TestWhatAMemberIs:
    def test_a_newcomer_and_what_is_written_of_it(self, uow: UnitOfWork, noon: datetime) -> None:
        org, email = make_org(uow), f"new-{uuid7().hex[-8:]}@example.test"
        with acting(uow, org.owner):
            member = add_member(
                uow, AddMember(f" {email.upper()} ", ["viewer", "finance", "viewer"], "新人", PASSWORD, "en")
            )
        person = uow.session.get_one(Person, member.person_id)
        assert (person.email, person.name, person.locale, person.is_operator) == (email, "新人", "en", False)
        assert verify_password(person.password_hash, PASSWORD)
        assert (member.org_id, member.roles, member.state, member.created_at) == (
            org.id, ["finance", "viewer"], "active", noon,
        )  # fmt: skip
        assert audited(uow, member.id) == [("member.added", {"roles": "finance viewer"})]
        assert moved(uow, member.id) == [([org.id], None, "active")]

    def test_who_comes_back_has_the_new_roles_alone(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        person = make_member(uow, org, "finance")
        member_id = _member_id(uow, org, person.person_id)
        with acting(uow, org.owner):
            remove_member(uow, member_id)
            remove_member(uow, member_id)
            back = add_member(uow, AddMember(person.label, ["viewer"]))
            changed = change_roles(uow, member_id, ["purchaser", "approver"])
        assert (back.id, changed.id, changed.roles, changed.state) == (
            member_id, member_id, ["approver", "purchaser"], "active",
        )  # fmt: skip
        assert audited(uow, member_id) == [
            ("member.added", {"roles": "finance"}),
            ("member.removed", {}),
            ("member.added", {"roles": "viewer"}),
            ("member.roles_changed", {"roles": "approver purchaser"}),
        ]
        assert moved(uow, member_id) == [
            ([org.id], None, "active"),
            ([org.id], "active", "removed"),
            ([org.id], "removed", "active"),
        ]

    def test_colleagues_are_listed_active_ones_first(self, uow: UnitOfWork, noon: datetime) -> None:
        org, other = make_org(uow), make_org(uow)
        gone, finance, viewer = (make_member(uow, org, role) for role in ("catalog", "finance", "viewer"))
        make_member(uow, other, "viewer")
        with acting(uow, org.owner):
            remove_member(uow, _member_id(uow, org, gone.person_id))
            rows = list_members(uow)
        assert [(row.person_id, row.name, row.email, row.roles, row.state, row.created_at) for row in rows] == [
            (org.owner.person_id, "老板", org.email, ("owner",), "active", noon),
            (finance.person_id, "同事", finance.label, ("finance",), "active", noon),
            (viewer.person_id, "同事", viewer.label, ("viewer",), "active", noon),
            (gone.person_id, "同事", gone.label, ("catalog",), "removed", noon),
        ]

    def test_with_another_active_owner_one_may_go(self, uow: UnitOfWork) -> None:
        org, other = make_org(uow), make_org(uow)
        make_member(uow, other, "owner")
        second = _member_id(uow, org, make_member(uow, org, "owner").person_id)
        first = _member_id(uow, org, org.owner.person_id)
        with acting(uow, org.owner):
            assert change_roles(uow, first, ["owner", "finance"]).roles == ["finance", "owner"]
            assert change_roles(uow, first, ["admin"]).roles == ["admin"]
            with pytest.raises(Conflict, match="last_owner"):
                remove_member(uow, second)
            change_roles(uow, first, ["owner"])
            remove_member(uow, second)
            with pytest.raises(Conflict) as refused:
                change_roles(uow, first, ["admin"])
            assert refused.value.code == "last_owner"
            # Removed already: nobody is left without an owner by it.
            remove_member(uow, second)
        assert audited(uow, first)[-1] == ("member.roles_changed", {"roles": "owner"})

    def test_whoever_leaves_is_gone_and_it_is_written_down(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        colleague = make_member(uow, org, "viewer")
        member_id = _member_id(uow, org, colleague.person_id)
        with acting(uow, colleague):
            leave(uow)
        assert moved(uow, member_id)[-1] == ([org.id], "active", "removed")
        assert audited(uow, member_id)[-1] == ("member.left", {})
        with acting(uow, colleague), pytest.raises(NotFound) as refused:
            leave(uow)
        assert refused.value.code == "member_not_found"

    def test_the_last_owner_stays_and_with_another_may_go(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        owner_id = _member_id(uow, org, org.owner.person_id)
        with acting(uow, org.owner), pytest.raises(Conflict) as refused:
            leave(uow)
        assert refused.value.code == "last_owner"
        make_member(uow, org, "owner")
        with acting(uow, org.owner):
            leave(uow)
        assert moved(uow, owner_id)[-1][1:] == ("active", "removed")

    def test_one_leaves_the_organization_one_acts_for_and_no_other(self, uow: UnitOfWork) -> None:
        here, there = make_org(uow), make_org(uow)
        colleague = make_member(uow, here, "viewer")
        with acting(uow, there.owner):
            add_member(uow, AddMember(colleague.label or "", ["viewer"]))
            joined = {row.person_id: row.state for row in list_members(uow)}
        with acting(uow, colleague):
            leave(uow)
        with acting(uow, there.owner):
            assert {row.person_id: row.state for row in list_members(uow)} == joined

    def test_owners_of_others_are_none_of_ours_even_to_who_sees_them(self, uow: UnitOfWork) -> None:
        org, _ = make_org(uow), make_org(uow)
        member_id = _member_id(uow, org, org.owner.person_id)
        desk = Principal(PrincipalKind.OPERATOR, org.id, permissions=EVERYTHING)
        with acting(uow, desk), pytest.raises(Conflict) as refused:
            remove_member(uow, member_id)
        assert refused.value.code == "last_owner"

    def test_nobody_touches_who_holds_more(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        owner, viewer = (_member_id(uow, org, who.person_id) for who in (org.owner, make_member(uow, org, "viewer")))
        with acting(uow, make_member(uow, org, "developer")):
            for deed in (remove_member, lambda unit, member: change_roles(unit, member, ["developer"])):
                for member in (owner, viewer):
                    with pytest.raises(Forbidden) as refused:
                        deed(uow, member)
                    assert refused.value.code == "role_beyond_own"

    def test_what_is_no_role_is_told_with_those_there_are(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            with pytest.raises(Invalid) as refused:
                add_member(uow, AddMember("x@example.test", [], "新人", PASSWORD))
            assert (refused.value.code, refused.value.field) == ("role_required", "roles")
            for roles in (["emperor"], ["viewer", "operator"]):
                with pytest.raises(Invalid) as refused:
                    add_member(uow, AddMember("x@example.test", roles, "新人", PASSWORD))
                assert (refused.value.code, refused.value.field) == ("role_unknown", "roles")
                assert refused.value.params == {"known": ", ".join(sorted(ROLES))}
        with acting(uow, Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID)), pytest.raises(Invalid) as refused:
            add_member(uow, AddMember("x@example.test", ["emperor"], "新人", PASSWORD))
        assert refused.value.params["known"] == ", ".join(sorted([*ROLES, "operator"]))

    def test_the_unknown_are_not_found(self, uow: UnitOfWork) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            for deed in (remove_member, lambda unit, member: change_roles(unit, member, ["viewer"])):
                with pytest.raises(NotFound) as refused:
                    deed(uow, uuid7())
                assert refused.value.code == "member_not_found"


class TestWhatAKeyIs:
    def test_all_that_is_kept_of_it(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            first = mint_api_key(uow, MintApiKey(" erp ", ["orders.read", "orders.buy", "orders.read"]))
            clock.advance(timedelta(seconds=1))
            last = mint_api_key(uow, MintApiKey("x" * 100, ["money.read"], clock.now() + timedelta(days=1)))
            revoke_api_key(uow, first.id)
            clock.advance(timedelta(hours=1))
            revoke_api_key(uow, first.id)
            rows = list_api_keys(uow)
        made = noon + timedelta(seconds=1)
        a_day = made + timedelta(days=1)
        assert rows == [
            ApiKeyRow(last.id, "x" * 100, last.prefix, ("money.read",), made, a_day, None, None),
            ApiKeyRow(first.id, "erp", first.prefix, ("orders.buy", "orders.read"), noon, None, None, made),
        ]
        row = uow.session.get_one(ApiKey, first.id)
        assert (row.org_id, row.created_by) == (org.id, org.owner.person_id)
        presented = read_api_key(first.text)
        assert presented is not None
        assert (presented.prefix, presented.key_id, presented.digest) == ("cm", row.prefix, row.secret_hash)
        assert audited(uow, first.id) == [
            ("api_key.minted", {"scopes": "orders.buy orders.read"}),
            ("api_key.revoked", {}),
        ]

    def test_the_newest_comes_first_and_shows_its_use(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        made = []
        for hours in (0, 0, -1):
            with clock.frozen(noon + timedelta(hours=hours)), acting(uow, org.owner):
                made.append(mint_api_key(uow, MintApiKey("erp", ["orders.read"])))
        assert principal_for_api_key(uow, made[0].text) is not None
        uow.session.expire_all()
        with acting(uow, org.owner):
            rows = list_api_keys(uow)
        first, second, oldest = (key.id for key in made)
        assert [row.id for row in rows] == [*sorted([first, second], reverse=True), oldest]
        assert {row.id: row.last_used_at for row in rows} == {first: noon, second: None, oldest: None}

    def test_what_cannot_be_a_key_says_why(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        known = ", ".join(sorted(EVERYTHING))
        with acting(uow, org.owner):
            for command, code, field, params in (
                (MintApiKey("x", []), "scope_unknown", "scopes", {"known": known}),
                (MintApiKey("x", ["orders.read", "nonsense"]), "scope_unknown", "scopes", {"known": known}),
                (MintApiKey("x", ["orders.read"], noon), "expiry_past", "expires_at", {}),
                (MintApiKey("x" * 101, ["orders.read"]), "text_too_long", "name", {"limit": 100}),
            ):
                with pytest.raises(Invalid) as refused:
                    mint_api_key(uow, command)
                assert (refused.value.code, refused.value.field, refused.value.params) == (code, field, params)
        with acting(uow, make_member(uow, org, "developer")), pytest.raises(Forbidden) as beyond:
            mint_api_key(uow, MintApiKey("x", ["orders.read", "orders.buy"]))
        assert beyond.value.code == "role_beyond_own"

    def test_only_its_organization_ends_it(self, uow: UnitOfWork) -> None:
        org, other = make_org(uow), make_org(uow)
        with acting(uow, org.owner):
            key = mint_api_key(uow, MintApiKey("erp", ["orders.read"]))
        with acting(uow, other.owner):
            for key_id in (key.id, uuid7()):
                with pytest.raises(NotFound) as refused:
                    revoke_api_key(uow, key_id)
                assert refused.value.code == "api_key_not_found"
            assert list_api_keys(uow) == []
        # The platform's eyes see it; it is not the platform's either.
        with pytest.raises(NotFound), acting(uow, Principal(PrincipalKind.OPERATOR, PLATFORM_ORG_ID)):
            revoke_api_key(uow, key.id)
        assert principal_for_api_key(uow, key.text) == Principal(
            PrincipalKind.API_KEY, org.id, None, frozenset({"orders.read"}), "erp", org.owner.person_id
        )

    def test_its_use_is_noted_to_the_hour(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            key, idle = (mint_api_key(uow, MintApiKey(name, ["orders.read"])) for name in ("erp", "idle"))

        def noted(key_id: UUID) -> datetime | None:
            return uow.session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == key_id))

        for passed, seen in ((0, 0), (60, 0), (61, 61), (121, 61), (122, 122)):
            with clock.frozen(noon + timedelta(minutes=passed)):
                assert principal_for_api_key(uow, key.text) is not None
            assert noted(key.id) == noon + timedelta(minutes=seen)
        assert noted(idle.id) is None

    def test_whoever_finds_its_use_being_noted_goes_on(self, db: Database, noon: datetime) -> None:
        with unit_of_work(db, SYSTEM) as unit:
            org = make_org(unit)
            with acting(unit, org.owner):
                key = mint_api_key(unit, MintApiKey("erp", ["orders.read"]))
        row = select(ApiKey).where(ApiKey.id == key.id)
        with unit_of_work(db, SYSTEM) as refers, unit_of_work(db, SYSTEM) as notes, unit_of_work(db, SYSTEM) as other:
            # Who only refers to the key is in nobody's way.
            refers.session.execute(row.with_for_update(read=True, key_share=True))
            assert principal_for_api_key(notes, key.text) is not None
            other.session.execute(text("SET LOCAL lock_timeout = '500ms'"))
            assert principal_for_api_key(other, key.text) is not None
        with unit_of_work(db, SYSTEM) as unit:
            assert unit.session.scalars(row).one().last_used_at == noon

    def test_it_expires_on_the_instant(self, uow: UnitOfWork, noon: datetime) -> None:
        org = make_org(uow)
        with acting(uow, org.owner):
            key = mint_api_key(uow, MintApiKey("b", ["orders.read"], noon + timedelta(hours=1)))
        with clock.frozen(noon + timedelta(hours=1, milliseconds=-1)):
            assert principal_for_api_key(uow, key.text) is not None
        with clock.frozen(noon + timedelta(hours=1)):
            assert principal_for_api_key(uow, key.text) is None
