"""Tell people what happened: recorded events are read in batches and become notifications and mails.

A checkout writes nothing for this: its events are recorded anyway. Whoever reads them does so once (the notification's own
unique key), a second or two later. Each reading begins before the last one's end (`orders.reading_facts`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from uuid import UUID

import structlog
from sqlalchemy import exists, select, tuple_

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventCursor, EventRow
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification, notify
from orders.notifications import (
    about_accounts,
    about_comments,
    about_coupons,
    about_courses,
    about_deputies,
    about_disputes,
    about_feedback,
    about_identity,
    about_instalments,
    about_leads,
    about_listings,
    about_milestones,
    about_money,
    about_offers,
    about_orders,
    about_refund_cases,
    about_reports,
    about_subscriptions,
    about_usage,
    about_videos,
    about_webhooks,
)
from orders.notifications.notifiers import Notifier, RecordedEvent, notifiers
from orders.reading_facts import LOOK_BACK, looks_far_back, read_since

NOTIFY = "orders.notifications.notify"
SOURCES = (
    about_orders,
    about_refund_cases,
    about_disputes,
    about_milestones,
    about_deputies,
    about_reports,
    about_subscriptions,
    about_usage,
    about_courses,
    about_money,
    about_listings,
    about_videos,
    about_comments,
    about_feedback,
    about_instalments,
    about_leads,
    about_offers,
    about_coupons,
    about_identity,
    about_accounts,
    about_webhooks,
)
"""Imported for what they register."""
READER = "notifications"
EVERY = timedelta(seconds=2)
BATCH = 200
MAILED_WITHIN = timedelta(days=1)
"""What is older when it is told (after an outage) is not mailed any more: it waits in the product."""
Place = tuple[datetime, UUID]
log = structlog.get_logger(__name__)


@sweep(NOTIFY, every=EVERY)
def notify_new(transact: Transact) -> None:
    """Tell what happened since the last time."""
    after: Place | None = None
    while (after := transact(partial(_notify_next, after=after))) is not None:
        continue


def notify_past(transact: Transact, since: datetime, until: datetime) -> None:
    """Tell what happened in [since, until), in the product alone: nobody is sent a mail about the past."""
    after: Place | None = None
    while (after := transact(partial(_notify_page, since=since, until=until, after=after, mails=False))) is not None:
        continue


def notify_at(transact: Transact, at: datetime, org_id: UUID) -> None:
    """Tell what happened to an organization at an instant of its own time, in the product alone."""
    until, after = at + timedelta(microseconds=1), None
    page = partial(_notify_page, since=at, until=until, mails=False, org_id=org_id)
    while (after := transact(partial(page, after=after))) is not None:
        continue


def _notify_next(uow: UnitOfWork, after: Place | None) -> Place | None:
    now = clock.now()
    cursor = uow.session.get(EventCursor, READER)
    if cursor is None:
        cursor = EventCursor(reader=READER, read_until=now)
        uow.session.add(cursor)
    since = read_since(cursor.read_until, now)
    after = _notify_page(uow, since=since, until=now + LOOK_BACK, after=after)
    if after is None and looks_far_back(cursor.read_until, now):
        cursor.read_until = now
    uow.flush()
    return after


def _notify_page(
    uow: UnitOfWork,
    *,
    since: datetime,
    until: datetime,
    after: Place | None,
    mails: bool = True,
    org_id: UUID | None = None,
) -> Place | None:
    """Tell the next events of the time. Returns where to go on, None when these were the last."""
    found = _read(uow, since, until, after, org_id)
    wanted = [item for topic, events in _by_topic(found) for item in _made_by(uow, notifiers()[topic], events)]
    fresh = clock.now() - MAILED_WITHIN
    for may_mail in (True, False):
        notify(uow, [item for item in wanted if (mails and item.at >= fresh) is may_mail], mails=may_mail)
    return (found[-1].at, found[-1].id) if len(found) == BATCH else None


def _read(
    uow: UnitOfWork, since: datetime, until: datetime, after: Place | None, org_id: UUID | None
) -> list[RecordedEvent]:
    wanted = (
        select(EventRow.id, EventRow.topic, EventRow.payload, EventRow.occurred_at)
        .where(
            EventRow.topic.in_(notifiers()),
            EventRow.occurred_at >= since,
            EventRow.occurred_at < until,
            ~exists().where(Notification.event_id == EventRow.id),
        )
        .order_by(EventRow.occurred_at, EventRow.id)
        .limit(BATCH)
    )
    if org_id is not None:
        wanted = wanted.where(EventRow.org_ids.contains([org_id]))
    if after is not None:
        wanted = wanted.where(tuple_(EventRow.occurred_at, EventRow.id) > after)
    return [RecordedEvent(*row) for row in uow.session.execute(wanted)]


def _by_topic(events: Sequence[RecordedEvent]) -> Iterable[tuple[str, list[RecordedEvent]]]:
    ordered = sorted(events, key=lambda event: event.topic)
    return ((topic, list(group)) for topic, group in groupby(ordered, lambda event: event.topic))


def _made_by(uow: UnitOfWork, notifier: Notifier, events: Sequence[RecordedEvent]) -> list[NewNotification]:
    """What a notifier makes of the events. One that it fails at is left out: nobody else waits for its mending."""
    try:
        return list(notifier(uow, events))
    except (LookupError, ValueError, TypeError):
        if len(events) == 1:
            log.exception("notification_failed", topic=events[0].topic, event_id=str(events[0].id))
            return []
        return [item for event in events for item in _made_by(uow, notifier, [event])]
