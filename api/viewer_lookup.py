"""Viewers of the catalogue, looked up for many requests at once.

A kept answer needs nothing of the database but who asks and whether the catalogue is still the same. Requests that arrive
while a look-up runs share the next one: it begins after each of them, so that each sees whatever was committed before it
came, and the busier the process is the less a request costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from litestar.concurrency import sync_to_thread

from kernel.db.uow import Database, unit_of_work
from kernel.principal import ANONYMOUS, SYSTEM, Principal
from marketplace.access.authenticate import principals_for_sessions
from marketplace.discovery.viewer import CatalogueViewer, find_catalogue_viewers

Waiting = dict[str | None, list[asyncio.Future[CatalogueViewer | None]]]
PAUSE_S = 0.003
"""Between look-ups while requests come faster than they are looked up: more of them share the next one."""


class ViewerLookup:
    """Runs on one event loop, with at most one look-up at a time."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: Waiting = {}
        self._running: asyncio.Task[None] | None = None

    async def find(self, token: str | None) -> CatalogueViewer | None:
        """The viewer behind a session token, without one or with one that is over anybody; None as `find_catalogue_viewers`."""
        loop = asyncio.get_running_loop()
        if self._running is not None and self._running.get_loop() is not loop:
            self._running, self._waiting = None, {}
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._run())
        future: asyncio.Future[CatalogueViewer | None] = loop.create_future()
        self._waiting.setdefault(token, []).append(future)
        return await future

    async def _run(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            futures = [future for asked in waiting.values() for future in asked]
            try:
                found = await sync_to_thread(self._look_up, [token for token in waiting if token is not None])
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait are to know
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
            except asyncio.CancelledError:
                for future in futures:
                    future.cancel()
                raise
            else:
                for token, asked in waiting.items():
                    for future in asked:
                        # One that gave up is done already.
                        if not future.done():
                            future.set_result(found.get(token))
            if self._waiting:
                await asyncio.sleep(PAUSE_S)

    def _look_up(self, tokens: list[str]) -> Mapping[str | None, CatalogueViewer | None]:
        with unit_of_work(self._db, SYSTEM) as uow:
            principals: dict[str | None, Principal] = {None: ANONYMOUS}
            if tokens:
                signed_in = principals_for_sessions(uow, tokens)
                principals |= {token: signed_in.get(token, ANONYMOUS) for token in tokens}
            viewers = find_catalogue_viewers(uow, principals.values())
            return {token: viewers.get(principal) for token, principal in principals.items()}
