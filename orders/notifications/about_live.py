"""What people are told of live sessions that they asked to be reminded of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.channels.models import Channel
from marketplace.live.events import LiveCancelled, LiveStarted, LiveStartsSoon
from marketplace.live.models import LiveReminder, LiveSession
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


def _reminders(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str, *, only: str) -> Iterable[NewNotification]:
    rows = uow.session.execute(
        select(LiveReminder, LiveSession, Channel.name, Channel.name_en)
        .join(LiveSession, LiveSession.id == LiveReminder.session_id)
        .join(Channel, Channel.id == LiveSession.channel_id)
        .where(LiveSession.id.in_([event.uuid("session_id") for event in events]), LiveSession.state == only)
        .order_by(LiveReminder.id)
    )
    asked: dict[UUID, list[tuple[LiveReminder, LiveSession, str, str]]] = {}
    for reminder, session, name, name_en in rows:
        # Whoever may see it no more is told of it no more.
        if _may_see(session, reminder.org_id):
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


def _may_see(session: LiveSession, org_id: UUID) -> bool:
    if session.visibility in OPEN or session.org_id == org_id:
        return True
    return session.visibility == "partners" and org_id in session.partner_ids
