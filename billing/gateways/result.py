"""Ask a gateway, and conclude no more from what it says than it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from billing.gateways.ports import (
    GatewayAnswer,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    KeyReused,
    NotReached,
    OutcomeUnknown,
)
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money

FIRST_CHECK = timedelta(seconds=10)
"""How soon an operation without a definite outcome is asked about."""
LONGEST_WAIT = timedelta(hours=1)
CALL_LASTS = timedelta(seconds=30)
"""Longer than any adapter lets a call take: so long the janitor leaves alone what is being called about."""


class Conclusion(StrEnum):
    """What may be believed about an operation."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNDER_WAY = "under_way"
    UNKNOWN = "unknown"
    SILENT = "silent"
    """The gateway was not reached: nothing is known that was not known before."""
    CONTRADICTS = "contradicts"
    """It speaks of another amount than ours."""


class ApplyOutcome(StrEnum):
    """What an answer did to our row."""

    CHANGED = "changed"
    NOTHING_NEW = "nothing_new"
    CONTRADICTS = "contradicts"
    """It cannot be true beside what we know (another amount, money after a definite failure): a person must look."""


@dataclass(frozen=True, slots=True)
class GatewayResult:
    """What a gateway said: exactly one of an answer, a refusal, doubt (`unknown`), or nothing at all."""

    answer: GatewayAnswer | None = None
    refused: str | None = None
    unknown: bool = False
    key_reused: bool = False
    """Of doubt: asking does not end it, the key stands for something else there."""

    def verdict(self, expected: Money) -> Conclusion:
        """What follows for an operation over `expected`."""
        if self.answer is None:
            if self.refused is not None:
                return Conclusion.FAILED
            return Conclusion.UNKNOWN if self.unknown else Conclusion.SILENT
        if self.answer.amount != expected:
            return Conclusion.CONTRADICTS
        final = {GatewayStatus.SUCCEEDED: Conclusion.SUCCEEDED, GatewayStatus.FAILED: Conclusion.FAILED}
        return final.get(self.answer.status, Conclusion.UNDER_WAY)

    @property
    def is_open(self) -> bool:
        """Whether nothing was said, so that asking again may bring an answer."""
        return self.answer is None and self.refused is None and not self.key_reused

    @property
    def failure(self) -> str:
        """Why it failed, when it did."""
        return self.refused or (self.answer.error_code if self.answer else None) or "refused"


NOT_REACHED = GatewayResult()


class Attempt(Protocol):
    """The row of one call to a gateway."""

    outcome: str
    detail: str | None
    ended_at: datetime | None


def submit_or_query(
    find: Callable[[], GatewayAnswer | None], act: Callable[[], GatewayAnswer], *, fresh: bool
) -> GatewayResult:
    """Have an operation done, or learn what became of it.

    `fresh`: it was never sent, so it is sent. Otherwise the gateway is asked first, and only what it never got is sent
    again, with the same idempotency key. A gateway that refuses the question (other credentials, another account) has
    not said that the operation failed.
    """
    try:
        if not fresh:
            try:
                found = find()
            except GatewayRefused:
                return GatewayResult(unknown=True)
            if found is not None:
                return GatewayResult(answer=found)
        return GatewayResult(answer=act())
    except GatewayRefused as refusal:
        return GatewayResult(refused=refusal.code)
    except OutcomeUnknown as doubt:
        return GatewayResult(unknown=True, key_reused=isinstance(doubt, KeyReused))
    except NotReached:
        return NOT_REACHED


def wait_before_check(checks: int) -> timedelta:
    """How long to leave an operation alone after `checks` questions about it: doubling from 10 s up to an hour."""
    return min(FIRST_CHECK * (1 << min(checks, 10)), LONGEST_WAIT)


def close_attempt(attempt: Attempt, result: GatewayResult) -> None:
    """Write down how a call ended; a definite end stays as it is."""
    if result == NOT_REACHED or attempt.outcome not in {"calling", "unknown"}:
        return
    attempt.outcome = "unknown" if result.unknown else "refused" if result.refused is not None else "answered"
    attempt.detail = result.refused or (result.answer.status.value if result.answer else None)
    attempt.ended_at = clock.now()


def record_mismatch(
    uow: UnitOfWork, what: str, row_id: UUID, answer: GatewayAnswer | GatewayRecord, *, differs: str = "amount"
) -> None:
    """Leave an answer that cannot be true in the audit log, for whoever looks into it."""
    audit.record(
        uow,
        f"{what}.contradicted",
        subject_id=row_id,
        what=differs,
        status=answer.status.value,
        reference=answer.reference,
        amount_minor=answer.amount.amount_minor,
        currency=answer.amount.currency,
    )
