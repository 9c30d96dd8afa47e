"""Who waits for news of orders: one poller a process for every open page, and none when nobody waits.

The poller asks, as the platform, for a mark of each watched order in one statement and signals those whose mark changed.
It hands out no data: whoever is signalled reads what happened in a transaction of their own, under their own rights.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import UUID

import structlog
from litestar.concurrency import sync_to_thread

from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from orders.progress import progress_marks

log = structlog.get_logger(__name__)

POLL_S = 0.25
"""How often the poller looks while somebody waits."""


class Watch:
    """One page's or request's wait for one order."""

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


class OrderWatcher:
    """The watches of one event loop, and the task that polls for them while there are any."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watches: dict[UUID, set[Watch]] = {}
        self._marks: dict[UUID, str] = {}
        self._poller: asyncio.Task[None] | None = None

    @property
    def is_polling(self) -> bool:
        """Whether the database is being asked."""
        return self._poller is not None and not self._poller.done()

    @contextmanager
    def watch(self, order_id: UUID) -> Iterator[Watch]:
        """A watch until the block ends. Read the order inside the block: what changes afterwards is signalled.

        The first signal may come without news: what happened between the reading and the first look is not known.
        """
        watch = Watch()
        self._watches.setdefault(order_id, set()).add(watch)
        if not self.is_polling:
            self._poller = asyncio.create_task(self._poll())
        try:
            yield watch
        finally:
            watches = self._watches[order_id]
            watches.discard(watch)
            if not watches:
                del self._watches[order_id]
                self._marks.pop(order_id, None)

    async def _poll(self) -> None:
        while self._watches:
            try:
                marks = await sync_to_thread(self._look, list(self._watches))
            except Exception as error:  # noqa: BLE001 - whoever waits goes on waiting; their own reading tells them more
                log.warning("order_watcher_blind", error=type(error).__name__)
                marks = {}
            for order_id, mark in marks.items():
                if order_id in self._watches and self._marks.get(order_id) != mark:
                    self._marks[order_id] = mark
                    for watch in self._watches[order_id]:
                        watch.signal()
            await asyncio.sleep(POLL_S)

    def _look(self, order_ids: list[UUID]) -> dict[UUID, str]:
        with unit_of_work(self._db, SYSTEM) as uow:
            return progress_marks(uow, order_ids)
