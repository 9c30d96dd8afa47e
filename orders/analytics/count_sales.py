"""Sales are counted by day: each day of a seller whole, whenever anything of it changed, a minute behind.

What changed is read from the recorded transitions; a day is written anew from its orders, so that it makes no difference how
often, in which order and beside whom (ADR 0080).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.models import EventCursor
from marketplace.attribution.count_touchpoints import BEGINNING, KEPT_BEHIND

COUNT_SALES = "orders.analytics.count_sales"
READER: Final = "sales_days"
EVERY = timedelta(minutes=1)
STEP = timedelta(days=1)
"""Of the past, read at once."""

PLACES: Final = (
    "seller_org_id, day, listing_id, video_id, placement_id, second, live_session_id, promoter_org_id, tier_id, "
    "currency"
)
FIGURES: Final = (
    "orders, trials, activated, retained, renewed, refunded, renewals, active_s, gross_minor, net_minor, refunded_minor"
)
_BEGINS: Final = "o.subscription_id IS NULL"
SALES: Final = f"""
    SELECT o.seller_org_id, CAST(o.created_at AT TIME ZONE 'UTC' AS date) AS day, l.listing_id, a.video_id, a.placement_id,
           a.second_ms / 5000 * 5 AS second, a.live_session_id, a.promoter_org_id,
           CAST(b.plan -> 'tier' ->> 'tier_id' AS uuid) AS tier_id, l.currency,
           count(*) FILTER (WHERE {_BEGINS}) AS orders,
           count(*) FILTER (WHERE {_BEGINS} AND jsonb_exists(l.plan, 'trial_days')) AS trials,
           count(*) FILTER (WHERE {_BEGINS} AND o.active_at IS NOT NULL) AS activated,
           count(*) FILTER (WHERE {_BEGINS} AND o.state IN ('active', 'completed')
               AND s.state IS DISTINCT FROM 'ended') AS retained,
           count(*) FILTER (WHERE {_BEGINS} AND EXISTS (
               SELECT 1 FROM orders."order" r JOIN orders.order_line rl ON rl.order_id = r.id
               WHERE r.subscription_id = s.id AND r.usage_period_id IS NULL AND r.instalment_id IS NULL
                 AND r.state IN ('paid', 'fulfilling', 'active', 'completed')
                 AND NOT EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = rl.id))) AS renewed,
           count(*) FILTER (WHERE {_BEGINS} AND o.state = 'refunded') AS refunded,
           count(*) FILTER (WHERE NOT {_BEGINS} AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
               AND o.state IN ('paid', 'fulfilling', 'active', 'completed')
               AND NOT EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = l.id)) AS renewals,
           CAST(coalesce(sum(ceil(extract(epoch FROM o.active_at - o.created_at))) FILTER (WHERE {_BEGINS}), 0) AS bigint)
               AS active_s,
           CAST(sum(c.gross_minor) AS bigint) AS gross_minor, CAST(sum(c.net_minor) AS bigint) AS net_minor,
           CAST(sum(c.refunded_minor) AS bigint) AS refunded_minor
    FROM orders."order" o
    JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN orders.subscription f ON f.id = o.subscription_id
    LEFT JOIN orders.order_line b ON b.id = coalesce(f.order_line_id, l.id)
    LEFT JOIN orders.attribution a ON a.order_line_id = b.id
    LEFT JOIN orders.subscription s ON s.order_line_id = l.id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(gross_minor), 0) AS gross_minor, coalesce(sum(net_minor), 0) AS net_minor,
               coalesce(sum(refunded_minor), 0) AS refunded_minor
        FROM billing.charge WHERE reference = l.id
    ) c
    WHERE o.paid_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id IN (o.buyer_org_id, o.seller_org_id))
