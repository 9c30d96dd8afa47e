"""Ask a gateway, and conclude no more from what it says than it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from billing.payments.ports import Answer, NotReached, OutcomeUnknown, Refused, Standing
from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.money import Money

FIRST_CHECK = timedelta(seconds=10)
"""How soon an operation without a definite outcome is asked about."""
LONGEST_WAIT = timedelta(hours=1)
CALL_LASTS = timedelta(seconds=30)
"""Longer than any adapter lets a call take: so long the janitor leaves alone what is being called about."""


class Verdict(StrEnum):
    """What may be believed about an operation."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNDER_WAY = "under_way"
    UNKNOWN = "unknown"
    SILENT = "silent"
    """The gateway was not reached: nothing is known that was not known before."""
    CONTRADICTS = "contradicts"
    """It speaks of another amount than ours."""


class Applied(StrEnum):
    """What an answer did to our row."""

    CHANGED = "changed"
    NOTHING_NEW = "nothing_new"
    CONTRADICTS = "contradicts"
    """It cannot be true beside what we know (another amount, money after a definite failure): a person must look."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway said: exactly one of an answer, a refusal, doubt (`unknown`), or nothing at all."""

    answer: Answer | None = None
    refused: str | None = None
    unknown: bool = False

    def verdict(self, expected: Money) -> Verdict:
        """What follows for an operation over `expected`."""
        if self.answer is None:
            if self.refused is not None:
                return Verdict.FAILED
            return Verdict.UNKNOWN if self.unknown else Verdict.SILENT
        if self.answer.amount != expected:
            return Verdict.CONTRADICTS
        final = {Standing.SUCCEEDED: Verdict.SUCCEEDED, Standing.FAILED: Verdict.FAILED}
        return final.get(self.answer.standing, Verdict.UNDER_WAY)

    @property
    def failure(self) -> str:
        """Why it failed, when it did."""
        return self.refused or (self.answer.error_code if self.answer else None) or "refused"


NOT_REACHED = Told()


class Attempt(Protocol):
    """The row of one call to a gateway."""

    outcome: str
    detail: str | None
    ended_at: datetime | None


def consult(find: Callable[[], Answer | None], act: Callable[[], Answer], *, fresh: bool) -> Told:
    """Have an operation done, or learn what became of it.

    `fresh`: it was never sent, so it is sent. Otherwise the gateway is asked first, and only what it never got is sent
    again, with the same idempotency key. A gateway that refuses the question (other credentials, another account) has
    not said that the operation failed.
    """
    try:
        if not fresh:
            try:
                found = find()
            except Refused:
                return Told(unknown=True)
            if found is not None:
                return Told(answer=found)
        return Told(answer=act())
    except Refused as refusal:
        return Told(refused=refusal.code)
    except OutcomeUnknown:
        return Told(unknown=True)
    except NotReached:
        return NOT_REACHED


def wait_before_check(checks: int) -> timedelta:
    """How long to leave an operation alone after `checks` questions about it: doubling from 10 s up to an hour."""
    return min(FIRST_CHECK * (1 << min(checks, 10)), LONGEST_WAIT)


def close_attempt(attempt: Attempt, told: Told) -> None:
    """Write down how a call ended; a definite end stays as it is."""
    if told == NOT_REACHED or attempt.outcome not in {"calling", "unknown"}:
        return
    attempt.outcome = "unknown" if told.unknown else "refused" if told.refused is not None else "answered"
    attempt.detail = told.refused or (told.answer.standing.value if told.answer else None)
    attempt.ended_at = clock.now()


def record_contradiction(uow: UnitOfWork, what: str, row_id: UUID, answer: Answer, *, differs: str = "amount") -> None:
    """Leave an answer that cannot be true in the audit log, for whoever looks into it."""
    audit.record(
        uow,
        f"{what}.contradicted",
        subject_id=row_id,
        what=differs,
        standing=answer.standing.value,
        reference=answer.reference,
        amount_minor=answer.amount.amount_minor,
        currency=answer.amount.currency,
    )
