"""How what was recorded is read, page by page: nothing is missed, and nothing that cannot be told holds up what can.

Commits do not come in the order of their instants. Nearly all come within seconds, and a short overlap finds them. Every half
minute a reader looks back further than a transaction of ours lives (`kernel.db.uow.LIMITS`), and only then moves its mark: an
idle market writes little, a busy one does not ask of every fact of the last minute, each second, whether it has been read.

A page is one transaction. It takes of its facts as many as `WORK_S` allows and leaves the rest to the next one, so that the
database never ends it for its length. A page that dies all the same is read again in smaller ones, until the fact that kills it
is alone, and left out. What cannot be told is found by halves, logged by the page, and tried again every half minute only.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from kernel.db.uow import Transact, UnitOfWork

Place = tuple[datetime, UUID]

OVERLAP = timedelta(seconds=10)
LOOK_BACK = timedelta(minutes=1)
STEP = timedelta(seconds=30)
WORK_S = 2.0
"""How long a page goes on taking facts: well within what a transaction may be idle (`kernel.db.uow.LIMITS`)."""
FIRST_SLICE = 16
"""Facts that are told without knowing how long that takes."""
SHRINK = 8
NEVER = datetime.min.replace(tzinfo=UTC)
NAMED = 10
"""Ids in a log line."""
log = structlog.get_logger(__name__)
T = TypeVar("T")


class DatedFact(Protocol):
    """Something that was recorded."""

    @property
    def id(self) -> UUID:
        """Its own."""

    @property
    def at(self) -> datetime:
        """When it became true."""


F = TypeVar("F", bound=DatedFact)


Failed = list[tuple[F, Exception]]


class Reader:
    """Reads facts for one purpose, and remembers in this process which of them could not be told."""

    def __init__(self, name: str, page_size: int) -> None:
        self.name, self.page_size = name, page_size
        self.untold: set[UUID] = set()

    def read(self, transact: Transact, page: Callable[[UnitOfWork, FactReading], Place | None]) -> None:
        """Read page after page: `page` returns where to go on, None after the last one. One that dies is read again, smaller.

        Raises what a page raised before it had read any fact.
        """
        reading = FactReading(self, None, self.page_size, [])
        while True:
            reading.first.clear()
            try:
                reading.after = transact(partial(_turn, page, reading))
            except Exception as error:
                if not reading.first:
                    raise
                log.warning("page_died", reader=self.name, facts=reading.size, error=repr(error)[:500])
                if reading.size == 1:
                    (reading.after,) = reading.first
                    self.untold.add(reading.after[1])
                reading.suspects, reading.size = reading.size - 1, max(1, reading.size // SHRINK)
                continue
            if reading.after is None:
                return
            reading.suspects -= reading.size
            if reading.suspects <= 0:
                reading.size = min(2 * reading.size, self.page_size)


@dataclass(slots=True)
class FactReading:
    """Where a reader is: behind which fact, how many the next page has at most, and the first one of the page at work."""

    reader: Reader
    after: Place | None
    size: int
    first: list[Place]
    suspects: int = 0
    """Facts left of the page that died last: as long as there are, pages do not grow again."""
    began_at: datetime = NEVER
    since: datetime = NEVER
    is_far: bool = False
    """Whether it looks back so far that the mark may move to when it began."""

    def begin(self, read_until: datetime, now: datetime) -> None:
        """Decide with the first page how far all of them look back; those that look far try again what could not be told."""
        self.began_at, self.since = now, read_since(read_until, now)
        self.is_far = looks_far_back(read_until, now)
        if self.is_far:
            self.reader.untold.clear()

    def take(
        self, facts: Sequence[F], tell: Callable[[Sequence[F], Failed[F]], list[T]]
    ) -> tuple[list[T], Place | None]:
        """What `tell` makes of the first facts of a page, in slices that grow as long as there is time; and where to go on."""
        left = [fact for fact in facts if fact.id not in self.reader.untold]
        self.first[:] = [(fact.at, fact.id) for fact in left[:1]]
        made: list[T] = []
        failed: Failed[F] = []
        began, length, done = time.monotonic(), FIRST_SLICE, 0
        while done < len(left):
            slice_began = time.monotonic()
            made += tell(left[done : done + length], failed)
            done, length, ended = done + length, 2 * length, time.monotonic()
            # The next slice is twice as long.
            if ended - began + 2 * (ended - slice_began) > WORK_S:
                break
        self._put_aside(failed)
        if done < len(left):
            return made, (left[done - 1].at, left[done - 1].id)
        return made, (facts[-1].at, facts[-1].id) if len(facts) == self.size else None

    def _put_aside(self, failed: Failed[F]) -> None:
        if not failed:
            return
        self.reader.untold.update(fact.id for fact, _ in failed)
        kinds = Counter(str(getattr(fact, "type", "") or getattr(fact, "topic", "")) for fact, _ in failed)
        ids = [str(fact.id) for fact, _ in failed[:NAMED]]
        first = failed[0][1]
        log.error("facts_not_told", reader=self.reader.name, count=len(failed), kinds=kinds, ids=ids, exc_info=first)


def _turn(
    page: Callable[[UnitOfWork, FactReading], Place | None], reading: FactReading, uow: UnitOfWork
) -> Place | None:
    return page(uow, reading)


def tell_by_halves(facts: Sequence[F], tell: Callable[[Sequence[F]], Iterable[T]], failed: Failed[F]) -> list[T]:
    """What is made of facts of one kind. Those that it fails at are put beside: nobody else waits for their mending."""
    try:
        return list(tell(facts))
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        if len(facts) == 1:
            failed.append((facts[0], error))
            return []
        middle = len(facts) // 2
        return [one for half in (facts[:middle], facts[middle:]) for one in tell_by_halves(half, tell, failed)]


def looks_far_back(read_until: datetime, now: datetime) -> bool:
    """Whether this reading is one after which the mark moves to `now`, as when a sandbox's clock jumped either way."""
    return abs(now - read_until) >= STEP


def read_since(read_until: datetime, now: datetime) -> datetime:
    """The first instant to read, inclusive."""
    return min(read_until, now) - LOOK_BACK if looks_far_back(read_until, now) else now - OVERLAP
