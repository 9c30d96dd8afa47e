"""Money going out, a refund or a payout: what a gateway says about it, and what becomes of the row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from billing.gateways.ports import GatewayStatus
from billing.gateways.result import (
    ApplyOutcome,
    Attempt,
    Conclusion,
    GatewayResult,
    close_attempt,
    record_mismatch,
    wait_before_check,
)
from billing.incidents.open_incident import OpenIncident, open_incident
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from kernel.states import Machine


class OutgoingTransfer(Protocol):
    """The row of a refund or a payout."""

    id: UUID
    currency: str
    state: str
    error_code: str | None
    gateway_reference: str | None
    next_check_at: datetime
    checks: int

    @property
    def money_minor(self) -> int:
        """What the gateway moves."""


@dataclass(frozen=True, slots=True)
class Transitions:
    """Where a row goes. `under_way` is its state while the gateway has it, `in_doubt` while nobody knows whether it has;
    `succeed` and `fail` move it to its end.

    `ends` are those ends, and what the gateway says of a row there. It may say otherwise later: `mark_returned` follows a
    success that came back, `record_late` money that left after a definite failure, `mark_partly_returned` one of which a part
    came back (so much in all; whether that is news).
    """

    machine: Machine
    parties: Sequence[UUID]
    ends: Mapping[str, GatewayStatus]
    under_way: str
    succeed: Callable[[], None]
    fail: Callable[[str], None]
    mark_returned: Callable[[str], None]
    record_late: Callable[[], None]
    in_doubt: str = "unknown"
    mark_partly_returned: Callable[[int], bool] | None = None
    gateway: str = ""


def apply_result(
    uow: UnitOfWork, row: OutgoingTransfer, attempt: Attempt, result: GatewayResult, transitions: Transitions
) -> ApplyOutcome:
    """Bring a locked row to where the gateway says it is.

    From its end a late answer moves it only where the gateway has changed its mind: money that had gone is back.
    """
    row.next_check_at = clock.now() + wait_before_check(row.checks)
    row.checks += 1
    if row.state in transitions.ends:
        return _apply_after_end(uow, row, result, transitions)
    close_attempt(attempt, result)
    verdict = result.verdict(Money(row.money_minor, row.currency))
    if result.answer is not None:
        if verdict is Conclusion.CONTRADICTS:
            record_mismatch(uow, transitions.machine.name, row.id, result.answer)
            row.error_code = "answer_contradicts"
            transitions.machine.move(
                uow, row, transitions.in_doubt, org_ids=list(transitions.parties), reason="contradicts"
            )
            return ApplyOutcome.CONTRADICTS
        row.gateway_reference = result.answer.reference
    if result.key_reused:
        # Asking again does not end it: a person looks at what the gateway did by this key before.
        amount, named = Money(row.money_minor, row.currency), row.gateway_reference or str(row.id)
        open_incident(
            uow, OpenIncident("key_reused", row.id, transitions.gateway, named, amount, "idempotency_key_reused")
        )
    if verdict is Conclusion.SILENT:
        return ApplyOutcome.NOTHING_NEW
    if verdict is Conclusion.SUCCEEDED:
        transitions.succeed()
        _take_back_part(result, transitions)
        return ApplyOutcome.CHANGED
    if verdict is Conclusion.FAILED:
        row.error_code = result.failure
        transitions.fail(result.failure)
        return ApplyOutcome.CHANGED
    target = transitions.in_doubt if verdict is Conclusion.UNKNOWN else transitions.under_way
    moved = transitions.machine.move(uow, row, target, org_ids=list(transitions.parties))
    return ApplyOutcome.CHANGED if moved else ApplyOutcome.NOTHING_NEW


def _apply_after_end(
    uow: UnitOfWork, row: OutgoingTransfer, result: GatewayResult, transitions: Transitions
) -> ApplyOutcome:
    said, answer = transitions.ends[row.state], result.answer
    verdict = result.verdict(Money(row.money_minor, row.currency))
    if row.state == "paid" and verdict is Conclusion.SUCCEEDED and _take_back_part(result, transitions):
        return ApplyOutcome.CHANGED
    if answer is None or verdict is Conclusion.UNDER_WAY or (verdict.value == said.value):
        return ApplyOutcome.NOTHING_NEW
    if verdict is Conclusion.FAILED:
        row.error_code = result.failure
        transitions.mark_returned(result.failure)
        return ApplyOutcome.CHANGED
    record_mismatch(
        uow, transitions.machine.name, row.id, answer, differs="amount" if verdict is Conclusion.CONTRADICTS else "late"
    )
    if verdict is Conclusion.SUCCEEDED:
        transitions.record_late()
    return ApplyOutcome.CONTRADICTS


def _take_back_part(result: GatewayResult, transitions: Transitions) -> bool:
    returned_minor = result.answer.returned_minor if result.answer is not None else 0
    take_back = transitions.mark_partly_returned
    return bool(returned_minor and take_back is not None and take_back(returned_minor))
