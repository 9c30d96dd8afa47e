"""Reads of the reconciliation, for operators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from billing.reconciliation.models import ReconciliationDifference, ReconciliationRun
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.access.models import Person


@dataclass(frozen=True, slots=True)
class DifferenceRow:
    """A difference as its operator sees it. Amounts in minor units; see `ReconciliationDifference`."""

    id: UUID
    leg: str
    kind: str
    subject: str
    currency: str
    expected_minor: int | None
    found_minor: int | None
    state: str
    created_at: datetime
    seen_at: datetime
    owner_id: UUID | None
    owner_name: str | None
    reason: str | None
    decided_by: str | None
    resolved_at: datetime | None

    @property
    def difference_minor(self) -> int:
        """Found less expected."""
        return (self.found_minor or 0) - (self.expected_minor or 0)


@dataclass(frozen=True, slots=True)
class ReconciliationRunRow:
    """A leg compared once."""

    id: UUID
    leg: str
    compared: int
    differing: int
    kinds: dict[str, int]
    asked_by: str
    started_at: datetime
    ended_at: datetime


def list_differences(
    uow: UnitOfWork,
    *,
    state: str | None = None,
    leg: str | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[DifferenceRow]:
    """Differences, newest first. Raises: Forbidden `permission_missing` without operator.read."""
    uow.principal.require("operator.read")
    statement: Any = select(ReconciliationDifference, Person.name).outerjoin(
        Person, Person.id == ReconciliationDifference.owner_id
    )
    if state is not None:
        statement = statement.where(ReconciliationDifference.state == state)
    if leg is not None:
        statement = statement.where(ReconciliationDifference.leg == leg)
    at, row_id = ReconciliationDifference.created_at, ReconciliationDifference.id
    rows = uow.session.execute(newest_first(statement, at, row_id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page([_to_row(row, name) for row, name in page.items], page.next_cursor)


def get_difference(uow: UnitOfWork, difference_id: UUID) -> DifferenceRow:
    """One of them. Raises: Forbidden as `list_differences`, NotFound `difference_not_found`."""
    uow.principal.require("operator.read")
    row = uow.session.get(ReconciliationDifference, difference_id)
    if row is None:
        raise NotFound("difference_not_found")
    owner = uow.session.get(Person, row.owner_id) if row.owner_id else None
    return _to_row(row, owner.name if owner else None)


def count_open(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many differences nobody has explained, and since when the oldest is known."""
    count, oldest = uow.session.execute(
        select(func.count(), func.min(ReconciliationDifference.created_at)).where(
            ReconciliationDifference.state == "open"
        )
    ).one()
    return count, oldest


def last_runs(uow: UnitOfWork) -> list[ReconciliationRunRow]:
    """The last run of each leg, by the leg's name. Raises: Forbidden as `list_differences`."""
    uow.principal.require("operator.read")
    statement = (
        select(ReconciliationRun)
        .ext(distinct_on(ReconciliationRun.leg))
        .order_by(ReconciliationRun.leg, ReconciliationRun.ended_at.desc(), ReconciliationRun.id.desc())
    )
    return [to_run_row(row) for row in uow.session.scalars(statement)]


def to_run_row(row: ReconciliationRun) -> ReconciliationRunRow:
    """A stored run as a frozen value."""
    return ReconciliationRunRow(**{name: getattr(row, name) for name in ReconciliationRunRow.__dataclass_fields__})


def _to_row(row: ReconciliationDifference, owner_name: str | None) -> DifferenceRow:
    own = {name: getattr(row, name) for name in DifferenceRow.__dataclass_fields__ if name != "owner_name"}
    return DifferenceRow(**own, owner_name=owner_name)
