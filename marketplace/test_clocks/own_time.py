"""Whose time it is: of whoever has a test clock, the instant at which that stands; of everybody else, the installation's.

A test organization has its clock from the beginning, so that a process which knows of none of them asks nothing. One that another
process has made is known two seconds later; until then its time differs from everybody's by as much.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute

from kernel import clock
from kernel.clock import OwnTime
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from marketplace.test_clocks.models import TestClock

_known: set[UUID] = set()
"""Test organizations; there are none in production."""
_READ = "SELECT id, present_at, state IN ('advancing', 'deleting') FROM marketplace.test_clock WHERE test_org_id = $1"


def follow(uow: UnitOfWork) -> None:
    """Learn which organizations have a test clock. `uow` is the platform's."""
    _known.update(row[0] for row in uow.cursor.execute("SELECT test_org_id FROM marketplace.test_clock").fetchall())


def know(org_id: UUID) -> None:
    """This organization has a test clock."""
    _known.add(org_id)


def find_own_time(uow: UnitOfWork, org_id: UUID | None) -> OwnTime | None:
    """The organization's own time; None where it lives at everybody's."""
    if org_id is None or org_id not in _known:
        return None
    with reading_as_platform(uow):
        row = uow.cursor.execute(_READ, (org_id,)).fetchone()
    return OwnTime(row[0], org_id, row[1], is_moving=row[2]) if row else None


def present_of(uow: UnitOfWork, org_id: UUID) -> datetime:
    """Now, as the organization lives: also for others who read what happened to it."""
    own = find_own_time(uow, org_id)
    return own.at if own is not None else clock.installation_now()


def enter_time_of(uow: UnitOfWork, org_id: UUID) -> None:
    """Let the rest of the transaction be at the time of the buyer whose rows it has locked, whoever acts on them."""
    own = clock.own_time()
    if own is not None and own.org_id == org_id:
        return
    if own is not None or org_id in _known:
        clock.enter(find_own_time(uow, org_id))


def lives_now(org_id: InstrumentedAttribute[UUID]) -> ColumnElement[bool]:
    """The condition for rows of buyers whose time it is: whoever has a test clock is left alone by everybody's sweeps."""
    own = clock.own_time()
    if own is not None:
        return org_id == own.org_id
    return org_id.not_in(select(TestClock.test_org_id))
