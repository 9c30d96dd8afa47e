"""Reads of what is asked in live rooms: by whoever is in one, by its host, and for all who are told alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.live.access import get_visible_session
from marketplace.live.models import LiveSession
from marketplace.live.question_models import LiveQuestion

MOST_SHOWN = 30
"""The latest that everybody in a room is told of; its page has as many."""
MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class LiveQuestionView:
    """A question of a room as its reader meets it. `own`: the reader asked it."""

    id: UUID
    person_name: str
    org_name: str
    text: str
    state: str
    asked_ms: int
    answer: str
    answered_ms: int | None
    created_at: datetime
    own: bool


def list_room_questions(uow: UnitOfWork, session_id: UUID) -> list[LiveQuestionView]:
    """What was shown in a room that one may see, the latest first, and one's own that waits or is hidden.

    The host reads what waits for it, first, and what it hid. Raises NotFound(`live_session_not_found`).
    """
    me, session = uow.principal, get_visible_session(uow, session_id)
    shown = [LiveQuestion.state == "shown"]
    is_host = session.org_id == me.org_id and me.may("videos.write")
    if is_host:
        shown.append(LiveQuestion.state.in_(("waiting", "hidden")))
    elif me.org_id is not None and me.person_id is not None:
        own = (LiveQuestion.org_id == me.org_id) & (LiveQuestion.person_id == me.person_id)
        shown.append(own & LiveQuestion.state.in_(("waiting", "hidden")))
    rows = uow.session.scalars(
        select(LiveQuestion)
        .where(LiveQuestion.session_id == session.id, or_(*shown))
        .order_by(LiveQuestion.created_at.desc(), LiveQuestion.id.desc())
        .limit(MOST_LISTED)
    ).all()
    if is_host:
        rows = sorted(rows, key=lambda row: row.state != "waiting")
    return [
        LiveQuestionView(
            id=row.id,
            person_name=row.person_name,
            org_name=row.org_name,
            text=row.body,
            state=row.state,
            asked_ms=row.asked_ms,
            answer=row.answer,
            answered_ms=row.answered_ms,
            created_at=row.created_at,
            own=me.person_id is not None and (row.org_id, row.person_id) == (me.org_id, me.person_id),
        )
        for row in rows
    ]


def session_of_question(uow: UnitOfWork, question_id: UUID) -> UUID:
    """The session in which it was asked. Raises NotFound(`live_question_not_found`): none that one may read."""
    question = uow.session.get(LiveQuestion, question_id)
    if question is None:
        raise NotFound("live_question_not_found")
    return question.session_id


@dataclass(frozen=True, slots=True)
class RoomQuestions:
    """What everybody in a room is told of: the latest that are shown, and how many wait for its host."""

    shown: tuple[LiveQuestion, ...] = ()
    waiting: int = 0


def room_questions(uow: UnitOfWork, session_ids: Sequence[UUID]) -> dict[UUID, RoomQuestions]:
    """Of these sessions, in two statements. Platform only: whoever is told has been let in before."""
    latest = (
        select(LiveQuestion)
        .where(LiveQuestion.session_id == LiveSession.id, LiveQuestion.state == "shown")
        .order_by(LiveQuestion.created_at.desc(), LiveQuestion.id.desc())
        .limit(MOST_SHOWN)
        .correlate(LiveSession)
        .lateral("latest")
    )
    rows = uow.session.scalars(
        select(LiveQuestion)
        .select_from(LiveSession)
        .join(latest, LiveSession.id == latest.c.session_id)
        .join(LiveQuestion, LiveQuestion.id == latest.c.id)
        .where(LiveSession.id.in_(session_ids))
        .order_by(LiveQuestion.created_at.desc(), LiveQuestion.id.desc())
    ).all()
    counted = (
        select(LiveQuestion.session_id, func.count())
        .where(LiveQuestion.session_id.in_(session_ids), LiveQuestion.state == "waiting")
        .group_by(LiveQuestion.session_id)
    )
    waits = {row[0]: row[1] for row in uow.session.execute(counted)}
    found: dict[UUID, list[LiveQuestion]] = {one: [] for one in session_ids}
    for row in rows:
        found[row.session_id].append(row)
    return {one: RoomQuestions(tuple(shown), waits.get(one, 0)) for one, shown in found.items()}
