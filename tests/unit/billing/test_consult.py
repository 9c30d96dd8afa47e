"""What may be concluded from what a gateway says, and what may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.payments.consult import NOT_REACHED, Told, Verdict, consult, wait_before_check
from billing.payments.ports import Answer, NotReached, OutcomeUnknown, Refused, Standing
from kernel.money import Money

MONEY = Money(500, "CNY")
MADE = Answer(Standing.SUCCEEDED, "r-1", MONEY)


def never() -> Answer:
    raise AssertionError("nothing may be sent")


def raising(error: Exception) -> Answer:
    raise error


def test_what_was_never_sent_is_sent_without_asking() -> None:
    assert consult(never, lambda: MADE, fresh=True) == Told(answer=MADE)


def test_what_may_have_been_sent_is_asked_about_first_and_sent_only_when_it_is_not_there() -> None:
    assert consult(lambda: MADE, never, fresh=False) == Told(answer=MADE)
    assert consult(lambda: None, lambda: MADE, fresh=False) == Told(answer=MADE)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Refused("declined"), Told(refused="declined")),
        (OutcomeUnknown(), Told(unknown=True)),
        (NotReached(), NOT_REACHED),
    ],
)
def test_how_a_call_ends(error: Exception, told: Told) -> None:
    assert consult(never, lambda: raising(error), fresh=True) == told


@pytest.mark.parametrize(
    ("error", "told"),
    # A question refused says nothing about the deed: other credentials, another account.
    [
        (Refused("resource_missing"), Told(unknown=True)),
        (OutcomeUnknown(), Told(unknown=True)),
        (NotReached(), NOT_REACHED),
    ],
)
def test_how_a_question_ends(error: Exception, told: Told) -> None:
    assert consult(lambda: raising(error), never, fresh=False) == told


@pytest.mark.parametrize(
    ("told", "verdict"),
    [
        (Told(answer=MADE), Verdict.SUCCEEDED),
        (Told(answer=Answer(Standing.FAILED, "r-1", MONEY, "no")), Verdict.FAILED),
        (Told(answer=Answer(Standing.PENDING, "r-1", MONEY)), Verdict.UNDER_WAY),
        (Told(answer=Answer(Standing.FAILED, "r-1", Money(501, "CNY"))), Verdict.CONTRADICTS),
        (Told(answer=Answer(Standing.SUCCEEDED, "r-1", Money(500, "USD"))), Verdict.CONTRADICTS),
        (Told(refused="no"), Verdict.FAILED),
        (Told(unknown=True), Verdict.UNKNOWN),
        (NOT_REACHED, Verdict.SILENT),
    ],
)
def test_what_follows_from_what_was_told(told: Told, verdict: Verdict) -> None:
    assert told.verdict(MONEY) is verdict


def test_questions_grow_rarer_up_to_an_hour() -> None:
    waits = [wait_before_check(checks) for checks in range(40)]
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert set(waits[9:]) == {timedelta(hours=1)}
