"""The platform's own staff."""

from __future__ import annotations

import pytest

from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden
from kernel.principal import PrincipalKind
from marketplace.access.add_operator import add_operator
from marketplace.access.add_person import NewPerson
from marketplace.access.authenticate import principal_for_session
from marketplace.access.permissions import OPERATOR, ROLES
from marketplace.access.sessions import SignIn, sign_in
from marketplace.parties.models import PLATFORM_ORG_ID
from tests.factories_marketplace import PASSWORD, acting, make_org


def test_an_operator_signs_in_to_the_platforms_desk(uow: UnitOfWork) -> None:
    add_operator(uow, NewPerson("staff@market.example", "运营", PASSWORD))
    opened = sign_in(uow, SignIn("staff@market.example", PASSWORD))
    found = principal_for_session(uow, opened.token)
    assert found is not None
    assert (found.principal.kind, found.principal.permissions) == (PrincipalKind.OPERATOR, OPERATOR)


def test_somebody_of_finance_operates_nothing(uow: UnitOfWork) -> None:
    add_operator(uow, NewPerson("finance@market.example", "财务", PASSWORD), "finance")
    found = principal_for_session(uow, sign_in(uow, SignIn("finance@market.example", PASSWORD)).token)
    assert found is not None
    assert (found.principal.kind, found.principal.org_id) == (PrincipalKind.PERSON, PLATFORM_ORG_ID)
    assert found.principal.permissions == ROLES["finance"]


def test_who_has_an_account_does_not_become_one(uow: UnitOfWork) -> None:
    org = make_org(uow)
    with pytest.raises(Conflict) as refused:
        add_operator(uow, NewPerson(org.email, "运营", PASSWORD))
    assert refused.value.code == "email_taken"


def test_nobody_but_the_platform_adds_one(uow: UnitOfWork) -> None:
    org = make_org(uow)
    with acting(uow, org.owner), pytest.raises(Forbidden) as refused:
        add_operator(uow, NewPerson("staff@market.example", "运营", PASSWORD))
    assert refused.value.code == "permission_missing"
