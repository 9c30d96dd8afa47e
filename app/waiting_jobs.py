"""The jobs that wait in a worker: the kinds take turns, and of each the oldest goes first.

By age, so that what has waited longest is never overtaken by what came a moment ago; by turns, so that a thousand jobs of one
kind do not stand before the first of another. Age is read off the id, which begins with the time at which it was made.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Iterable
from uuid import UUID


class WaitingJobs:
    """Each job once, at most `room` of them. Not thread safe."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._lines: dict[str, deque[UUID]] = {}
        self._known: set[UUID] = set()

    def __len__(self) -> int:
        return len(self._known)

    def kinds(self) -> Iterable[tuple[str, int]]:
        """Of which kinds jobs wait, and how many."""
        return ((kind, len(line)) for kind, line in self._lines.items())

    def add(self, kind: str, job_id: UUID) -> bool:
        """Let a job wait. False when it is full and the job is the newest of the kind of which most wait.

        Otherwise the newest of that kind makes room.
        """
        if job_id in self._known:
            return True
        if len(self._known) >= self._room and not self._make_room(kind, job_id):
            return False
        line = self._lines.setdefault(kind, deque())
        self._known.add(job_id)
        if not line or line[-1] < job_id:
            line.append(job_id)
        else:
            insort(line, job_id)
        return True

    def _make_room(self, kind: str, job_id: UUID) -> bool:
        longest = max(self._lines, key=lambda one: (len(self._lines[one]), one == kind))
        line = self._lines[longest]
        if longest == kind and line[-1] < job_id:
            return False
        self._known.discard(line.pop())
        if not line:
            del self._lines[longest]
        return True

    def take(self, count: int) -> list[UUID]:
        """The next jobs, at most so many, one of each kind in turn."""
        taken: list[UUID] = []
        while self._lines and len(taken) < count:
            kind, line = next(iter(self._lines.items()))
            # To the end of the turns, or out of them.
            del self._lines[kind]
            taken.append(line.popleft())
            if line:
                self._lines[kind] = line
        self._known.difference_update(taken)
        return taken

    def clear(self) -> None:
        """Forget all of them; a sweep finds them again."""
        self._lines.clear()
        self._known.clear()
