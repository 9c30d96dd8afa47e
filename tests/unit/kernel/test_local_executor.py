"""A worker takes up what it can itself; whatever it cannot is rung for, and none is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from app.hands import Hands
from kernel.db.uow import Ring
from kernel.ids import uuid7


class Stage:
    """Hands whose jobs stand still until they are let on."""

    def __init__(self, number: int) -> None:
        self.go_on = threading.Event()
        self.started: list[UUID] = []
        self.rung: list[UUID] = []
        self.error: Exception | None = None
        self.hands = Hands(
            number, ["default"], self._run, lambda rings: self.rung.extend(ring.job_id for ring in rings)
        )

    def _run(self, job_id: UUID) -> bool:
        self.started.append(job_id)
        assert self.go_on.wait(30)
        if self.error is not None:
            raise self.error
        return True


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(2)
    yield made
    made.go_on.set()
    made.hands.rest()


def rings(number: int, queue: str = "default") -> list[Ring]:
    return [Ring(queue, uuid7()) for _ in range(number)]


def test_beyond_its_hands_it_rings(stage: Stage) -> None:
    made = rings(5)
    stage.hands(made)
    assert stage.rung == [ring.job_id for ring in made[2:]]
    stage.go_on.set()
    stage.hands.rest()
    assert sorted(stage.started) == sorted(ring.job_id for ring in made[:2])


def test_for_another_queue_it_rings(stage: Stage) -> None:
    made = rings(1, "documents")
    stage.hands(made)
    assert (stage.rung, stage.started) == ([made[0].job_id], [])


@pytest.mark.parametrize("error", [None, OSError("disk"), ValueError("bad")])
def test_a_hand_is_free_again_however_its_job_ended(error: Exception | None) -> None:
    stage = Stage(1)
    stage.error = error
    stage.go_on.set()
    for _ in range(20):
        job_id = uuid7()
        until = time.monotonic() + 30
        while not stage.hands.take(job_id):
            assert time.monotonic() < until
            time.sleep(0.01)
    stage.hands.rest()
    assert len(stage.started) == 20
    assert stage.rung == []


def test_at_its_end_it_takes_nothing_and_rings(stage: Stage) -> None:
    stage.go_on.set()
    stage.hands.rest()
    made = rings(3)
    stage.hands(made)
    assert (stage.rung, stage.started) == ([ring.job_id for ring in made], [])
