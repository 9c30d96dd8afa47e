"""What may be concluded from what a gateway says, and what may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.gateways.ports import GatewayAnswer, GatewayRefused, GatewayStatus, NotReached, OutcomeUnknown
from billing.gateways.result import NOT_REACHED, Conclusion, GatewayResult, submit_or_query, wait_before_check
from kernel.money import Money

MONEY = Money(500, "CNY")
MADE = GatewayAnswer(GatewayStatus.SUCCEEDED, "r-1", MONEY)


def never() -> GatewayAnswer:
    raise AssertionError("nothing may be sent")


def raising(error: Exception) -> GatewayAnswer:
    raise error


def test_what_was_never_sent_is_sent_without_asking() -> None:
    assert submit_or_query(never, lambda: MADE, fresh=True) == GatewayResult(answer=MADE)


def test_what_may_have_been_sent_is_asked_about_first_and_sent_only_when_it_is_not_there() -> None:
    assert submit_or_query(lambda: MADE, never, fresh=False) == GatewayResult(answer=MADE)
    assert submit_or_query(lambda: None, lambda: MADE, fresh=False) == GatewayResult(answer=MADE)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (GatewayRefused("declined"), GatewayResult(refused="declined")),
        (OutcomeUnknown(), GatewayResult(unknown=True)),
        (NotReached(), NOT_REACHED),
    ],
)
def test_how_a_call_ends(error: Exception, result: GatewayResult) -> None:
    assert submit_or_query(never, lambda: raising(error), fresh=True) == result


@pytest.mark.parametrize(
    ("error", "result"),
    # A question refused says nothing about the deed: other credentials, another account.
    [
        (GatewayRefused("resource_missing"), GatewayResult(unknown=True)),
        (OutcomeUnknown(), GatewayResult(unknown=True)),
        (NotReached(), NOT_REACHED),
    ],
)
def test_how_a_question_ends(error: Exception, result: GatewayResult) -> None:
    assert submit_or_query(lambda: raising(error), never, fresh=False) == result


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (GatewayResult(answer=MADE), Conclusion.SUCCEEDED),
        (GatewayResult(answer=GatewayAnswer(GatewayStatus.FAILED, "r-1", MONEY, "no")), Conclusion.FAILED),
        (GatewayResult(answer=GatewayAnswer(GatewayStatus.PENDING, "r-1", MONEY)), Conclusion.UNDER_WAY),
        (GatewayResult(answer=GatewayAnswer(GatewayStatus.FAILED, "r-1", Money(501, "CNY"))), Conclusion.CONTRADICTS),
        (
            GatewayResult(answer=GatewayAnswer(GatewayStatus.SUCCEEDED, "r-1", Money(500, "USD"))),
            Conclusion.CONTRADICTS,
        ),
        (GatewayResult(refused="no"), Conclusion.FAILED),
        (GatewayResult(unknown=True), Conclusion.UNKNOWN),
        (NOT_REACHED, Conclusion.SILENT),
    ],
)
def test_what_follows_from_what_was_told(result: GatewayResult, verdict: Conclusion) -> None:
    assert result.verdict(MONEY) is verdict


def test_questions_grow_rarer_up_to_an_hour() -> None:
    waits = [wait_before_check(checks) for checks in range(40)]
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert set(waits[9:]) == {timedelta(hours=1)}
