"""What a payee sold, gave back and was paid in a calendar year, by month and currency: the facts that tax authorities ask for.

Nothing is kept: they are read from charges, shares and payouts, so a payout that comes back later is no longer paid.

- What the platform sold itself is no sale of its seller to a buyer: the seller supplied it to the platform.
- Sales as form 1099-K counts them (26 CFR 1.6050W-1): the gross of payment transactions on the day of each, with tax and without
  regard to fees and refunds; and how many there were, one for each payment.
- Commissions as form 1099-NEC, and labour income in China, count them: when they are paid. A payout pays those of its statement
  and of the statements that were carried into it, less what was taken back of commissions; what came back in part and is paid
  again counts once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text

from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
CHINA_ZONE: Final = "Asia/Shanghai"
_PROMOTION = "('promoter', 'distributor', 'service_provider')"
_FACTS = text(f"""
    WITH paid AS MATERIALIZED (
        SELECT p.id, p.org_id, p.currency, p.paid_at, p.amount_minor, p.statement_id, t.ends_at,
               coalesce((SELECT max(e.ends_at) FROM billing.statement e
                         WHERE e.org_id = p.org_id AND e.currency = p.currency AND e.ends_at < t.ends_at
                           AND e.state <> 'carried'), '-infinity') AS after
        FROM billing.payout p JOIN billing.statement t ON t.org_id = p.org_id AND t.id = p.statement_id
        WHERE p.org_id = ANY(:org_ids) AND p.state = 'paid' AND p.paid_at >= :starts_at AND p.paid_at < :ends_at
    ), settled AS (
        SELECT p.org_id, p.currency, p.paid_at, s.id AS statement_id FROM paid p
        JOIN billing.statement s ON s.org_id = p.org_id AND s.currency = p.currency
                                AND s.ends_at > p.after AND s.ends_at <= p.ends_at
    ), commission AS (
        SELECT s.org_id, s.currency, s.paid_at, l.net_minor AS minor FROM settled s
        JOIN billing.statement_line l ON l.org_id = s.org_id AND l.statement_id = s.statement_id
        WHERE l.kind IN ('promotion', 'promotion_refund')
        UNION ALL
        SELECT s.org_id, s.currency, s.paid_at, a.amount_minor FROM settled s
        JOIN billing.statement_adjustment a ON a.org_id = s.org_id AND a.statement_id = s.statement_id
        JOIN billing.share h ON h.id = a.share_id AND h.kind IN {_PROMOTION}
        UNION ALL
        SELECT p.org_id, p.currency, p.paid_at, -a.amount_minor FROM paid p
        JOIN billing.payout o ON o.org_id = p.org_id AND o.statement_id = p.statement_id
        JOIN billing.statement_adjustment a ON a.org_id = o.org_id AND a.payout_id = o.id
        JOIN billing.share h ON h.id = a.share_id AND h.kind IN {_PROMOTION}
        WHERE o.id = p.id OR (o.id < p.id AND a.statement_id IS NOT NULL)
    ), fact (org_id, currency, at, payment_id, gross_minor, tax_minor, refunded_minor, payouts, paid_minor, returned_minor,
             commissions_minor) AS (
        -- What the platform sold, its seller supplied to the platform: for what it gets of it, tax contained.
        SELECT h.org_id, h.currency, h.captured_at, c.payment_id,
               CASE c.selling_model WHEN 'reseller' THEN h.amount_minor ELSE c.gross_minor END,
               CASE c.selling_model WHEN 'reseller' THEN
                   h.amount_minor - round(h.amount_minor::numeric * 1000000 / (1000000 + c.supply_tax_rate_ppm))
                   ELSE c.tax_minor END, 0, 0, 0, 0, 0
        FROM billing.share h JOIN billing.charge c ON c.id = h.charge_id
        WHERE h.org_id = ANY(:org_ids) AND h.kind = 'seller' AND c.gross_minor > 0
          AND h.captured_at >= :starts_at AND h.captured_at < :ends_at
        UNION ALL
        SELECT v.org_id, v.currency, v.created_at, NULL, 0, 0,
               CASE c.selling_model WHEN 'reseller' THEN v.amount_minor ELSE v.gross_minor END, 0, 0, 0, 0
        FROM billing.share_reversal v JOIN billing.share h ON h.id = v.share_id JOIN billing.charge c ON c.id = h.charge_id
        WHERE v.org_id = ANY(:org_ids) AND h.kind = 'seller' AND v.created_at >= :starts_at AND v.created_at < :ends_at
        UNION ALL
        SELECT p.org_id, p.currency, p.paid_at, NULL, 0, 0, 0, 1, p.amount_minor, 0, 0 FROM paid p
        UNION ALL
        SELECT a.org_id, a.currency, a.created_at, NULL, 0, 0, 0, 0, 0, a.amount_minor, 0
        FROM billing.statement_adjustment a JOIN billing.payout p ON p.org_id = a.org_id AND p.id = a.payout_id
        WHERE a.org_id = ANY(:org_ids) AND a.kind = 'returned' AND p.state = 'paid'
          AND a.created_at >= :starts_at AND a.created_at < :ends_at
        UNION ALL
        SELECT org_id, currency, paid_at, NULL, 0, 0, 0, 0, 0, 0, minor FROM commission
    )
    SELECT org_id, CAST(date_trunc('month', timezone(CAST(:zone AS text), at)) AS date) AS month, currency,
           count(DISTINCT payment_id) AS transactions,
           CAST(sum(gross_minor) AS bigint) AS gross_minor, CAST(sum(tax_minor) AS bigint) AS tax_minor,
           CAST(sum(refunded_minor) AS bigint) AS refunded_minor, CAST(sum(payouts) AS bigint) AS payouts,
           CAST(sum(paid_minor) AS bigint) AS paid_minor, CAST(sum(returned_minor) AS bigint) AS returned_minor,
           CAST(sum(commissions_minor) AS bigint) AS commissions_minor
    FROM fact GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
