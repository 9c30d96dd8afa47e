"""Terms that are paid in instalments: every part of the price is paid, due or cancelled, and none is charged twice."""

from __future__ import annotations

from app.verify.rule import Query, late, pending

WHOLE = Query(
    "instalments.whole",
    "分期支付的周期，首付与其余各期（已付、待付、已取消）之和等于约定的总价。",
    "Of a term that is paid in instalments the first one and the rest, paid, due or cancelled, are the price that was agreed.",
    """
    SELECT t.id AS term_id, l.gross_minor AS first_minor, agreed.gross_minor AS agreed_minor, later.gross_minor AS later_minor
    FROM orders.subscription_term t
    JOIN orders.order_line l ON l.id = t.order_line_id
    CROSS JOIN LATERAL (SELECT coalesce(sum(CAST(part->>'gross_minor' AS bigint)), l.gross_minor) AS gross_minor,
                               coalesce(sum(CAST(part->>'net_minor' AS bigint)), l.net_minor) AS net_minor,
                               greatest(count(*) - 1, 0) AS count
                        FROM jsonb_array_elements(l.plan->'instalments') part) agreed
    CROSS JOIN LATERAL (SELECT coalesce(sum(i.gross_minor), 0) AS gross_minor, coalesce(sum(i.net_minor), 0) AS net_minor,
                               count(*) AS count, count(*) FILTER (WHERE i.due_at <= t.starts_at OR i.ends_at <= i.due_at
                                                                   OR i.currency <> l.currency) AS wrong
                        FROM orders.instalment i WHERE i.order_line_id = l.id AND i.subscription_id = t.subscription_id) later
    WHERE (l.gross_minor + later.gross_minor, l.net_minor + later.net_minor, later.count, later.wrong)
          IS DISTINCT FROM (agreed.gross_minor, agreed.net_minor, agreed.count, 0)
    """,
)
CHARGED = Query(
    "instalments.charged",
    "每笔分期款到期即扣、恰有一个订单、金额一致；已付即该订单已付，已取消的不再扣款。",
    "Every instalment is charged when it is due, by one order of its amount; it is paid as that is, and nothing is asked for a "
    "cancelled one.",
    f"""
    SELECT i.id AS instalment_id, i.state, i.due_at, o.id AS order_id, o.state AS order_state, o.gross_minor
    FROM orders.instalment i
    LEFT JOIN orders."order" o ON o.instalment_id = i.id
    WHERE NOT {pending("i.id")} AND (o.id IS NULL OR NOT {pending("o.id")}) AND (
          (o.id IS NULL) <> (i.state = 'scheduled' OR (i.state = 'cancelled' AND o.id IS NULL))
       OR (i.state = 'scheduled' AND i.next_step_at < {late("i.buyer_org_id")})
       OR (o.id IS NOT NULL AND (o.gross_minor, o.net_minor, o.currency, o.subscription_id)
                                IS DISTINCT FROM (i.gross_minor, i.net_minor, i.currency, i.subscription_id))
       OR (i.state = 'paid' AND o.state NOT IN ('active', 'completed'))
       OR (i.state = 'asked' AND o.state NOT IN ('pending_payment', 'paid', 'expired')))
    """,  # noqa: S608 - every piece of it stands in this module
)
ENDED = Query(
    "instalments.ended",
    "订阅结束后没有待扣的分期款。",
    "Nothing more is to be charged of a subscription that has ended before its term.",
    """
    SELECT i.id AS instalment_id, i.state, s.state AS subscription_state FROM orders.instalment i
    JOIN orders.subscription s ON s.id = i.subscription_id
    WHERE s.state = 'ended' AND i.state = 'scheduled'
    """,
)
RULES = (WHOLE, CHARGED, ENDED)
