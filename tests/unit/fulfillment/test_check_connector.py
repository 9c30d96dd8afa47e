"""What a seller's system must not do to pass the test of its connector."""

from __future__ import annotations

import pytest

from fulfillment.connectors.ports import Accepted, Answer, Exchange, Refused, RunRequest, Succeeded, TryAgain
from fulfillment.runs.check_connector import find_failure
from kernel.ids import uuid7
from kernel.signing import new_webhook_secret

SECRET = new_webhook_secret()
WIRE = Exchange(status=200)
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
    assert find_failure(system, request()) is None
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
    assert find_failure(System(*answers), request()) == failure


def test_where_there_is_no_address_nothing_is_called() -> None:
    assert find_failure(System(), request(None)) is None