""")  # noqa: S608 - constants of this module


@dataclass(frozen=True, slots=True)
class TaxMonth:
    """A payee's facts of one month of its own calendar in one currency. Amounts in minor units, positive unless they say."""

    org_id: UUID
    month: date
    """Its first day."""
    currency: str
    transactions: int
    gross_minor: int
    tax_minor: int
    """Value added tax in the gross: the seller owes it."""
    refunded_minor: int
    """Gross of what was refunded in the month, of sales of any month."""
    payouts: int
    paid_minor: int
    returned_minor: int
    """What came back in the month of payouts that were paid."""
    commissions_minor: int
    """Of what was paid: for promotion. Negative where more was taken back than earned."""


def tax_zone(country: str, time_zone: str) -> str:
    """In which time zone the year of a payee begins: China's legal time is one, elsewhere it is the organization's."""
    return CHINA_ZONE if country == "CN" else time_zone


def year_bounds(year: int, zone: str) -> tuple[datetime, datetime]:
    """The instants at which a calendar year begins there, and the next. Raises Invalid(`tax_year_unknown`)."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise Invalid("tax_year_unknown", field="year", first=FIRST_YEAR, last=LAST_YEAR)
    return datetime(year, 1, 1, tzinfo=ZoneInfo(zone)), datetime(year + 1, 1, 1, tzinfo=ZoneInfo(zone))


def tax_months(uow: UnitOfWork, org_ids: Collection[UUID], zone: str, year: int) -> list[TaxMonth]:
    """The facts of payees whose year is that of `zone`: by payee, month and currency; months without any are left out.

    Raises:
        Invalid: `tax_year_unknown`.
    """
    starts_at, ends_at = year_bounds(year, zone)
    values = {"org_ids": list(org_ids), "zone": zone, "starts_at": starts_at, "ends_at": ends_at}
    return [TaxMonth(*row) for row in uow.session.execute(_FACTS, values)]
