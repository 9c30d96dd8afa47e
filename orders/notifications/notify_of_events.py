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

from sqlalchemy import exists, select, tuple_

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventCursor, EventRow
from marketplace.notifications.models import Notification
from marketplace.notifications.notify import NewNotification, notify
from marketplace.robots.queue_messages import queue_robot_messages
from orders.notifications import (
    about_accounts,
    about_allocations,
    about_announcements,
    about_cards,
    about_circles,
    about_comments,
    about_conversations,
    about_coupons,
    about_courses,
    about_credit_lines,
    about_deputies,
    about_disputes,
    about_end_customers,
    about_fapiao,
    about_feedback,
    about_groups,
    about_halls,
    about_identity,
    about_instalments,
    about_leads,
    about_listings,
    about_live,
    about_milestones,
    about_money,
    about_offers,
    about_orders,
    about_outside,
    about_partners,
    about_payers,
    about_promoters,
    about_referrals,
    about_refund_cases,
    about_reports,
    about_robots,
    about_subscriptions,
    about_tickets,
    about_training,
    about_transfers,
    about_usage,
    about_videos,
    about_webhooks,
)
from orders.notifications.notifiers import RecordedEvent, notifiers
from orders.reading_facts import LOOK_BACK, FactReading, Failed, Place, Reader, tell_by_halves

NOTIFY = "orders.notifications.notify"
SOURCES = (
    about_orders,
    about_refund_cases,
    about_disputes,
    about_milestones,
    about_deputies,
    about_outside,
    about_reports,
    about_cards,
    about_training,
    about_subscriptions,
    about_credit_lines,
    about_transfers,
    about_usage,
    about_courses,
    about_money,
    about_fapiao,
    about_listings,
    about_videos,
    about_live,
    about_comments,
    about_circles,
    about_feedback,
    about_instalments,
    about_leads,
    about_conversations,
    about_tickets,
    about_announcements,
    about_offers,
    about_coupons,
    about_partners,
    about_referrals,
    about_payers,
    about_end_customers,
    about_promoters,
    about_groups,
    about_halls,
    about_identity,
    about_accounts,
    about_allocations,
    about_webhooks,
    about_robots,
)
"""Imported for what they register."""
READER = "notifications"
EVERY = timedelta(seconds=2)
FACTS = Reader("notifications", 200)
MAILED_WITHIN = timedelta(days=1)
"""What is older when it is told (after an outage) is neither mailed nor posted any more: it waits in the product."""


@sweep(NOTIFY, every=EVERY)
def notify_new(transact: Transact) -> None:
    """Tell what happened since the last time."""
    FACTS.read(transact, _notify_next)


def notify_past(transact: Transact, since: datetime, until: datetime) -> None:
    """Tell what happened in [since, until), in the product alone: nobody is sent a mail about the past."""
    FACTS.read(transact, partial(_notify_page, since=since, until=until, mails=False))


def notify_at(transact: Transact, at: datetime, org_id: UUID) -> None:
    """Tell what happened to an organization at an instant of its own time, in the product alone."""
    until = at + timedelta(microseconds=1)
    FACTS.read(transact, partial(_notify_page, since=at, until=until, mails=False, org_id=org_id))


def _notify_next(uow: UnitOfWork, reading: FactReading) -> Place | None:
    now = clock.now()
    cursor = uow.session.get(EventCursor, READER)
    if cursor is None:
        cursor = EventCursor(reader=READER, read_until=now)
        uow.session.add(cursor)
    if reading.after is None:
        reading.begin(cursor.read_until, now)
    after = _notify_page(uow, reading, since=reading.since, until=now + LOOK_BACK)
    if after is None and reading.is_far:
        cursor.read_until = reading.began_at
    uow.flush()
    return after


def _notify_page(
    uow: UnitOfWork,
    reading: FactReading,
    *,
    since: datetime,
    until: datetime,
    mails: bool = True,
    org_id: UUID | None = None,
) -> Place | None:
    """Tell the next events of the time. Returns where to go on, None when these were the last."""
    found = _read(uow, since, until, reading, org_id)
    wanted, next_after = reading.take(found, partial(_made_of, uow))
    fresh = clock.now() - MAILED_WITHIN
    for may_mail in (True, False):
        notify(uow, [item for item in wanted if (mails and item.at >= fresh) is may_mail], mails=may_mail)
    if mails:
        queue_robot_messages(uow, [item for item in wanted if item.at >= fresh])
    return next_after


def _read(
    uow: UnitOfWork, since: datetime, until: datetime, reading: FactReading, org_id: UUID | None
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
        .limit(reading.size)
    )
    if org_id is not None:
        wanted = wanted.where(EventRow.org_ids.contains([org_id]))
    if reading.after is not None:
        wanted = wanted.where(tuple_(EventRow.occurred_at, EventRow.id) > reading.after)
    return [RecordedEvent(*row) for row in uow.session.execute(wanted)]


def _by_topic(events: Sequence[RecordedEvent]) -> Iterable[tuple[str, list[RecordedEvent]]]:
    ordered = sorted(events, key=lambda event: event.topic)
    return ((topic, list(group)) for topic, group in groupby(ordered, lambda event: event.topic))


def _made_of(uow: UnitOfWork, events: Sequence[RecordedEvent], failed: Failed[RecordedEvent]) -> list[NewNotification]:
    """What the notifiers make of events. One that they fail at is left out: nobody else waits for its mending."""
    return [
        item
        for topic, some in _by_topic(events)
        for item in tell_by_halves(some, partial(notifiers()[topic], uow), failed)
    ]
