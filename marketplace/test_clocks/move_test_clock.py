"""A test clock is moved on, or deleted. What that brings happens in a job of its own (`orders.test_clocks`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.ids import uuid7
from kernel.jobs.outbox import DRIVE_CLOCK, enqueue
from marketplace.test_clocks.create_test_clock import lock_own_clock
from marketplace.test_clocks.models import TEST_CLOCK, TestClock

MOST_AHEAD = timedelta(days=2 * 366)
"""In one move: two terms of a year."""


def advance_test_clock(uow: UnitOfWork, clock_id: UUID, to: datetime) -> TestClock:
    """Let everything happen that is due at the test organization until `to` (aware), in order; the clock then stands there.

    Raises: Forbidden(`permission_missing`), NotFound(`not_found`), Invalid `test_clock_backward`, `test_clock_too_far`,
    Conflict `test_clock_advancing`, `test_clock_deleted`. Locks: the clock.
    Idempotent by `to`: a clock that stands there, or is on the way there, is left alone.
    """
    row = lock_own_clock(uow, clock_id)
    if row.state in ("deleting", "deleted"):
        raise Conflict("test_clock_deleted")
    if to in (row.present_at, row.target_at) and (row.target_at is None or to == row.target_at):
        return row
    if row.state == "advancing":
        raise Conflict("test_clock_advancing")
    if to < row.present_at:
        raise Invalid("test_clock_backward", field="to", present=row.present_at.isoformat(timespec="seconds"))
    if to > row.present_at + MOST_AHEAD:
        latest = row.present_at + MOST_AHEAD
        raise Invalid("test_clock_too_far", field="to", latest=latest.isoformat(timespec="seconds"))
    row.target_at = to
    TEST_CLOCK.move(uow, row, "advancing", org_ids=[row.org_id])
    wake_driver(uow, row)
    return row


def delete_test_clock(uow: UnitOfWork, clock_id: UUID) -> None:
    """End what its organization has, and let nobody act for that any more. What was bought stays readable for its sellers.

    Raises: Forbidden(`permission_missing`), NotFound(`not_found`), Conflict `test_clock_advancing`. Locks: the clock.
    Idempotent by the state.
    """
    row = lock_own_clock(uow, clock_id)
    if row.state in ("deleting", "deleted"):
        return
    if row.state == "advancing":
        raise Conflict("test_clock_advancing")
    TEST_CLOCK.move(uow, row, "deleting", org_ids=[row.org_id])
    wake_driver(uow, row)


def wake_driver(uow: UnitOfWork, row: TestClock) -> None:
    """Let its driver see to it, once this is committed."""
    payload = {"clock_id": str(row.id), "since": row.present_at.isoformat()}
    with clock.living_at(None):
        enqueue(uow, DRIVE_CLOCK, payload, dedupe_key=str(uuid7()))