"""  # noqa: S608 - words of this module
"""What the facts come to, to be grouped by its first ten columns."""
GROUPED: Final = "GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"
CHANGED: Final = """
    WITH changed AS (
        SELECT machine, subject_id FROM kernel.state_history
        WHERE at >= :since AND at < :until AND machine IN ('order', 'subscription', 'refund', 'share')
          AND (machine <> 'share' OR from_state IS NULL)
    ), touched AS (
        SELECT subject_id AS order_id FROM changed WHERE machine = 'order'
        UNION SELECT r.reference FROM changed JOIN billing.refund r ON r.id = subject_id WHERE machine = 'refund'
        UNION SELECT h.group_reference FROM changed JOIN billing.share h ON h.id = subject_id WHERE machine = 'share'
        UNION SELECT l.order_id FROM changed JOIN orders.subscription s ON s.id = subject_id
              JOIN orders.order_line l ON l.id = s.order_line_id WHERE machine = 'subscription'
    ), both_ends AS (
        SELECT order_id FROM touched
        UNION SELECT l.order_id FROM touched JOIN orders."order" o ON o.id = touched.order_id
              JOIN orders.subscription s ON s.id = o.subscription_id JOIN orders.order_line l ON l.id = s.order_line_id
    )
    SELECT DISTINCT o.seller_org_id, CAST(o.created_at AT TIME ZONE 'UTC' AS date) AS day
    FROM both_ends JOIN orders."order" o ON o.id = both_ends.order_id WHERE o.paid_at IS NOT NULL
    ORDER BY 1, 2
"""
"""Sellers and days of which something was recorded in [`:since`, `:until`)."""
_OF_DAY: Final = "o.seller_org_id = :seller AND o.created_at >= :begins AND o.created_at < :ends"
_FORGET_DAY: Final = text("DELETE FROM orders.sales_day WHERE seller_org_id = :seller AND day = :day")
_WRITE_DAY: Final = text(f"INSERT INTO orders.sales_day ({PLACES}, {FIGURES}) {SALES} AND {_OF_DAY} {GROUPED}")
_WRITE_ALL: Final = text(f"INSERT INTO orders.sales_day ({PLACES}, {FIGURES}) {SALES} {GROUPED}")
_FIRST: Final = text("SELECT min(at) FROM kernel.state_history WHERE at >= :since")


@sweep(COUNT_SALES, every=EVERY)
def count_new(transact: Transact) -> None:
    """Count the days of which something changed since the last time."""
    count_until(transact, clock.installation_now() - KEPT_BEHIND)


def count_until(transact: Transact, until: datetime) -> None:
    """Count what changed before `until` and is not counted, a day of changes at a time."""
    while transact(partial(count_next, until=until)):
        continue


def count_next(uow: UnitOfWork, until: datetime) -> bool:
    """Count the next day of changes; returns whether more are left. Locks: the mark."""
    cursor = _lock_mark(uow)
    if cursor.read_until >= until:
        return False
    first = uow.session.scalar(_FIRST, {"since": cursor.read_until})
    end = until if first is None else min(first + STEP, until)
    if first is not None and first < end:
        for seller_org_id, day in uow.session.execute(text(CHANGED), {"since": first, "until": end}).all():
            uow.session.execute(_FORGET_DAY, {"seller": seller_org_id, "day": day})
            begins = BEGINNING.replace(year=day.year, month=day.month, day=day.day)
            values = {"seller": seller_org_id, "begins": begins, "ends": begins + timedelta(days=1)}
            uow.session.execute(_WRITE_DAY, values)
    cursor.read_until = end
    uow.flush()
    return end < until


def recount(uow: UnitOfWork) -> None:
    """Count every day anew, from all orders there are. Locks: the mark."""
    _lock_mark(uow)
    uow.session.execute(text("DELETE FROM orders.sales_day"))
    uow.session.execute(_WRITE_ALL)


def _lock_mark(uow: UnitOfWork) -> EventCursor:
    new = insert(EventCursor).values(reader=READER, read_until=BEGINNING)
    uow.session.execute(new.on_conflict_do_nothing(index_elements=["reader"]))
    return uow.session.get_one(EventCursor, READER, with_for_update=True, populate_existing=True)
