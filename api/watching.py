"""Who waits for news of rows: one poller a process for every open page of a kind, and none when nobody waits.

The poller asks, as the platform, for a mark of each watched row in one statement and signals those whose mark changed.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar
from uuid import UUID

import structlog
from litestar.concurrency import sync_to_thread

from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.principal import SYSTEM

log = structlog.get_logger(__name__)


class Watch:
    """One page's or request's wait for one row."""

    def __init__(self) -> None:
        self._signal = asyncio.Event()

    def signal(self) -> None:
        """Something changed."""
        self._signal.set()

    async def changed(self, timeout_s: float) -> bool:
        """Wait until something may have changed since this was last true; False when `timeout_s` seconds went by."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._signal.wait(), max(0.0, timeout_s))
        was_set = self._signal.is_set()
        self._signal.clear()
        return was_set


class Watcher(ABC):
    """The watches of one event loop, and the task that polls for them while there are any."""

    POLL_S: ClassVar[float] = 0.25
    """How often the poller looks while somebody waits."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watches: dict[UUID, set[Watch]] = {}
        self._marks: dict[UUID, str] = {}
        self._poller: asyncio.Task[None] | None = None

    @abstractmethod
    def marks(self, uow: UnitOfWork, row_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """For each row a text that changes whenever its watchers are to look. On a thread, as the platform."""

    @property
    def is_polling(self) -> bool:
        """Whether the database is being asked."""
        return self._poller is not None and not self._poller.done()

    @contextmanager
    def watch(self, row_id: UUID) -> Iterator[Watch]:
        """A watch until the block ends. Read the row inside the block: what changes afterwards is signalled.

        The first signal may come without news: what happened between the reading and the first look is not known.
        """
        watch = Watch()
        self._watches.setdefault(row_id, set()).add(watch)
        if not self.is_polling:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield watch
        finally:
            watches = self._watches[row_id]
            watches.discard(watch)
            if not watches:
                del self._watches[row_id]
                self._marks.pop(row_id, None)

    async def _poll(self) -> None:
        while self._watches:
            try:
                marks = await sync_to_thread(self._look, list(self._watches))
            except Exception as error:  # noqa: BLE001 - whoever waits goes on waiting; their own reading tells them more
                log.warning("watcher_blind", watcher=type(self).__name__, error=type(error).__name__)
                marks = {}
            for row_id, mark in marks.items():
                if row_id in self._watches and self._marks.get(row_id) != mark:
                    self._marks[row_id] = mark
                    for watch in self._watches[row_id]:
                        watch.signal()
            await asyncio.sleep(self.POLL_S)

    def _look(self, row_ids: list[UUID]) -> Mapping[UUID, str]:
        with unit_of_work(self._db, SYSTEM) as uow:
            return self.marks(uow, row_ids)
