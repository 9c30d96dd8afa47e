"""Who watches live rooms. All in a room are told the same, so that it is read and encoded once for however many they are.

Who may watch was asked when the stream was opened; a stream ends after `STREAM_S`, or when a partner link ended by which
somebody saw the room, and is asked again when it is reopened.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

import msgspec

from api.schema import Out
from api.watching import Watcher
from kernel.db.uow import Database, UnitOfWork
from marketplace.live.question_queries import RoomQuestions, room_questions
from marketplace.live.room_state import LiveState, live_states
from orders.coupons.live_price import places_left

KEEP_ALIVE_S = 15
STREAM_S = 600
RETRY_MS = 1_000
PLACES_S = 1.0
"""How often the places of live prices are counted."""
STILL_HERE = b": still here\r\n\r\n"
OVER = ("ended", "cancelled")


class LiveStateOut(Out):
    """What a room's viewers are told. `position_ms` is the server's: where the film is, whatever a viewer's clock says."""

    session_id: UUID
    state: str
    sequence: int
    item_id: UUID | None
    position_ms: int


class ToldQuestionOut(Out):
    """A question that the host has shown."""

    id: UUID
    person_name: str
    org_name: str
    text: str
    asked_ms: int
    answer: str
    answered_ms: int | None


class ToldQuestionsOut(Out):
    """The latest questions of a room, and how many wait for its host."""

    waiting: int
    shown: list[ToldQuestionOut]


@dataclass(frozen=True, slots=True)
class Room:
    """What a room is told: its state, and as events, empty where there is nothing to tell, its questions and places."""

    state: LiveState
    live: bytes
    questions: bytes
    places: bytes

    @property
    def mark(self) -> str:
        """Changes whenever somebody is to look."""
        return f"{self.state.mark}|{hash(self.questions)}|{hash(self.places)}"


def live_event(state: LiveState) -> bytes:
    """The event of a state: its id is its sequence number, so that a browser that reconnects says what it has."""
    body = LiveStateOut(
        session_id=state.session_id,
        state=state.state,
        sequence=state.sequence,
        item_id=state.item_id,
        position_ms=state.position_ms,
    )
    return b"id: %d\r\nretry: %d\r\n" % (state.sequence, RETRY_MS) + _event("live", body)


def read_room(uow: UnitOfWork, session_id: UUID) -> Room:
    """A room as it is now. Platform only: whoever is told has been let in before."""
    state = live_states(uow, [session_id])[session_id]
    asked = room_questions(uow, [session_id])[session_id]
    places = places_left(uow, [session_id]).get(session_id, {})
    return Room(state, live_event(state), _questions(asked), _places(places))


def _event(name: str, body: object) -> bytes:
    return b"event: %s\r\ndata: %s\r\n\r\n" % (name.encode(), msgspec.json.encode(body))


def _questions(asked: RoomQuestions) -> bytes:
    shown = [
        ToldQuestionOut(
            id=row.id,
            person_name=row.person_name,
            org_name=row.org_name,
            text=row.body,
            asked_ms=row.asked_ms,
            answer=row.answer,
            answered_ms=row.answered_ms,
        )
        for row in asked.shown
    ]
    return _event("questions", ToldQuestionsOut(waiting=asked.waiting, shown=shown))


def _places(left: Mapping[UUID, int]) -> bytes:
    return _event("places", {str(item_id): places for item_id, places in sorted(left.items())}) if left else b""


class LiveWatcher(Watcher):
    """Watches sessions by what their rooms are told, and keeps the latest of it for as long as somebody is there."""

    POLL_S: ClassVar[float] = 0.15

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._rooms: dict[UUID, Room] = {}
        self._counted_at = 0.0

    def marks(self, uow: UnitOfWork, row_ids: Sequence[UUID]) -> Mapping[UUID, str]:
        """As `live_states`; what is asked is read where something was, and places each second."""
        states, known = live_states(uow, row_ids), self._rooms
        anew = [
            one
            for one, state in states.items()
            if one not in known or known[one].state.questions_sequence != state.questions_sequence
        ]
        asked = room_questions(uow, anew) if anew else {}
        counts = time.monotonic() >= self._counted_at + PLACES_S
        places = places_left(uow, row_ids) if counts else {}
        if counts:
            self._counted_at = time.monotonic()
        self._rooms = {}
        for one, state in states.items():
            before = known.get(one)
            is_same = before is not None and before.state.mark == state.mark
            self._rooms[one] = Room(
                # What was told goes on being told as it was: a position is that of the moment of its change.
                replace(before.state, questions_sequence=state.questions_sequence) if before and is_same else state,
                before.live if before and is_same else live_event(state),
                _questions(asked[one]) if one in asked else before.questions if before else b"",
                _places(places.get(one, {})) if counts else before.places if before else b"",
            )
        return {one: room.mark for one, room in self._rooms.items()}

    async def events(self, first: Room) -> AsyncIterator[bytes]:
        """What the room is told now, then whatever changes of it; `end` once nothing more will."""
        ends_at, session_id = time.monotonic() + STREAM_S, first.state.session_id
        with self.watch(session_id) as watch:
            room, sent = first, ["", b"", b""]
            while True:
                if room.state.mark != sent[0]:
                    # Who has just come is told the position of their own moment.
                    yield room.live
                for place, event in ((1, room.questions), (2, room.places)):
                    if event != sent[place] and event:
                        yield event
                sent = [room.state.mark, room.questions, room.places]
                if room.state.state in OVER:
                    yield b"event: end\r\ndata: {}\r\n\r\n"
                    return
                while not await watch.changed(KEEP_ALIVE_S):
                    if time.monotonic() > ends_at:
                        return
                    yield STILL_HERE
                latest = self._rooms.get(session_id, room)
                # What was read before this viewer came is older than what they were told first.
                if (latest.state.sequence, latest.state.questions_sequence) >= (
                    room.state.sequence,
                    room.state.questions_sequence,
                ):
                    room = latest
                if room.state.links_ended != first.state.links_ended:
                    return
