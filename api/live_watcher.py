"""Who watches live rooms. All in a room are told the same, so that it is read and encoded once for however many they are.

Who may watch was asked when the stream was opened; a stream ends after `STREAM_S`, or when a partner link ended by which
somebody saw the room, and is asked again when it is reopened.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import ClassVar
from uuid import UUID

import msgspec

from api.schema import Out
from api.watching import Watcher
from kernel.db.uow import Database, UnitOfWork
from marketplace.live.room_state import LiveState, live_states

KEEP_ALIVE_S = 15
STREAM_S = 600
RETRY_MS = 1_000
STILL_HERE = b": still here\r\n\r\n"
OVER = ("ended", "cancelled")


class LiveStateOut(Out):
    """What a room's viewers are told. `position_ms` is the server's: where the film is, whatever a viewer's clock says."""

    session_id: UUID
    state: str
    sequence: int
    item_id: UUID | None
    position_ms: int


def live_event(state: LiveState) -> bytes:
    """The event of a state: its id is its sequence number, so that a browser that reconnects says what it has."""
    body = msgspec.json.encode(
        LiveStateOut(
            session_id=state.session_id,
            state=state.state,
            sequence=state.sequence,
            item_id=state.item_id,
            position_ms=state.position_ms,
        )
    )
    return b"id: %d\r\nevent: live\r\nretry: %d\r\ndata: %s\r\n\r\n" % (state.sequence, RETRY_MS, body)


class LiveWatcher(Watcher):
    """Watches sessions by what their rooms are told, and keeps the latest of it for as long as somebody is there."""

    POLL_S: ClassVar[float] = 0.15

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._states: dict[UUID, LiveState] = {}
        self._encoded: dict[UUID, tuple[LiveState, bytes]] = {}

    def marks(self, uow: UnitOfWork, row_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """As `live_states`, which it keeps."""
        found = live_states(uow, row_ids)
        self._states |= found
        for gone in self._states.keys() - self._watches.keys():
            self._states.pop(gone, None)
            self._encoded.pop(gone, None)
        return {row_id: state.mark for row_id, state in found.items()}

    async def events(self, first: LiveState) -> AsyncIterator[bytes]:
        """The room's state, then whatever it changes to; `end` once nothing more will."""
        ends_at = time.monotonic() + STREAM_S
        with self.watch(first.session_id) as watch:
            state, seen = first, ""
            while True:
                if state.mark != seen:
                    seen = state.mark
                    yield self._event(state)
                if state.state in OVER:
                    yield b"event: end\r\ndata: {}\r\n\r\n"
                    return
                while not await watch.changed(KEEP_ALIVE_S):
                    if time.monotonic() > ends_at:
                        return
                    yield STILL_HERE
                latest = self._states.get(first.session_id, state)
                # What was read before this viewer came is older than what they were told first.
                state = latest if latest.sequence >= state.sequence else state
                if state.links_ended != first.links_ended:
                    return

    def _event(self, state: LiveState) -> bytes:
        """Encoded once for all who wait; who has just come is told the position of their own moment."""
        if state is not self._states.get(state.session_id):
            return live_event(state)
        known = self._encoded.get(state.session_id)
        if known is None or known[0] is not state:
            known = self._encoded[state.session_id] = (state, live_event(state))
        return known[1]
