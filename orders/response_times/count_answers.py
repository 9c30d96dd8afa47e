"""Counts how soon sellers answer their buyers, all at once, and lets buyers see what it comes to.

A question is a buyer's message after which nothing of the buyer was open yet (what it adds before it is answered is the same
question), or a ticket. It is answered by the first thing that one of the seller's people writes: an automatic answer is none.
Nights and holidays count: a buyer waits through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import case, func, literal, null, select, text
from sqlalchemy.sql import Select

from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from marketplace.parties.models import Organization
from marketplace.service_windows.response_time import IN_TIME, LEAST, WINDOW, ResponseTime, show_response_times
from orders.response_times.models import SellerResponseTime

COUNT_ANSWERS: Final = "orders.response_times.count"
EVERY = timedelta(minutes=10)
BEHIND = timedelta(minutes=1)
"""Longer than a transaction lives: of what is counted nothing is committed later."""
READ: Final = "seller.orders.read"
FIGURES = ("counted", "in_time", "median_s")
QUESTIONS: Final = """
    SELECT seller_org_id, asked_at, answered_at FROM (
        SELECT seller_org_id, side, created_at AS asked_at, lead(created_at) OVER of_both AS answered_at
        FROM (
            SELECT conversation_id, seller_org_id, side, number, created_at,
                   side IS DISTINCT FROM lag(side) OVER (PARTITION BY conversation_id ORDER BY number) AS begins
            FROM orders.conversation_message
            WHERE kind = 'written' AND created_at >= :since AND created_at < :until
              AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id = buyer_org_id)
        ) written
        WHERE begins WINDOW of_both AS (PARTITION BY conversation_id ORDER BY number)
    ) turn
    WHERE side = 'buyer'
    UNION ALL
    SELECT seller_org_id, created_at, CASE WHEN first_answered_at < :until THEN first_answered_at END FROM orders.ticket
    WHERE created_at >= :since AND created_at < :until
      AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id = buyer_org_id)
"""
"""Questions of a time, as they stood at its end; what buyers with a test clock write is nobody's experience."""
COUNTED: Final = f"""
    SELECT seller_org_id, count(*) AS counted, count(*) FILTER (WHERE answered_at - asked_at <= :in_time) AS in_time,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY CAST(ceil(extract(epoch FROM answered_at - asked_at)) AS bigint))
               FILTER (WHERE answered_at IS NOT NULL) AS median_s
    FROM ({QUESTIONS}) question WHERE answered_at IS NOT NULL OR asked_at < :late GROUP BY seller_org_id
"""  # noqa: S608 - words of this module
_COUNT: Final = text(f"""
    INSERT INTO orders.seller_response_time AS kept (seller_org_id, counted, in_time, median_s, counted_until)
    SELECT coalesce(c.seller_org_id, k.seller_org_id), coalesce(c.counted, 0), coalesce(c.in_time, 0), c.median_s, :until
    FROM ({COUNTED}) c FULL JOIN orders.seller_response_time k ON k.seller_org_id = c.seller_org_id
    ORDER BY 1
    ON CONFLICT (seller_org_id) DO UPDATE SET counted = excluded.counted, in_time = excluded.in_time,
        median_s = excluded.median_s, counted_until = excluded.counted_until
""")  # noqa: S608 - (same)


@dataclass(frozen=True, slots=True)
class OwnResponseTime:
    """What was counted of a seller; `is_shown`: to buyers, too."""

    counted: int
    in_time: int
    median_s: int | None
    is_shown: bool
    counted_until: datetime | None


@sweep(COUNT_ANSWERS, every=EVERY)
def count_all_answers(transact: Transact) -> None:
    """Count the 30 days up to a minute ago, whole."""
    transact(count_answers)


def count_answers(uow: UnitOfWork) -> int:
    """Count anew, for every seller that was or had been asked; returns of how many what is shown has changed.

    Locks: organizations whose figures change.
    """
    until = clock.installation_now() - BEHIND
    times = {"since": until - WINDOW, "until": until, "late": until - IN_TIME, "in_time": IN_TIME}
    uow.session.execute(_COUNT, times)
    shown = {row.seller_org_id: _shown(row) for row in uow.session.execute(_differing())}
    show_response_times(uow, shown)
    return len(shown)


def own_response_time(uow: UnitOfWork) -> OwnResponseTime:
    """The acting seller's. Raises Forbidden `permission_missing` without seller.orders.read."""
    uow.principal.require(READ)
    row = uow.session.get(SellerResponseTime, uow.principal.organization())
    if row is None:
        return OwnResponseTime(0, 0, None, is_shown=False, counted_until=None)
    return OwnResponseTime(
        row.counted, row.in_time, row.median_s, is_shown=row.counted >= LEAST, counted_until=row.counted_until
    )


def _differing() -> Select[Any]:
    """Rows whose seller shows something else."""
    kept = SellerResponseTime
    said = func.jsonb_build_object(*(part for name in FIGURES for part in (literal(name), getattr(kept, name))))
    due = case((kept.counted >= LEAST, said), else_=null())
    return (
        select(kept.seller_org_id, *(getattr(kept, name) for name in FIGURES))
        .join(Organization, Organization.id == kept.seller_org_id)
        .where(Organization.response_time.is_distinct_from(due))
        .order_by(kept.seller_org_id)
    )


def _shown(row: Any) -> ResponseTime | None:
    figures: dict[str, Any] = {name: getattr(row, name) for name in FIGURES}
    return ResponseTime(**figures) if figures["counted"] >= LEAST else None
