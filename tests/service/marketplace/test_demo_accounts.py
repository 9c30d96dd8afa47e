"""Which people a sandbox's sign-in page offers: those of its sample data alone."""

from __future__ import annotations

from uuid import UUID

import pytest

from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access import demo_accounts
from marketplace.access.add_person import NewPerson
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.register_organization import RegisterOrganization, register_organization
from tests.factories_marketplace import PASSWORD, new_tax_id


def registered(uow: UnitOfWork, email: str) -> UUID:
    command = RegisterOrganization("星河", "星河", "CN", new_tax_id(), NewPerson(email, "老板", PASSWORD), email=email)
    return register_organization(uow, command).org_id


def test_who_signed_up_by_such_an_address_is_nobodys_sample(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_accounts, "MOST", 100_000)

    def made_by(who: Principal) -> str:
        email = f"owner@{uuid7().hex}.example"
        with unit_of_work(db, who) as uow:
            registered(uow, email)
        return email

    signed_up, sample = made_by(PRE_AUTH), made_by(SYSTEM)
    with unit_of_work(db, PRE_AUTH) as uow:
        offered = {one.email for one in demo_accounts.list_demo_accounts(uow)}
    assert sample in offered
    assert signed_up not in offered
