"""What an organization may know of its test clocks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.parties.models import Organization
from marketplace.test_clocks.create_test_clock import MANAGE
from marketplace.test_clocks.models import TestClock
from marketplace.webhooks.models import OutgoingEvent


@dataclass(frozen=True, slots=True)
class TestClockView:
    """A clock and its organization."""

    __test__ = False  # no class of tests
    id: UUID
    name: str
    organization_id: UUID
    organization_name: str
    state: str
    started_at: datetime
    present_at: datetime
    target_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened at a test organization; `at` is its own time."""

    id: UUID
    type: str
    subject_id: UUID
    at: datetime
    position: int


def list_test_clocks(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[TestClockView]:
    """The acting organization's, the newest first, without those that were deleted. Raises Forbidden, `cursor_invalid`."""
    uow.principal.require(MANAGE)
    wanted = select(TestClock).where(TestClock.org_id == uow.principal.organization(), TestClock.state != "deleted")
    rows = uow.session.scalars(newest_first(wanted, TestClock.created_at, TestClock.id, cursor, limit)).all()
    names = _names(uow, [row.test_org_id for row in rows])
    return cut([_view(row, names) for row in rows], limit, lambda one: (one.created_at, one.id))


def get_test_clock(uow: UnitOfWork, clock_id: UUID) -> TestClockView:
    """One of them, also after it was deleted. Raises Forbidden(`permission_missing`), NotFound(`not_found`)."""
    uow.principal.require(MANAGE)
    found = select(TestClock).where(TestClock.id == clock_id, TestClock.org_id == uow.principal.organization())
    row = uow.session.scalars(found).one_or_none()
    if row is None:
        raise NotFound("not_found")
    return _view(row, _names(uow, [row.test_org_id]))


def list_happenings(uow: UnitOfWork, clock_id: UUID, *, cursor: str | None = None, limit: int = 20) -> Page[Happening]:
    """What happened at its organization, the last first. Raises as `get_test_clock`."""
    org_id = get_test_clock(uow, clock_id).organization_id
    wanted = select(OutgoingEvent).where(OutgoingEvent.org_id == org_id)
    with as_platform(uow):
        rows = uow.session.scalars(
            newest_first(wanted, OutgoingEvent.occurred_at, OutgoingEvent.id, cursor, limit)
        ).all()
    found = [Happening(row.id, row.type, row.subject_id, row.occurred_at, row.position) for row in rows]
    return cut(found, limit, lambda one: (one.at, one.id))


def _names(uow: UnitOfWork, org_ids: list[UUID]) -> dict[UUID, str]:
    """They are their own organizations': the acting one may know those that it made."""
    with as_platform(uow):
        rows = uow.session.execute(
            select(Organization.id, Organization.display_name).where(Organization.id.in_(org_ids))
        ).all()
    return {row.id: row.display_name for row in rows}


def _view(row: TestClock, names: dict[UUID, str]) -> TestClockView:
    return TestClockView(
        row.id,
        row.name,
        row.test_org_id,
        names[row.test_org_id],
        row.state,
        row.started_at,
        row.present_at,
        row.target_at,
        row.created_at,
    )
