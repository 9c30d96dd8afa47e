"""What people are told of live sessions that they asked to be reminded of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, select

from kernel.db.uow import UnitOfWork
from marketplace.channels.models import Channel
from marketplace.live.events import LiveCancelled, LiveQuestionAnswered, LiveStarted, LiveStartsSoon
from marketplace.live.models import LiveReminder, LiveSession
from marketplace.live.question_models import LiveQuestion
from marketplace.notifications.notify import NewNotification
from marketplace.videos.access import OPEN
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(LiveStartsSoon)
def live_starts_soon(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked is told some minutes before; of what has begun already they are told that instead."""
    return _reminders(uow, events, "live_starts_soon", only="scheduled")


@notifies_of(LiveStarted)
def live_started(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked is told that it runs; of what is over already nobody is."""
    return _reminders(uow, events, "live_started", only="live")


@notifies_of(LiveCancelled)
def live_cancelled(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked learns that it does not take place."""
    return _reminders(uow, events, "live_cancelled", only="cancelled")


@notifies_of(LiveQuestionAnswered)
def live_question_answered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever asked is told, and led to the second of the answer."""
    rows = uow.session.execute(
        select(LiveQuestion, LiveSession)
        .join(LiveSession, LiveSession.id == LiveQuestion.session_id)
        .where(LiveQuestion.id.in_([event.uuid("question_id") for event in events]), LiveQuestion.state == "shown")
    )
    found = {question.id: (question, session) for question, session in rows}
    for event in events:
        question, session = found.get(event.uuid("question_id"), (None, None))
        if question is None or session is None:
            continue
        yield NewNotification(
            event.id,
            event.at,
            "live_question_answered",
            f"/live/{session.id}",
            {"what": session.title, "what_en": session.title_en, "text": question.body[:200]},
            org_id=question.org_id,
            person_id=question.person_id,
        )


def _reminders(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str, *, only: str) -> Iterable[NewNotification]:
    rows = uow.session.execute(
        select(
            LiveReminder,
            LiveSession,
            Channel.name,
            Channel.name_en,
            LiveSession.partner_groups.overlap(
                func.marketplace.partner_groups(LiveReminder.org_id, type_=ARRAY(Uuid))
            ).label("linked"),
        )
        .join(LiveSession, LiveSession.id == LiveReminder.session_id)
        .join(Channel, Channel.id == LiveSession.channel_id)
        .where(LiveSession.id.in_([event.uuid("session_id") for event in events]), LiveSession.state == only)
        .order_by(LiveReminder.id)
    )
    asked: dict[UUID, list[tuple[LiveReminder, LiveSession, str, str]]] = {}
    for reminder, session, name, name_en, linked in rows:
        # Whoever may see it no more is told of it no more.
        if _may_see(session, reminder.org_id, linked=linked):
            asked.setdefault(session.id, []).append((reminder, session, name, name_en))
    for event in events:
        for reminder, session, name, name_en in asked.get(event.uuid("session_id"), ()):
            yield NewNotification(
                event.id,
                event.at,
                kind,
                f"/live/{session.id}",
                {"what": session.title, "what_en": session.title_en, "channel": name, "channel_en": name_en},
                org_id=reminder.org_id,
                person_id=reminder.person_id,
            )


def _may_see(session: LiveSession, org_id: UUID, *, linked: bool) -> bool:
    if session.visibility in OPEN or session.org_id == org_id:
        return True
    return session.visibility == "partners" and (linked or org_id in session.partner_ids)
