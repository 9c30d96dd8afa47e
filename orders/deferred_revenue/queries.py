"""Revenue of prepaid terms by month: what is earned in it, and what is still deferred at its end. Of a seller, or the platform.

The arithmetic is that of `recognition.py`, in SQL, so that a month of many terms is one statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import select, text

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.paging import bounded
from marketplace.parties.models import PLATFORM_ORG_ID, Organization

Whose = Literal["seller", "platform"]
MONTHS_BACK, MONTHS_AHEAD = 12, 12

_TERMS: Final = """
    SELECT c.reference AS order_line_id, c.group_reference AS order_id, c.buyer_org_id, c.currency::text AS currency,
           t.starts_on, t.ends_on, t.ends_on - t.starts_on AS days,
           -- The price is the revenue of whoever sold it; of the other party, its part: without the tax of a supply.
           sum(CASE WHEN (c.selling_model = 'reseller') = (:whose = 'platform') THEN c.net_minor - coalesce(b.net_minor, 0)
                    WHEN :whose = 'platform' THEN s.amount_minor - s.reversed_minor
                    ELSE round((s.amount_minor - s.reversed_minor)::numeric * 1000000 / (1000000 + c.supply_tax_rate_ppm))
               END)::bigint AS amount_minor
    FROM billing.share s
    JOIN billing.charge c ON c.id = s.charge_id
    CROSS JOIN LATERAL (
        SELECT min((t.starts_at AT TIME ZONE :zone)::date) AS starts_on,
               greatest(max((least(t.ends_at, coalesce(t.revoked_at, t.ends_at)) AT TIME ZONE :zone)::date),
                        min((t.starts_at AT TIME ZONE :zone)::date) + 1) AS ends_on
        FROM orders.subscription_term t WHERE t.order_line_id = c.reference
    ) t
    LEFT JOIN LATERAL (
        SELECT sum(l.net_minor) AS net_minor FROM billing.refund_line l JOIN billing.refund r ON r.id = l.refund_id
        WHERE l.charge_id = c.id AND r.state IN ('succeeded', 'returned', 'resending', 'settled')
    ) b ON true
    WHERE s.org_id = :org AND s.kind = CASE WHEN :whose = 'seller' THEN 'seller' ELSE 'commission' END
      AND t.starts_on IS NOT NULL
    GROUP BY 1, 2, 3, 4, 5, 6
"""


def _earned(until: str) -> str:
    """SQL of `recognised_minor` until a day (excluded)."""
    passed = f"greatest(0, least({until} - t.starts_on, t.days))"
    return f"((t.amount_minor / t.days) * {passed} + least({passed}, t.amount_minor %% t.days))".replace("%%", "%")


_MONTHS: Final = f"""
    WITH t AS MATERIALIZED (SELECT * FROM ({_TERMS}) t WHERE amount_minor > 0), m AS (
        SELECT d::date AS month, (d + interval '1 month')::date AS following
        FROM generate_series(CAST(:first AS timestamp), CAST(:last AS timestamp), interval '1 month') d
    )
    SELECT m.month, t.currency, sum({_earned("m.following")} - {_earned("m.month")})::bigint AS recognised_minor,
           sum(CASE WHEN t.starts_on < m.following THEN t.amount_minor - {_earned("m.following")} ELSE 0 END)::bigint
               AS deferred_minor,
           count(*) FILTER (WHERE t.starts_on < m.following AND t.ends_on > m.month) AS terms
    FROM m CROSS JOIN t GROUP BY 1, 2
    HAVING count(*) FILTER (WHERE t.starts_on < m.following AND t.ends_on > m.month) > 0
    ORDER BY 1 DESC, 2
"""  # noqa: S608 - the pieces stand in this module
_LINES: Final = f"""
    WITH t AS MATERIALIZED (SELECT * FROM ({_TERMS}) t WHERE amount_minor > 0)
    SELECT t.order_line_id, t.order_id, o.number AS order_number, t.currency, t.starts_on, t.ends_on, t.amount_minor,
           {_earned("CAST(:following AS date)")} - {_earned("CAST(:month AS date)")} AS recognised_minor,
           t.amount_minor - {_earned("CAST(:following AS date)")} AS deferred_minor
    FROM t JOIN orders."order" o ON o.id = t.order_id
    WHERE t.starts_on < CAST(:following AS date) AND t.ends_on > CAST(:month AS date)
      AND (CAST(:after AS uuid) IS NULL OR t.order_line_id < CAST(:after AS uuid))
    ORDER BY t.order_line_id DESC LIMIT :limit
"""  # noqa: S608 - (same)


@dataclass(frozen=True, slots=True)
class DeferredMonth:
    """A month in one currency: earned in it, and paid but not earned at its end. Sellers: net of tax; platform: commission."""

    month: date
    currency: str
    recognised_minor: int
    deferred_minor: int
    terms: int


@dataclass(frozen=True, slots=True)
class DeferredLine:
    """A prepaid term with what is earned of it in a month."""

    order_line_id: UUID
    order_id: UUID
    order_number: str
    currency: str
    starts_on: date
    ends_on: date
    amount_minor: int
    recognised_minor: int
    deferred_minor: int


@dataclass(frozen=True, slots=True)
class DeferredLines:
    """Terms of a month, and after which one the rest comes; None at the end."""

    items: tuple[DeferredLine, ...]
    next_after: UUID | None


def deferred_months(uow: UnitOfWork, whose: Whose) -> list[DeferredMonth]:
    """From a year ago to a year ahead, the latest first. A term counts with what was not given back of it.

    Raises: Forbidden `permission_missing` without money.read, of the platform operator.read.
    """
    values = _values(uow, whose)
    first = clock.today(values["zone"]).replace(day=1)
    index = first.year * 12 + first.month - 1
    months = (_month(index - MONTHS_BACK), _month(index + MONTHS_AHEAD))
    rows = uow.session.execute(text(_MONTHS), values | {"first": months[0], "last": months[1]})
    return [DeferredMonth(**row._mapping) for row in rows]  # noqa: SLF001 - the documented way to a row's columns


def deferred_lines(
    uow: UnitOfWork, whose: Whose, month: date, *, after: UUID | None = None, limit: int = 30
) -> DeferredLines:
    """The terms of which something is earned in a month, the latest bought first. Raises as `deferred_months`."""
    size = bounded(limit)
    begins = month.replace(day=1)
    following = _month(begins.year * 12 + begins.month)
    values = _values(uow, whose) | {"month": begins, "following": following, "after": after, "limit": size + 1}
    rows = [DeferredLine(**row._mapping) for row in uow.session.execute(text(_LINES), values)]  # noqa: SLF001 - (same)
    return DeferredLines(tuple(rows[:size]), rows[size - 1].order_line_id if len(rows) > size else None)


def _values(uow: UnitOfWork, whose: Whose) -> dict[str, Any]:
    uow.principal.require("money.read" if whose == "seller" else "operator.read")
    org_id = uow.principal.organization() if whose == "seller" else PLATFORM_ORG_ID
    zone = uow.session.scalars(select(Organization.time_zone).where(Organization.id == org_id)).one()
    return {"whose": whose, "org": org_id, "zone": zone}


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)
