"""Metered usage: each event once, sums that are those of the events, rated lines that never change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.verify.rule import Example, Query, Reading, late, pending
from fulfillment.usage.close_period import rate_period
from fulfillment.usage.models import MeteredTerms, UsageLine, UsagePeriod
from fulfillment.usage.open_periods import BACK
from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.pricing.components import PlanPrice
from migrations.partitions import kept_since


def _kept() -> Mapping[str, Any]:
    """From when on every event of a period is still there, those that came late included."""
    since = kept_since("fulfillment.usage_event") or clock.now() - timedelta(days=36_500)
    return {"kept": since + BACK}


ONCE = Query(
    "usage.once",
    "每个用量事件只计一次，且登记过其标识。",
    "Every event of usage counts once and its identifier is taken.",
    """
    SELECT e.id AS event_id, e.source_id, count(*) AS times FROM fulfillment.usage_event e
    LEFT JOIN fulfillment.usage_key k ON k.seller_org_id = e.seller_org_id AND k.id = e.id AND k.occurred_at = e.occurred_at
    GROUP BY e.id, e.source_id HAVING count(*) > 1 OR count(k.id) = 0
    """,
)
SUMS = Query(
    "usage.sums",
    "各账期每个计量项的按日合计等于其事件之和；已计价的行等于该合计。",
    "The sums by day of a period are those of its events; what is rated of it is that sum.",
    """
    SELECT p.id AS period_id, s.dimension, s.events, s.days, l.quantity AS rated
    FROM fulfillment.usage_period p
    JOIN LATERAL (
        SELECT dimension, sum(event) AS events, sum(day) AS days FROM (
            SELECT dimension, quantity AS event, 0 AS day FROM fulfillment.usage_event WHERE period_id = p.id
            UNION ALL SELECT dimension, 0, quantity FROM fulfillment.usage_day WHERE period_id = p.id
            UNION ALL SELECT dimension, 0, 0 FROM fulfillment.usage_line WHERE period_id = p.id AND kind = 'metered'
        ) every GROUP BY dimension
    ) s ON true
    LEFT JOIN fulfillment.usage_line l ON l.period_id = p.id AND l.kind = 'metered' AND l.dimension = s.dimension
    WHERE p.starts_at >= :kept
      AND (s.events <> s.days OR (p.state <> 'open' AND l.quantity IS DISTINCT FROM s.days)
           OR (p.state = 'open' AND l.id IS NOT NULL))
    """,
    _kept,
)
CORRECTED = Query(
    "usage.corrected",
    "更正与被更正的事件属同一账期与计量项，且合计不为负。",
    "Corrections count where the corrected event counts, and never take more than there was.",
    """
    SELECT o.id AS event_id, o.quantity, sum(c.quantity) AS corrected
    FROM fulfillment.usage_event c JOIN fulfillment.usage_event o ON o.id = c.corrects_id
    GROUP BY o.id, o.quantity, o.period_id, o.dimension
    HAVING o.quantity + sum(c.quantity) < 0 OR bool_or(c.period_id <> o.period_id OR c.dimension <> o.dimension)
    """,
)
CLOSED = Query(
    "usage.closed",
    "到期的账期按时关闭；关闭后金额等于其各行之和，此后不再有事件计入。",
    "Periods close in time; a closed one costs what its lines add up to, and nothing is counted to it any more.",
    f"""
    SELECT p.id AS period_id, p.state, p.amount_minor, l.amount_minor AS lines_minor
    FROM fulfillment.usage_period p
    LEFT JOIN LATERAL (SELECT sum(amount_minor) AS amount_minor, min(created_at) AS at, max(currency) AS currency
                       FROM fulfillment.usage_line WHERE period_id = p.id) l ON true
    WHERE (p.state = 'open' AND p.closes_at < {late("p.buyer_org_id")})
       OR (p.state <> 'open' AND (p.amount_minor IS DISTINCT FROM l.amount_minor OR p.currency IS DISTINCT FROM l.currency))
       OR (p.state <> 'open' AND EXISTS (SELECT 1 FROM fulfillment.usage_event e
                                         WHERE e.period_id = p.id AND e.received_at > l.at))
    """,  # noqa: S608 - every piece of it stands in this module
)


def _rated_otherwise(uow: UnitOfWork) -> Iterator[Example]:
    """Lines that are not what the price as it was sold makes of their quantities."""
    quantities: dict[UUID, dict[str, Decimal]] = defaultdict(dict)
    amounts: dict[UUID, dict[tuple[str, str], int]] = defaultdict(dict)
    for line in uow.session.scalars(select(UsageLine)):
        amounts[line.period_id][line.kind, line.dimension] = line.amount_minor
        if line.kind == "metered":
            quantities[line.period_id][line.dimension] = line.quantity
    terms = select(UsagePeriod.id, UsagePeriod.is_trial, MeteredTerms.price).join(
        MeteredTerms, MeteredTerms.id == UsagePeriod.terms_id
    )
    for period_id, is_trial, price in uow.session.execute(terms.where(UsagePeriod.state != "open")):
        rated = rate_period(PlanPrice.model_validate(price, strict=False), quantities[period_id], is_trial=is_trial)
        if {(line.kind, line.code): line.amount_minor for line in rated.lines} != amounts[period_id]:
            yield {"period_id": str(period_id), "rated_minor": rated.amount_minor}


RATED = Reading(
    "usage.rated",
    "已关闭账期的各行金额等于按成交价格重新计价的结果。",
    "Every line of a closed period is what the price as it was sold makes of its quantity.",
    _rated_otherwise,
)

CHARGED = Query(
    "usage.charged",
    "每个已开单账期恰有一个订单，金额为其计价减去已抵扣的减免；应收的已关闭账期立即开单。",
    "An invoiced period has exactly one order, of its rating less the credits drawn; what is to be paid is charged at once.",
    f"""
    SELECT p.id AS period_id, p.state, r.amount_minor, p.credited_minor, o.orders, o.list_minor
    FROM fulfillment.usage_period p
    JOIN LATERAL (SELECT coalesce(sum(amount_minor), 0) AS amount_minor
                  FROM fulfillment.usage_line WHERE period_id = p.id) r ON true
    LEFT JOIN LATERAL (
        SELECT count(DISTINCT o.id) AS orders, sum(l.list_minor - l.discount_minor) AS list_minor, min(o.currency) AS currency
        FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id WHERE o.usage_period_id = p.id) o ON true
    WHERE (p.state = 'invoiced' AND (o.orders <> 1 OR o.list_minor <> r.amount_minor - p.credited_minor
                                     OR o.currency <> p.currency))
       OR (p.state <> 'invoiced' AND o.orders > 0)
       OR (p.state = 'closed' AND r.amount_minor > p.credited_minor AND NOT {pending("p.id")} AND EXISTS (
               SELECT 1 FROM orders.subscription s JOIN fulfillment.entitlement e ON e.reference = s.order_line_id
               WHERE e.id = p.entitlement_id))
    """,  # noqa: S608 - every piece of it stands in this module
)
CREDITED = Query(
    "usage.credited",
    "从各账期抵扣的减免之和等于已动用的减免。",
    "What periods were credited is what was drawn of credits.",
    """
    SELECT entitlement_id, sum(credited) AS credited_minor, sum(drawn) AS drawn_minor FROM (
        SELECT entitlement_id, credited_minor AS credited, 0 AS drawn FROM fulfillment.usage_period
        UNION ALL
        SELECT p.entitlement_id, 0, c.drawn_minor FROM fulfillment.usage_challenge c
        JOIN fulfillment.usage_line l ON l.id = c.line_id JOIN fulfillment.usage_period p ON p.id = l.period_id
    ) every GROUP BY entitlement_id HAVING sum(credited) <> sum(drawn)
    """,
)
ASKED = Query(
    "usage.asked_again",
    "未付的用量费按时催收。",
    "Usage that is not paid is asked for again in time.",
    f"""
    SELECT p.id AS purchase_id, p.state, p.next_try_at FROM orders.purchase p
    WHERE p.next_try_at < {late("p.buyer_org_id")}
       OR (p.state = 'pending_payment' AND p.next_try_at IS NULL AND EXISTS (
               SELECT 1 FROM orders."order" o WHERE o.purchase_id = p.id AND o.usage_period_id IS NOT NULL))
    """,  # noqa: S608 - every piece of it stands in this module
)

RETURNED = Query(
    "usage.returned",
    "权益结束后未抵扣完的减免已退回，且退款不超过其余额对应的已付金额。",
    "What is left of a credit goes back when its entitlement has ended: no more than was paid for that part.",
    """
    SELECT c.id AS challenge_id, c.credit_minor, c.drawn_minor, r.amount_minor, r.state
    FROM fulfillment.usage_challenge c
    JOIN fulfillment.usage_line l ON l.id = c.line_id
    JOIN orders."order" o ON o.usage_period_id = l.period_id
    JOIN orders.order_line ol ON ol.order_id = o.id
    LEFT JOIN billing.refund r ON r.id = c.refund_id AND r.reference = o.id AND r.reason = 'usage_credit'
    WHERE c.refund_id IS NOT NULL
      AND (r.id IS NULL OR c.drawn_minor = c.credit_minor
           OR r.amount_minor > ceil((c.credit_minor - c.drawn_minor) * ol.gross_minor
                                    / nullif(ol.list_minor - ol.discount_minor, 0)::numeric))
    """,
)

RULES = (ONCE, SUMS, CORRECTED, CLOSED, RATED, CHARGED, CREDITED, ASKED, RETURNED)
