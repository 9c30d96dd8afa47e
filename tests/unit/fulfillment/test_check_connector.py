"""What a seller's system must not do to pass the test of its connector."""

from __future__ import annotations

import pytest

from fulfillment.connectors.ports import Accepted, Answer, Exchange, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.runs.check_connector import EXCERPT, find_failure, run_steps
from kernel.ids import uuid7
from kernel.signing import new_webhook_secret

SECRET = new_webhook_secret()
WIRE = Exchange(status=200)
STEPS = ("message", "repetition", "forgery")
DONE, TAKEN, NO, LATER = Succeeded(WIRE), Accepted(WIRE), Refused(WIRE, "no stock"), TryAgain(WIRE, "http_503")


class System:
    """Gives these answers in turn, and notes with which secrets it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = iter(answers)
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def call(self, request: RunRequest) -> Answer:
        self.asked.append((request.message_id, request.secrets))
        return next(self._answers)


def request(url: str | None = "https://seller.example/") -> RunRequest:
    return RunRequest(uuid7(), "msg_1", "deprovision", {}, url, (SECRET,))


@pytest.mark.parametrize("answers", [(DONE, DONE), (TAKEN, TAKEN), (TAKEN, DONE)])
def test_the_same_message_twice_and_then_a_forgery(answers: tuple[Answer, Answer]) -> None:
    system = System(*answers, NO)
    steps = run_steps(system, request())
    assert find_failure(steps) is None
    assert [(step.step, step.failure) for step in steps] == [(name, None) for name in STEPS]
    assert [message_id for message_id, _ in system.asked] == ["msg_1"] * 3
    assert [secrets == (SECRET,) for _, secrets in system.asked] == [True, True, False]


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ((NO,), "no stock"),
        ((LATER,), "http_503"),
        ((DONE, NO), "no stock"),
        ((TAKEN, LATER), "http_503"),
        ((Succeeded(WIRE, "t-1"), Succeeded(WIRE, "t-2")), "answer_not_repeated"),
        ((DONE, DONE, DONE), "forgery_not_refused"),
        ((DONE, DONE, TAKEN), "forgery_not_refused"),
        ((DONE, DONE, LATER), "forgery_not_refused"),
    ],
)
def test_what_does_not_pass(answers: tuple[Answer, ...], failure: str) -> None:
    steps = run_steps(System(*answers), request())
    assert find_failure(steps) == failure
    assert [step.step for step in steps] == list(STEPS[: len(answers)]), "what comes after a failure is not asked"
    assert [step.failure for step in steps[:-1]] == [None] * (len(answers) - 1)


def test_what_was_sent_and_answered_is_kept_cut_short() -> None:
    wire = Exchange(200, 12, "s" * 3_000, "a" * 3_000)
    (first, *_) = run_steps(System(Accepted(wire), Accepted(wire), Refused(wire, "no")), request())
    assert (first.status, first.elapsed_ms, first.sent, first.answered) == (200, 12, "s" * EXCERPT, "a" * EXCERPT)


def test_where_there_is_no_address_nothing_is_called() -> None:
    assert run_steps(System(), request(None)) == ()
    assert find_failure(()) is None
