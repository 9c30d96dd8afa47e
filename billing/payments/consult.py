"""Ask a gateway and sort its answer, with no transaction open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from billing.payments.ports import Answer, NotReached, OutcomeUnknown, Refused


@dataclass(frozen=True, slots=True)
class Told:
    """What a gateway said: exactly one of an answer, a refusal, doubt (`unknown`), or nothing at all."""

    answer: Answer | None = None
    refused: str | None = None
    unknown: bool = False


NOT_REACHED = Told()
FIRST_CHECK = timedelta(seconds=10)
"""Longer than a call may take, so that the janitor does not ask about a call that is still running."""
LONGEST_WAIT = timedelta(hours=1)


def consult(find: Callable[[], Answer | None], act: Callable[[], Answer], *, fresh: bool) -> Told:
    """Have an operation done, or learn what became of it.

    `fresh`: it was never sent, so it is sent. Otherwise the gateway is asked first, and only what it never got is sent
    again, with the same idempotency key.
    """
    try:
        answer = None if fresh else find()
        return Told(answer=act() if answer is None else answer)
    except Refused as refusal:
        return Told(refused=refusal.code)
    except OutcomeUnknown:
        return Told(unknown=True)
    except NotReached:
        return NOT_REACHED


def wait_before_check(checks: int) -> timedelta:
    """How long to leave an operation alone after `checks` questions about it: doubling from 10 s up to an hour."""
    return min(FIRST_CHECK * (1 << min(checks, 10)), LONGEST_WAIT)
