"""What a principal may do and what a role gives, written out once more: a permission that moves is seen here."""

from __future__ import annotations

from uuid import UUID

import pytest

from kernel.errors import Forbidden
from kernel.principal import ANONYMOUS, SYSTEM, Principal, PrincipalKind
from marketplace.access.permissions import EVERYTHING, OPERATOR, ROLES, holds, permissions_of, roles_with

ORG, PERSON = UUID(int=1), UUID(int=2)


def test_roles_add_up_and_an_unknown_one_gives_nothing() -> None:
    assert permissions_of([]) == permissions_of(["emperor"]) == permissions_of(["operator"]) == frozenset()
    assert permissions_of(["approver", "emperor", "finance"]) == ROLES["approver"] | ROLES["finance"]
    assert permissions_of(iter(["viewer"])) == ROLES["viewer"]


@pytest.mark.parametrize(
    ("permission", "roles"),
    [
        ("orders.buy", {"purchaser"}),
        ("orders.approve", {"approver"}),
        ("billing.manage", {"finance"}),
        ("money.read", {"finance", "viewer"}),
        ("members.manage", set()),
        ("keys.manage", {"developer"}),
        ("runs.replay", {"developer"}),
        ("connectors.write", {"developer"}),
        ("catalog.write", {"catalog"}),
        ("videos.write", {"catalog"}),
        ("leads.manage", {"catalog"}),
        ("seats.assign", set()),
    ],
)
def test_beside_owner_and_admin_these_roles_hold_it(permission: str, roles: set[str]) -> None:
    assert {role for role, held in ROLES.items() if permission in held} == roles | {"owner", "admin"}


def test_staff_hold_what_the_operator_does_and_an_operator_role_alone_gives_no_more() -> None:
    assert holds(["finance"], "money.read")
    assert not holds(["finance"], "orders.buy")
    assert holds(["viewer", "operator"], "operator.read")
    assert holds(["viewer", "operator"], "money.read")
    assert not holds(["owner"], "operator.read")
    assert not holds([], "money.read")


def test_the_roles_that_hold_one_of_several_permissions() -> None:
    assert roles_with([]) == []
    assert roles_with(["seats.assign"]) == ["owner", "admin"]
    assert set(roles_with(["orders.approve", "runs.replay"])) == {"owner", "admin", "approver", "developer"}
    assert roles_with(["operator.read"]) == ["operator"]


def test_no_role_of_an_organization_reaches_the_operators_desk() -> None:
    desk = {permission for permission in OPERATOR if permission.startswith("operator.")}
    assert desk.isdisjoint(EVERYTHING.union(*ROLES.values()))


def test_a_principal_may_what_it_holds() -> None:
    buyer = Principal(PrincipalKind.PERSON, ORG, PERSON, frozenset({"orders.buy"}))
    assert buyer.may("orders.buy")
    assert not buyer.may("orders.approve")
    buyer.require("orders.buy")
    with pytest.raises(Forbidden) as refused:
        buyer.require("orders.approve")
    assert (refused.value.code, refused.value.params) == ("permission_missing", {"permission": "orders.approve"})
    assert (buyer.organization(), buyer.person()) == (ORG, PERSON)


def test_the_platform_may_everything_and_nobody_nothing() -> None:
    assert SYSTEM.may("orders.approve")
    assert not ANONYMOUS.may("orders.read")
    operator = Principal(PrincipalKind.OPERATOR, ORG, PERSON, OPERATOR)
    assert [who.is_platform for who in (SYSTEM, operator, ANONYMOUS)] == [True, True, False]
    assert not operator.may("orders.buy")


@pytest.mark.parametrize(("ask", "code"), [("organization", "organization_required"), ("person", "person_required")])
def test_whoever_stands_for_nobody_is_refused(ask: str, code: str) -> None:
    with pytest.raises(Forbidden) as refused:
        getattr(SYSTEM, ask)()
    assert refused.value.code == code


def test_the_maker_answers_for_a_key() -> None:
    assert Principal(PrincipalKind.API_KEY, ORG, maker_id=PERSON).accountable_id == PERSON
    assert Principal(PrincipalKind.PERSON, ORG, PERSON).accountable_id == PERSON
    assert SYSTEM.accountable_id is None
