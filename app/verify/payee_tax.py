"""Payees' tax years: what their pages and files say, held against the ledger by another way."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import TextClause, text

from app.verify.rule import Example, Reading
from billing.payee_tax.facts import TaxMonth, tax_months, tax_zone
from kernel.db.uow import UnitOfWork

Year = tuple[UUID, int | None, str]
"""Payee, year, currency; None: all years."""
_HOMES: Final = text("""
    SELECT o.id, coalesce(p.residence_country, o.country) AS country, o.time_zone
    FROM marketplace.organization o
    LEFT JOIN billing.payee_tax_profile p ON p.org_id = o.id AND p.replaced_at IS NULL
    WHERE EXISTS (SELECT FROM billing.share h WHERE h.org_id = o.id AND h.kind <> 'commission')
""")
_SOLD: Final = text("""
    SELECT c.seller_org_id, p.currency, coalesce(m.effective_at, c.captured_at) AS at,
           CASE c.selling_model WHEN 'agency' THEN p.amount_minor ELSE coalesce((
               SELECT -sum(q.amount_minor) FROM billing.posting q
               JOIN billing.ledger_account k ON k.id = q.account_id AND k.kind = 'party_pending'
               WHERE q.transaction_id = t.id AND q.org_id = c.seller_org_id), 0) END AS minor
    FROM billing.ledger_transaction t
    JOIN billing.charge c ON c.id = t.reference
    JOIN billing.posting p ON p.transaction_id = t.id
    JOIN billing.ledger_account a ON a.id = p.account_id AND a.kind = 'buyer_credit'
    LEFT JOIN billing.ledger_transaction m ON m.business_key = 'payment:' || c.payment_id
    WHERE t.kind = 'charge'
""")
_PAID: Final = text("""
    SELECT o.org_id, p.currency, CASE WHEN t.kind = 'payout_partly_returned' THEN t.effective_at ELSE w.effective_at END AS at,
           -p.amount_minor AS minor
    FROM billing.ledger_transaction t
    JOIN billing.payout o ON o.id = t.reference
    JOIN billing.ledger_transaction w ON w.business_key = 'payout:' || o.id || '\\:paid'
    JOIN billing.posting p ON p.transaction_id = t.id
    JOIN billing.ledger_account a ON a.id = p.account_id AND a.kind = 'gateway_cash'
    WHERE t.kind IN ('payout_paid', 'payout_returned', 'payout_partly_returned')
""")
_COMMISSIONS: Final = text("""
    SELECT org_id, currency, CAST(sum(minor) AS bigint) AS minor FROM (
        SELECT h.org_id, h.currency, h.amount_minor AS minor FROM billing.share h
        WHERE h.kind IN ('promoter', 'distributor', 'service_provider') AND h.state = 'paid'
        UNION ALL
        SELECT v.org_id, v.currency, -v.amount_minor FROM billing.share_reversal v
        JOIN billing.share h ON h.id = v.share_id AND h.kind IN ('promoter', 'distributor', 'service_provider')
        JOIN billing.statement s ON s.id = v.statement_id
        WHERE 'paid' = (SELECT t.state FROM billing.statement t
                        WHERE t.org_id = s.org_id AND t.currency = s.currency AND t.ends_at >= s.ends_at
                          AND t.state <> 'carried' ORDER BY t.ends_at LIMIT 1)
    ) settled GROUP BY 1, 2
""")


_SPAN: Final = text("""
    SELECT min(first) AS first, max(last) AS last FROM (
        SELECT min(captured_at) AS first, max(captured_at) AS last FROM billing.share
        UNION ALL SELECT min(paid_at), max(paid_at) FROM billing.payout
        UNION ALL SELECT min(created_at), max(created_at) FROM billing.share_reversal
        UNION ALL SELECT min(created_at), max(created_at) FROM billing.statement_adjustment
    ) spans
""")


def _zones(uow: UnitOfWork) -> dict[UUID, str]:
    return {row.id: tax_zone(row.country, row.time_zone) for row in uow.session.execute(_HOMES)}


def _sales(uow: UnitOfWork) -> Iterator[Example]:
    zones = _zones(uow)
    booked = _booked(uow, _SOLD, zones)
    said: Counter[Year] = Counter()
    for year, one in _said(uow, zones):
        said[one.org_id, year, one.currency] += one.gross_minor
    yield from _differing(said, booked)


def _payouts(uow: UnitOfWork) -> Iterator[Example]:
    zones = _zones(uow)
    booked = _booked(uow, _PAID, zones)
    said: Counter[Year] = Counter()
    for year, one in _said(uow, zones):
        said[one.org_id, year, one.currency] += one.paid_minor - one.returned_minor
    yield from _differing(said, booked)


def _commissions(uow: UnitOfWork) -> Iterator[Example]:
    """Of all years together: a share does not say when it was paid."""
    paid: Counter[Year] = Counter()
    for org_id, currency, minor in uow.session.execute(_COMMISSIONS):
        paid[org_id, None, currency] += minor
    said: Counter[Year] = Counter()
    for _, one in _said(uow, _zones(uow)):
        said[one.org_id, None, one.currency] += one.commissions_minor
    yield from _differing(said, paid)


def _booked(uow: UnitOfWork, statement: TextClause, zones: Mapping[UUID, str]) -> Counter[Year]:
    """The ledger's sums of each payee's own years."""
    found: Counter[Year] = Counter()
    for org_id, currency, at, minor in uow.session.execute(statement):
        found[org_id, _year(at, zones.get(org_id, "UTC")), currency] += minor
    return found


def _said(uow: UnitOfWork, zones: Mapping[UUID, str]) -> Iterator[tuple[int, TaxMonth]]:
    """The facts of all payees, of every year that can have any."""
    span = uow.session.execute(_SPAN).one()
    if span.first is None:
        return
    by_zone: defaultdict[str, list[UUID]] = defaultdict(list)
    for org_id, zone in zones.items():
        by_zone[zone].append(org_id)
    for zone, org_ids in sorted(by_zone.items()):
        for year in range(_year(span.first, zone), _year(span.last, zone) + 1):
            for one in tax_months(uow, org_ids, zone, year):
                yield year, one


def _differing(said: Mapping[Year, int], booked: Mapping[Year, int]) -> Iterator[Example]:
    for key in sorted({*said, *booked}, key=str):
        one, other = said.get(key, 0), booked.get(key, 0)
        if one != other:
            yield {"org_id": str(key[0]), "year": key[1], "currency": key[2], "said_minor": one, "booked_minor": other}


def _year(at: datetime, zone: str) -> int:
    return at.astimezone(ZoneInfo(zone)).year


SALES = Reading(
    "payee_tax.sales",
    "收款方各年度的销售总额与账簿中按付款时间计入的收费一致。",
    "What payees are said to have sold in a year is what the ledger has of their charges, by the time of the payment.",
    _sales,
)
PAYOUTS = Reading(
    "payee_tax.payouts",
    "收款方各年度的打款减去退回，与账簿一致。",
    "What payees are said to have been paid in a year, less what came back, is what the ledger has of their payouts.",
    _payouts,
)
COMMISSIONS = Reading(
    "payee_tax.commissions",
    "收款方历年的佣金合计等于其已付的推广分成减去已结算的扣回。",
    "What payees are said to have been paid in commissions, of all years, is their paid shares less what was taken back of them.",
    _commissions,
)
RULES = (SALES, PAYOUTS, COMMISSIONS)
