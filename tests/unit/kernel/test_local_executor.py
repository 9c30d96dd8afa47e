"""A worker takes up what it can itself; of whatever it cannot others are told, and none is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from app.local_executor import LocalExecutor
from kernel.db.uow import Ring
from kernel.ids import uuid7


class Stage:
    """An executor whose jobs stand still until they are let on."""

    def __init__(self, number: int, batch: int = 1) -> None:
        self.go_on = threading.Event()
        self.begun = threading.Semaphore(0)
        self.started: list[UUID] = []
        self.batches: list[int] = []
        self.notified: list[UUID] = []
        self.error: Exception | None = None
        self.executor = LocalExecutor(
            number,
            ["default"],
            self._run,
            lambda rings: self.notified.extend(ring.job_id for ring in rings),
            batch=batch,
        )

    def _run(self, job_ids: Sequence[UUID]) -> None:
        self.started += job_ids
        self.batches.append(len(job_ids))
        self.begun.release()
        assert self.go_on.wait(30)
        if self.error is not None:
            raise self.error


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage(2)
    yield made
    made.go_on.set()
    made.executor.shutdown()


def rings(number: int, queue: str = "default") -> list[Ring]:
    return [Ring(queue, uuid7()) for _ in range(number)]


def test_beyond_its_threads_others_are_notified(stage: Stage) -> None:
    made = rings(5)
    stage.executor(made)
    assert stage.notified == [ring.job_id for ring in made[2:]]
    stage.go_on.set()
    stage.executor.shutdown()
    assert sorted(stage.started) == sorted(ring.job_id for ring in made[:2])


def test_of_another_queue_others_are_notified(stage: Stage) -> None:
    made = rings(1, "documents")
    stage.executor(made)
    assert (stage.notified, stage.started) == ([made[0].job_id], [])


@pytest.mark.parametrize("error", [None, OSError("disk"), ValueError("bad")])
def test_a_thread_is_free_again_however_its_job_ended(error: Exception | None) -> None:
    stage = Stage(1)
    stage.error = error
    stage.go_on.set()
    for _ in range(20):
        job_id = uuid7()
        until = time.monotonic() + 30
        while not stage.executor.submit(job_id):
            assert time.monotonic() < until
            time.sleep(0.01)
    stage.executor.shutdown()
    assert len(stage.started) == 20
    assert stage.notified == []


def test_at_its_end_it_takes_nothing_and_others_are_notified(stage: Stage) -> None:
    stage.go_on.set()
    stage.executor.shutdown()
    made = rings(3)
    stage.executor(made)
    assert (stage.notified, stage.started) == ([ring.job_id for ring in made], [])


def test_what_waits_is_run_in_batches_and_each_thread_takes_its_share() -> None:
    stage = Stage(2, batch=4)
    for _ in range(2):  # one for each thread
        assert stage.executor.submit(uuid7())
        assert stage.begun.acquire(timeout=30)
    made = rings(8)
    stage.executor(made)
    assert stage.notified == [ring.job_id for ring in made[6:]]
    stage.go_on.set()
    for _ in range(2):
        assert stage.begun.acquire(timeout=30)
    stage.executor.shutdown()
    assert stage.batches[:4] == [1, 1, 3, 2]


def test_whoever_waits_for_room_gets_it() -> None:
    stage = Stage(1)
    assert stage.executor.submit(uuid7())
    waiting = threading.Thread(target=stage.executor.submit_when_free, args=(late := uuid7(),))
    waiting.start()
    assert late not in stage.started
    stage.go_on.set()
    waiting.join(30)
    for _ in range(2):
        assert stage.begun.acquire(timeout=30)
    stage.executor.shutdown()
    assert stage.started[-1] == late


def test_whoever_waits_for_room_at_the_end_is_let_go(stage: Stage) -> None:
    answers: list[bool] = []
    stage.executor(rings(2))
    waiting = threading.Thread(target=lambda: answers.append(stage.executor.submit_when_free(uuid7())))
    waiting.start()
    ending = threading.Thread(target=stage.executor.shutdown)
    ending.start()
    waiting.join(30)
    assert answers == [False]
    stage.go_on.set()
    ending.join(30)
