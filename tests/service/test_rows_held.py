"""However a row is held, with the session and without it, nothing that was assigned to it in a transaction is lost."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select

from kernel.db.locks import lock_row
from kernel.db.statements import Read
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization

FIELDS = ("display_name", "legal_name", "industry")
_ORGANIZATION = Read(select(Organization).where(Organization.id == bindparam("org_id")))
STEPS = st.lists(st.sampled_from(["fetch", "lock", "get", "look", "flush", *FIELDS]), min_size=2, max_size=12)


def made(uow: UnitOfWork) -> Organization:
    return uow.add(
        Organization(
            id=uuid7(),
            legal_name="a",
            display_name="a",
            country="CN",
            tax_id=None,
            locale="en",
            time_zone="UTC",
            industry="a",
            is_seller=False,
            is_platform=False,
            state="active",
        )
    )


def hold(uow: UnitOfWork, step: str, org_id: UUID) -> Any:
    """The row, as this way of holding it shows it."""
    if step == "fetch":
        return uow.find(_ORGANIZATION, org_id=org_id)
    if step == "lock":
        return lock_row(uow.session, Organization, org_id)
    return uow.session.get_one(Organization, org_id)


def values(row: Organization) -> dict[str, str | None]:
    return {field: getattr(row, field) for field in FIELDS}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_every_way_of_holding_a_row_sees_what_was_assigned(db: Database, steps: list[str]) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org_id = made(uow).id
    expected: dict[str, str | None] = dict.fromkeys(FIELDS, "a")
    with unit_of_work(db, SYSTEM) as uow:
        row = hold(uow, "fetch", org_id)
        for number, step in enumerate(steps):
            if step in {"fetch", "lock", "get"}:
                row = hold(uow, step, org_id)
            elif step == "look":
                uow.session.scalar(select(Organization.id).where(Organization.id == org_id))
            elif step == "flush":
                uow.flush()
            else:
                expected[step] = f"{number}"
                setattr(row, step, expected[step])
            assert values(row) == expected, steps
    with unit_of_work(db, SYSTEM) as uow:
        assert values(hold(uow, "fetch", org_id)) == expected


@pytest.mark.parametrize("again", ["fetch", "lock"])
def test_what_is_assigned_after_the_session_was_used_is_seen_by_the_next_reader(db: Database, again: str) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org_id = made(uow).id
    with unit_of_work(db, SYSTEM) as uow:
        first = hold(uow, "fetch", org_id)
        uow.session.scalar(select(Organization.id).where(Organization.id == org_id))
        first.display_name = "changed"
        assert hold(uow, again, org_id).display_name == "changed"
