"""Who is next in a worker: kinds in turn, each by age, nobody twice, and no more than there is room for."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.waiting_jobs import WaitingJobs

jobs = st.tuples(st.sampled_from("abc"), st.integers(0, 200).map(lambda number: UUID(int=number)))


def test_kinds_take_turns_and_the_oldest_of_each_goes_first() -> None:
    waiting = WaitingJobs(10)
    for kind, number in [("a", 5), ("a", 3), ("b", 9), ("a", 4), ("b", 1)]:
        assert waiting.add(kind, UUID(int=number))
    assert [job.int for job in waiting.take(4)] == [3, 1, 4, 9]
    assert [job.int for job in waiting.take(4)] == [5]
    assert not len(waiting)


def test_when_full_an_older_one_takes_the_place_of_the_newest_and_a_newer_one_is_left_out() -> None:
    waiting = WaitingJobs(2)
    assert waiting.add("a", UUID(int=5))
    assert waiting.add("a", UUID(int=7))
    assert not waiting.add("a", UUID(int=8))
    assert waiting.add("a", UUID(int=1))
    assert [job.int for job in waiting.take(5)] == [1, 5]


@given(st.lists(jobs, unique_by=lambda one: one[1]), st.integers(1, 50))
def test_whatever_comes_each_is_taken_once_and_by_age_within_its_kind(
    given_jobs: list[tuple[str, UUID]], room: int
) -> None:
    waiting, kinds = WaitingJobs(room), {job_id: kind for kind, job_id in given_jobs}
    for kind, job_id in given_jobs:
        waiting.add(kind, job_id)
        assert len(waiting) <= room
    taken = waiting.take(room)
    assert len(taken) == len(set(taken)) == min(room, len(given_jobs))
    for kind in "abc":
        line = [job_id for job_id in taken if kinds[job_id] == kind]
        assert line == sorted(line)
    assert not waiting.take(room)
