"""Money going out, a refund or a payout: what a gateway says about it, and what becomes of the row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.payments.consult import (
    Applied,
    Attempt,
    Told,
    Verdict,
    close_attempt,
    record_contradiction,
    wait_before_check,
)
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from kernel.states import Machine


class MoneyOut(Protocol):
    """The row of a refund or a payout. `amount_minor` is positive."""

    id: UUID
    amount_minor: int
    currency: str
    state: str
    error_code: str | None
    gateway_reference: str | None
    next_check_at: datetime
    checks: int


@dataclass(frozen=True, slots=True)
class Course:
    """Where a row goes. `under_way` is its state while the gateway has it; `succeed` and `fail` move it to its end."""

    machine: Machine
    parties: Sequence[UUID]
    under_way: str
    succeed: Callable[[], None]
    fail: Callable[[str], None]


def hear(uow: UnitOfWork, row: MoneyOut, attempt: Attempt, told: Told, course: Course) -> Applied:
    """Bring a locked row to where the gateway says it is; a late answer never moves it from its end."""
    row.next_check_at = clock.now() + wait_before_check(row.checks)
    row.checks += 1
    if course.machine.is_final(row.state):
        return Applied.NOTHING_NEW
    close_attempt(attempt, told)
    verdict = told.verdict(Money(row.amount_minor, row.currency))
    if told.answer is not None:
        if verdict is Verdict.CONTRADICTS:
            record_contradiction(uow, course.machine.name, row.id, told.answer)
            row.error_code = "answer_contradicts"
            course.machine.move(uow, row, "unknown", org_ids=list(course.parties), reason="contradicts")
            return Applied.CONTRADICTS
        row.gateway_reference = told.answer.reference
    if verdict is Verdict.SILENT:
        return Applied.NOTHING_NEW
    if verdict is Verdict.SUCCEEDED:
        course.succeed()
        return Applied.CHANGED
    if verdict is Verdict.FAILED:
        row.error_code = told.failure
        course.fail(told.failure)
        return Applied.CHANGED
    target = "unknown" if verdict is Verdict.UNKNOWN else course.under_way
    moved = course.machine.move(uow, row, target, org_ids=list(course.parties))
    return Applied.CHANGED if moved else Applied.NOTHING_NEW
