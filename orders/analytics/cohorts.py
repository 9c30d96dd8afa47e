"""What becomes of a seller's customers: by the month of their first order, who uses what they bought as the months pass.

Read from the facts themselves by the indexes of one seller: it has at most as many customers as orders.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from sqlalchemy import text

from kernel import clock
from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork

MONTHS: Final = 12
"""Cohorts that are looked at, the present month's included."""
_PPM: Final = 1_000_000
_OF_SELLER: Final = """
    o.seller_org_id = :seller AND o.paid_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id = o.buyer_org_id)
"""
_COHORTS: Final = text(
    f"""
    WITH bought AS (
        SELECT o.buyer_org_id, min(o.created_at) AS first_at,
               date_trunc('month', min(o.created_at) AT TIME ZONE 'UTC') AS month
        FROM orders."order" o WHERE {_OF_SELLER} GROUP BY 1 HAVING min(o.created_at) >= :since
    ), used AS (
        SELECT e.buyer_org_id, e.valid_from, CASE e.state WHEN 'ended' THEN coalesce((
            SELECT max(h.at) FROM kernel.state_history h
            WHERE h.subject_id = e.id AND h.machine = 'entitlement' AND h.to_state = 'ended'), e.valid_to) END AS ended_at
        FROM fulfillment.entitlement e JOIN bought b ON b.buyer_org_id = e.buyer_org_id
        WHERE e.seller_org_id = :seller AND e.valid_from IS NOT NULL
    ), began AS (
        SELECT buyer_org_id, min(valid_from) AS used_from FROM used GROUP BY 1
    ), renewed AS (
        SELECT DISTINCT o.buyer_org_id, date_trunc('month', o.created_at AT TIME ZONE 'UTC') AS month
        FROM orders."order" o JOIN bought b ON b.buyer_org_id = o.buyer_org_id JOIN orders.order_line l ON l.order_id = o.id
        WHERE {_OF_SELLER} AND o.subscription_id IS NOT NULL AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
          AND o.state IN ('paid', 'fulfilling', 'active', 'completed')
          AND NOT EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = l.id)
    ), passed AS (
        SELECT b.*, n.later, b.month + n.later * interval '1 month' AS in_month,
               least((b.month + (n.later + 1) * interval '1 month') AT TIME ZONE 'UTC', :now) AS until
        FROM bought b CROSS JOIN generate_series(0, :months - 1) AS n (later)
        WHERE (b.month + n.later * interval '1 month') AT TIME ZONE 'UTC' < :now
    )
    SELECT p.month::date AS month, p.later, count(*) AS customers, count(g.used_from) AS activated,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY CAST(ceil(extract(epoch FROM greatest(
               g.used_from - p.first_at, interval '0'))) AS bigint)) FILTER (WHERE g.used_from IS NOT NULL) AS median_s,
           count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM used u WHERE u.buyer_org_id = p.buyer_org_id AND u.valid_from <= p.until
                 AND (u.ended_at IS NULL OR u.ended_at > p.until))) AS in_use,
           count(r.month) AS renewed
    FROM passed p
    LEFT JOIN began g ON g.buyer_org_id = p.buyer_org_id
    LEFT JOIN renewed r ON r.buyer_org_id = p.buyer_org_id AND r.month = p.in_month
    GROUP BY p.month, p.later ORDER BY p.month DESC, p.later
    """  # noqa: S608 - words of this module
)


@dataclass(frozen=True, slots=True)
class CohortMonth:
    """So many months later. `in_use`: customers who could use something of the seller at its end (now, of the present month);
    `renewed`: those who paid a further term in it.
    """

    later: int
    in_use: int
    renewed: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers whose first paid order is of `month` (its first day, UTC). `median_s`: from that order to their first use."""

    month: date
    customers: int
    activated: int
    median_s: int | None
    months: tuple[CohortMonth, ...]

    def kept_ppm(self, in_use: int) -> int:
        """Of the customers, how many that is."""
        return in_use * _PPM // self.customers

    @property
    def churned(self) -> int:
        """Activated, and without use now."""
        return max(0, self.activated - self.months[-1].in_use)


def seller_cohorts(uow: UnitOfWork) -> list[Cohort]:
    """Of the acting seller, those of the latest twelve months, the newest first; months without new customers are left out."""
    now = clock.now()
    index = now.year * 12 + now.month - MONTHS
    since = datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)
    values = {"seller": uow.principal.organization(), "since": since, "now": now, "months": MONTHS}
    with reading_as_platform(uow):
        rows = uow.session.execute(_COHORTS, values).all()
    cohorts: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        cohorts[row.month].append(row)
    return [
        Cohort(
            month,
            some[0].customers,
            some[0].activated,
            some[0].median_s,
            tuple(CohortMonth(row.later, row.in_use, row.renewed) for row in some),
        )
        for month, some in cohorts.items()
    ]
