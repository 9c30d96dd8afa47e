"""A worker runs what it can itself; whatever it cannot is signalled, and none is forgotten."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest

from app import local_executor
from app.local_executor import LocalExecutor
from kernel import clock
from kernel.db.uow import JobSignal
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.runner import JobRun, Runner


class FakeRunner:
    """A runner whose jobs are all calls, which stand still until they are let on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.batches: list[list[UUID]] = []
        self.concluded: list[UUID] = []
        self.error: Exception | None = None
        self.most_at_once = 0
        self._calling = 0
        self._lock = threading.Lock()

    def begin(self, job_ids: Sequence[UUID]) -> tuple[int, list[JobRun]]:
        self.batches.append(list(job_ids))
        if self.error is not None:
            raise self.error
        now = clock.now()
        return len(job_ids), [JobRun(JobClaim(one, "test", {}, 1, 1, None), now, 0.0) for one in job_ids]

    def call(self, run: JobRun) -> None:
        with self._lock:
            self._calling += 1
            self.most_at_once = max(self.most_at_once, self._calling)
        assert self.go_on.wait(30)
        with self._lock:
            self._calling -= 1

    def conclude(self, runs: Sequence[JobRun]) -> None:
        self.concluded += [run.claim.id for run in runs]

    @property
    def begun(self) -> list[UUID]:
        return [job_id for batch in self.batches for job_id in batch]


class Stage:
    def __init__(self, calls: int = 2) -> None:
        self.runner = FakeRunner()
        self.signalled: list[UUID] = []
        self.executor = LocalExecutor(
            cast("Runner", self.runner),
            ["default"],
            lambda signals: self.signalled.extend(signal.job_id for signal in signals),
            threads=2,
            calls=calls,
        )
        self.executor.start()

    def end(self) -> None:
        self.runner.go_on.set()
        self.executor.shutdown()


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.end()


def signals(number: int, queue: str = "default", kind: str = "test") -> list[JobSignal]:
    return [JobSignal(queue, uuid7(), kind) for _ in range(number)]


def eventually(holds: Callable[[], Any]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_no_more_calls_at_once_than_there_is_room_for_and_all_of_them_in_the_end(stage: Stage) -> None:
    made = signals(7)
    stage.executor(made)
    eventually(lambda: len(stage.runner.begun) == 2)
    stage.runner.go_on.set()
    eventually(lambda: len(stage.runner.concluded) == 7)
    assert sorted(stage.runner.begun) == sorted(signal.job_id for signal in made)
    assert stage.runner.most_at_once <= 2
    assert stage.executor.is_idle


def test_what_waits_together_is_begun_in_one_batch() -> None:
    stage = Stage(calls=64)
    blocked, entered = threading.Event(), threading.Event()
    begin = stage.runner.begin

    def slow(job_ids: Sequence[UUID]) -> tuple[int, list[JobRun]]:
        entered.set()
        assert blocked.wait(30)
        return begin(job_ids)

    stage.runner.begin = slow  # type: ignore[method-assign]  # both threads stand in it until let on
    stage.executor(signals(2))
    assert entered.wait(30)
    stage.executor(signals(20))
    blocked.set()
    stage.runner.go_on.set()
    eventually(lambda: len(stage.runner.concluded) == 22)
    assert max(len(batch) for batch in stage.runner.batches) > 2
    assert max(len(batch) for batch in stage.runner.batches) <= local_executor.BATCH
    stage.end()


def test_the_same_job_signalled_twice_waits_once(stage: Stage) -> None:
    stage.executor(signals(2))
    eventually(lambda: len(stage.runner.begun) == 2)
    (again,) = signals(1)
    stage.executor([again, again])
    stage.runner.go_on.set()
    eventually(lambda: stage.executor.is_idle)
    assert stage.runner.begun.count(again.job_id) == 1


def test_for_another_queue_it_signals(stage: Stage) -> None:
    made = signals(1, "documents")
    stage.executor(made)
    assert (stage.signalled, stage.runner.begun) == ([made[0].job_id], [])


@pytest.mark.parametrize("error", [OSError("disk"), ValueError("bad")])
def test_it_goes_on_however_its_jobs_ended(stage: Stage, error: Exception) -> None:
    stage.runner.go_on.set()
    stage.runner.error = error
    stage.executor(signals(3))
    eventually(lambda: len(stage.runner.begun) == 3)
    stage.runner.error = None
    stage.executor(signals(3))
    eventually(lambda: len(stage.runner.concluded) == 3)


def test_at_its_end_it_concludes_what_is_under_way_and_takes_nothing_more(stage: Stage) -> None:
    stage.executor(signals(2))
    eventually(lambda: len(stage.runner.begun) == 2)
    threading.Timer(0.1, stage.runner.go_on.set).start()
    stage.executor.shutdown()
    assert len(stage.runner.concluded) == 2
    assert stage.executor.submit(signals(1)[0]) is False


def test_jobs_that_come_while_others_are_under_way_are_gathered_into_one_batch() -> None:
    stage = Stage(calls=64)
    stage.executor(signals(2))
    eventually(lambda: len(stage.runner.begun) == 2)
    for signal in signals(6):
        stage.executor([signal])
        time.sleep(0.002)
    eventually(lambda: len(stage.runner.begun) == 8)
    # One by one they would have been six batches of one.
    assert max(len(batch) for batch in stage.runner.batches[-2:]) > 1
    stage.end()


def test_a_job_alone_does_not_wait_for_company(monkeypatch: pytest.MonkeyPatch) -> None:
    # So long that the test would fail, were it waited for.
    monkeypatch.setattr(local_executor, "GATHER_S", 3_600.0)
    stage = Stage()
    stage.runner.go_on.set()
    for _ in range(5):
        before = len(stage.runner.concluded)
        stage.executor(signals(1))
        eventually(partial(lambda known: len(stage.runner.concluded) > known, before))
    stage.end()


def test_gathering_ends_with_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(calls=64)
    stage.executor(signals(2))
    eventually(lambda: len(stage.runner.begun) == 2)
    monkeypatch.setattr(local_executor, "GATHER_S", 3_600.0)
    stage.runner.go_on.set()
    stage.executor.shutdown()
    assert len(stage.runner.concluded) == 2


def test_a_job_alone_of_its_kind_does_not_wait_for_a_crowd_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(calls=64)
    stage.executor(signals(2, kind="mail"))
    eventually(lambda: len(stage.runner.begun) == 2)
    # So long that the test would fail, were it waited for.
    monkeypatch.setattr(local_executor, "GATHER_S", 3_600.0)
    stage.executor(signals(2, kind="mail"))
    (sale,) = signals(1, kind="sale")
    try:
        stage.executor([sale])
        eventually(lambda: sale.job_id in stage.runner.begun)
    finally:
        monkeypatch.undo()
        # Whoever waits looks again.
        stage.executor(signals(1, kind="sale"))
        stage.end()
