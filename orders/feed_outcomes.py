"""The feed learns what came of the orders that its videos brought: delivered and kept, or lost; and what their buyers work with.

Counted aside, from events that are recorded anyway. The reader keeps a minute behind, longer than a transaction lives: what
it has passed is whole, and is never read twice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import func, select, true, tuple_

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import record_events, sweep
from kernel.jobs.models import EventCursor, EventRow
from kernel.states import state_in
from marketplace.catalog.models import Listing
from marketplace.discovery.place_video import MOST_INTERESTS, set_interests, set_outcomes
from marketplace.discovery.ranking import OUTCOME_ORDERS
from marketplace.videos.models import Video
from orders.order.events import OrderActivated, OrderDeliveryFailed, OrderRefunded
from orders.order.models import Attribution, Order, OrderLine
from orders.seller_queries import RETAINED

COUNT_OUTCOMES = "orders.feed.count_outcomes"
READER = "feed_outcomes"
BEHIND = timedelta(minutes=1)
EVERY = timedelta(minutes=5)
BATCH = 200
LATEST = OUTCOME_ORDERS
"""Orders of a video, and of a buyer, that are looked at."""
EVENTS = (OrderActivated, OrderDeliveryFailed, OrderRefunded)
FIRST = timedelta(days=90)
"""How far back the first reading goes. What is older stands where time has put it."""
STEP = timedelta(days=1)
"""Read at once: so much is put in order."""
Place = tuple[datetime, UUID]

record_events(*EVENTS)


@sweep(COUNT_OUTCOMES, every=EVERY)
def count_new(transact: Transact) -> None:
    """Count what happened since the last time."""
    until = clock.now() - BEHIND
    since = transact(lambda uow: _read_until(uow, until))
    count_outcomes(transact, since, until)
    transact(lambda uow: _note(uow, until))


def count_outcomes(transact: Transact, since: datetime, until: datetime) -> None:
    """Count what happened in [since, until)."""
    while since < until:
        end, after = min(since + STEP, until), None
        while (after := transact(partial(_count_next, since=since, until=end, after=after))) is not None:
            continue
        since = end


def _read_until(uow: UnitOfWork, until: datetime) -> datetime:
    cursor = uow.session.get(EventCursor, READER)
    return min(cursor.read_until, until) if cursor is not None else until - FIRST


def _note(uow: UnitOfWork, until: datetime) -> None:
    cursor = uow.session.get(EventCursor, READER)
    if cursor is None:
        uow.session.add(EventCursor(reader=READER, read_until=until))
    elif cursor.read_until < until:
        cursor.read_until = until
    uow.flush()


def _count_next(uow: UnitOfWork, since: datetime, until: datetime, after: Place | None) -> Place | None:
    wanted = (
        select(EventRow.occurred_at, EventRow.id, EventRow.subject_id)
        .where(
            EventRow.topic.in_([event.topic for event in EVENTS]),
            EventRow.occurred_at >= since,
            EventRow.occurred_at < until,
        )
        .order_by(EventRow.occurred_at, EventRow.id)
        .limit(BATCH)
    )
    if after is not None:
        wanted = wanted.where(tuple_(EventRow.occurred_at, EventRow.id) > after)
    events = uow.session.execute(wanted).all()
    if events:
        count_orders(uow, {event.subject_id for event in events})
    return (events[-1].occurred_at, events[-1].id) if len(events) == BATCH else None


def count_orders(uow: UnitOfWork, order_ids: Collection[UUID]) -> None:
    """Count anew what came of the videos and the buyers of these orders. Locks: the videos, then the buyers."""
    rows = uow.session.execute(
        select(OrderLine.buyer_org_id, Attribution.video_id)
        .outerjoin(Attribution, Attribution.order_line_id == OrderLine.id)
        .where(OrderLine.order_id.in_(list(order_ids)))
    ).all()
    set_outcomes(uow, _outcomes(uow, {row.video_id for row in rows if row.video_id is not None}))
    for buyer_id in sorted({row.buyer_org_id for row in rows}):
        set_interests(uow, buyer_id, _categories(uow, buyer_id))


def _outcomes(uow: UnitOfWork, video_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Of the latest orders of each video whose delivery has ended: how many are kept, how many were lost."""
    latest = (
        select(Attribution.order_line_id)
        .where(Attribution.video_id == Video.id)
        .order_by(Attribution.id.desc())
        .limit(LATEST)
        .correlate(Video)
        .lateral("latest")
    )
    counted = (
        select(
            Video.id,
            func.count(Order.id.distinct()).filter(state_in(Order.state, *RETAINED)).label("kept"),
            func.count(Order.id.distinct()).filter(state_in(Order.state, "delivery_failed", "refunded")).label("lost"),
        )
        .select_from(Video)
        .outerjoin(latest, true())
        .outerjoin(OrderLine, OrderLine.id == latest.c.order_line_id)
        .outerjoin(Order, (Order.id == OrderLine.order_id) & Order.paid_at.is_not(None))
        .where(Video.id.in_(list(video_ids)))
        .group_by(Video.id)
    )
    return {row.id: (row.kept, row.lost) for row in uow.session.execute(counted)}


def _categories(uow: UnitOfWork, buyer_id: UUID) -> list[str]:
    """Of what was delivered to a buyer and is kept, the latest first."""
    latest = (
        select(Order.id, Order.created_at)
        .where(Order.buyer_org_id == buyer_id)
        .order_by(Order.created_at.desc(), Order.id.desc())
        .limit(LATEST)
        .subquery("latest")
    )
    at = func.max(latest.c.created_at)
    rows = uow.session.execute(
        select(Listing.category)
        .join(OrderLine, OrderLine.listing_id == Listing.id)
        .join(latest, latest.c.id == OrderLine.order_id)
        .join(Order, Order.id == latest.c.id)
        .where(state_in(Order.state, *RETAINED))
        .group_by(Listing.category)
        .order_by(at.desc(), Listing.category)
        .limit(MOST_INTERESTS)
    )
    return [row.category for row in rows]
