"""Subscriptions: their terms, what renews them, and what follows when nobody pays."""

from __future__ import annotations

from app.verify.rule import Query, late, pending, present

SUBSCRIBED = Query(
    "subscriptions.terms",
    "生效订单的每个周期性行都有订阅，各期从第 1 期起首尾相接。",
    "Every recurring line of an active order has a subscription whose terms follow each other from the first.",
    f"""
    SELECT l.id AS order_line_id, s.id AS subscription_id, NULL::bigint AS term
    FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN orders.subscription s ON s.order_line_id = l.id
    WHERE o.state IN ('active', 'completed') AND l.term_months > 0 AND o.subscription_id IS NULL
      AND (s.id IS NULL OR NOT EXISTS (SELECT 1 FROM orders.subscription_term t WHERE t.subscription_id = s.id))
      AND NOT {pending("o.id")}
    UNION ALL
    SELECT order_line_id, subscription_id, number FROM (
        SELECT t.*, row_number() OVER (PARTITION BY subscription_id ORDER BY number) AS place
        FROM orders.subscription_term t
    ) t WHERE number <> place
    UNION ALL
    SELECT order_line_id, subscription_id, number FROM (
        SELECT t.*, lag(least(ends_at, revoked_at)) OVER (PARTITION BY subscription_id ORDER BY number) AS former_end
        FROM orders.subscription_term t
        -- One that went back before it began never was: the next one stands in its place.
        WHERE revoked_at IS NULL OR revoked_at > starts_at
    ) t WHERE former_end IS NOT NULL AND starts_at <> former_end
    """,  # noqa: S608 - every piece of it stands in this module
)
RENEWED = Query(
    "subscriptions.renewed",
    "已付的续订订单恰为其订阅增加一期；未付的没有。",
    "A renewal that is paid has added one term to its subscription, one that is not has added none.",
    f"""
    SELECT o.id AS order_id, o.state, o.subscription_id, count(t.id) AS terms
    FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN orders.subscription_term t ON t.order_line_id = l.id AND t.subscription_id = o.subscription_id
    WHERE o.subscription_id IS NOT NULL AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
      AND NOT {pending("o.id")}
      AND NOT EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = l.id)
    GROUP BY o.id
    HAVING CASE WHEN o.state IN ('fulfilling', 'active', 'completed') THEN count(t.id) <> 1 OR count(t.revoked_at) > 0
                WHEN o.state = 'refunded' THEN count(t.id) <> count(t.revoked_at)
                ELSE count(t.id) > 0 END
    """,  # noqa: S608 - every piece of it stands in this module
)
DATED = Query(
    "subscriptions.dated",
    "订阅止于其最后一个有效周期之末，权益与之同止（欠费宽限期内除外）。",
    "A subscription ends with its last term that stands, and what it gives ends with it, unless it is past due.",
    """
    SELECT s.id AS subscription_id, s.state, s.ends_at, last.ends_at AS term_ends_at, e.valid_to
    FROM orders.subscription s
    JOIN fulfillment.entitlement e ON e.reference = s.order_line_id
    LEFT JOIN LATERAL (SELECT max(t.ends_at) AS ends_at, max(t.revoked_at) AS revoked_at FROM orders.subscription_term t
                       WHERE t.subscription_id = s.id AND (t.revoked_at IS NULL OR t.starts_at < t.revoked_at)) last ON true
    WHERE (last.revoked_at IS NULL AND s.ends_at <> last.ends_at)
       OR (s.state = 'active' AND e.state = 'active' AND e.valid_to IS DISTINCT FROM s.ends_at)
       OR (e.state IN ('active', 'suspended') AND e.past_due_at IS DISTINCT FROM
               CASE s.state WHEN 'past_due' THEN s.ends_at END)
    """,
)
STEPS = Query(
    "subscriptions.steps",
    "订阅的提醒、续订与催缴按时进行；欠费订阅有一笔未付或待审批的续订订单。",
    "Notices, renewals and reminders come in time; a subscription past due has a renewal that waits for money or approval.",
    f"""
    SELECT s.id AS subscription_id, s.state, s.ends_at, s.next_step_at FROM orders.subscription s
    WHERE (s.state <> 'ended' AND s.next_step_at < {late("s.buyer_org_id")})
       OR (s.state = 'ended' AND s.next_step_at IS NOT NULL)
       OR (s.state = 'past_due' AND NOT EXISTS (
               SELECT 1 FROM orders."order" o WHERE o.subscription_id = s.id AND o.usage_period_id IS NULL
                                                AND o.instalment_id IS NULL
                                                AND o.state IN ('pending_payment', 'pending_approval')))
    """,  # noqa: S608 - every piece of it stands in this module
)

AMENDED = Query(
    "subscriptions.amended",
    "订阅的数量等于本期购买数量加上本期已生效的变更；变更订单已付即生效，未付则未生效。",
    "A subscription has the quantity of its running term and of what was added to it; what is paid is added, what is not is not.",
    f"""
    SELECT s.id AS subscription_id, NULL::uuid AS order_id, s.quantity, l.quantity AS bought, added.quantity AS added
    FROM orders.subscription s
    JOIN orders.subscription_term t ON t.subscription_id = s.id AND t.revoked_at IS NULL
         AND t.starts_at <= {present("s.buyer_org_id")} AND t.ends_at > {present("s.buyer_org_id")}
    JOIN orders.order_line l ON l.id = t.order_line_id
    LEFT JOIN LATERAL (SELECT coalesce(sum(m.quantity - m.quantity_before), 0) AS quantity FROM orders.amendment m
                       WHERE m.subscription_id = s.id AND m.state = 'applied'
                         AND m.ends_at > t.starts_at AND m.ends_at <= t.ends_at) added ON true
    WHERE s.state = 'active' AND s.quantity <> l.quantity + added.quantity AND NOT {pending("s.order_line_id")}
    UNION ALL
    SELECT m.subscription_id, o.id, m.quantity, m.quantity_before, NULL
    FROM orders.amendment m JOIN orders.order_line l ON l.id = m.order_line_id JOIN orders."order" o ON o.id = l.order_id
    WHERE NOT {pending("o.id")} AND m.state <> CASE
        WHEN o.state IN ('active', 'completed') THEN 'applied'
        WHEN o.state IN ('pending_approval', 'pending_payment') THEN 'pending'
        WHEN o.state = 'delivery_failed' THEN 'reversed'
        WHEN o.state = 'refunded' THEN CASE WHEN m.applied_at IS NULL THEN 'void' ELSE 'reversed' END
        WHEN o.state IN ('rejected', 'expired', 'cancelled') THEN 'void' ELSE m.state END
    """,  # noqa: S608 - every piece of it stands in this module
)
CHANGED = Query(
    "subscriptions.changed",
    "已付款的变更已通知卖方系统，或正在通知；否则已撤回并退款。",
    "A change that was paid for was told to the seller's system, or is being told; else it was taken back and refunded.",
    f"""
    SELECT m.id AS amendment_id, m.subscription_id, l.order_id, told.tried FROM orders.amendment m
    JOIN orders.order_line l ON l.id = m.order_line_id
    JOIN orders.subscription s ON s.id = m.subscription_id
    JOIN fulfillment.entitlement e ON e.reference = s.order_line_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS tried, bool_and(r.state IN ('failed', 'dead')) AS in_vain FROM fulfillment.run r
        WHERE r.entitlement_id = e.id AND r.operation = 'change' AND r.created_at >= m.applied_at) told
    WHERE m.state = 'applied' AND told.in_vain AND NOT {pending("l.order_id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
ALIGNED = Query(
    "subscriptions.aligned",
    "各期因对齐而延长的时间，恰为已付款的时间。",
    "Terms are longer than their prices are for by exactly the time that was paid for.",
    """
    SELECT s.id AS subscription_id, longer.longer, coalesce(paid.paid, interval '0') AS paid FROM orders.subscription s
    -- A first term that was sold as a shorter one is measured by the end that it was sold with.
    JOIN LATERAL (SELECT sum(t.ends_at - CASE WHEN t.number = 1 AND e.first_ends_at IS NOT NULL THEN e.first_ends_at
                                              ELSE coalesce(t.priced_until, t.ends_at) END) AS longer
                  FROM orders.subscription_term t JOIN fulfillment.entitlement e ON e.reference = s.order_line_id
                  WHERE t.subscription_id = s.id
                    AND (t.revoked_at IS NULL OR t.revoked_at >= t.ends_at)) longer ON longer.longer IS NOT NULL
    LEFT JOIN LATERAL (SELECT sum(m.aligned_to - m.ends_at) AS paid, bool_or(m.state = 'reversed') AS went_back
                       FROM orders.amendment m WHERE m.subscription_id = s.id AND m.aligned_to IS NOT NULL
                                                 AND m.state IN ('applied', 'reversed')) paid ON true
    WHERE paid.went_back IS NOT TRUE AND longer.longer <> coalesce(paid.paid, interval '0')
    """,
)
CONTRACTED = Query(
    "subscriptions.contract",
    "合同剩余期数与已付期数之和，等于售出时约定的期数。",
    "The terms that a contract has left and those that were paid for are as many as were agreed.",
    """
    SELECT s.id AS subscription_id, l.plan->>'contract_terms' AS agreed, s.contract_terms_left, paid.terms
    FROM orders.subscription s JOIN orders.order_line l ON l.id = s.order_line_id
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE s.trial_ends_at IS NULL OR t.number > 1) AS terms
                        FROM orders.subscription_term t
                        WHERE t.subscription_id = s.id AND (t.revoked_at IS NULL OR t.revoked_at >= t.ends_at)) paid
    WHERE CAST(l.plan->>'contract_terms' AS bigint) IS DISTINCT FROM s.contract_terms_left + paid.terms
    """,
)
FINISHED = Query(
    "subscriptions.finished",
    "已结束订阅的续订与用量订单均已完成，不再显示为可用。",
    "What renewed or was used of a subscription that has ended is complete: nothing of it is said to be available.",
    f"""
    SELECT o.id AS order_id, o.subscription_id FROM orders."order" o
    JOIN orders.subscription s ON s.id = o.subscription_id
    WHERE s.state = 'ended' AND o.state = 'active' AND NOT {pending("s.id")} AND NOT {pending("o.id")}
      AND NOT EXISTS (SELECT 1 FROM orders.order_line l JOIN orders.amendment m ON m.order_line_id = l.id
                      WHERE l.order_id = o.id)
    """,  # noqa: S608 - every piece of it stands in this module
)
TRIED_ONCE = Query(
    "trials.once",
    "一个组织对一个商品最多试用一次。",
    "An organization tries a listing once.",
    """
    SELECT t.buyer_org_id, t.listing_id, count(*) AS trials FROM orders.trial t
    WHERE t.released_at IS NULL GROUP BY t.buyer_org_id, t.listing_id HAVING count(*) > 1
    """,
)
TRIED_FREE = Query(
    "trials.free",
    "试用从不收费：订单行金额为零，没有扣款。",
    "A trial is never charged: its line comes to nothing, and nothing was charged for it.",
    """
    SELECT t.id AS trial_id, l.id AS order_line_id, l.gross_minor, c.id AS charge_id FROM orders.trial t
    JOIN orders.order_line l ON l.id = t.order_line_id
    LEFT JOIN billing.charge c ON c.reference = l.id
    WHERE (l.net_minor, l.tax_minor, l.gross_minor) <> (0, 0, 0) OR c.id IS NOT NULL
    """,
)
CONVERTED = Query(
    "trials.converted",
    "试用后的首个付费期按开通试用时的价格收取，从试用结束时开始。",
    "The first paid term after a trial costs what was told when it began, and begins when it ends.",
    """
    SELECT t.id AS trial_id, p.id AS order_line_id, p.gross_minor, term.starts_at, s.trial_ends_at FROM orders.trial t
    JOIN orders.subscription s ON s.order_line_id = t.order_line_id
    JOIN orders.subscription_term term ON term.subscription_id = s.id AND term.number = 2
    JOIN orders.order_line p ON p.id = term.order_line_id
    WHERE p.gross_minor <> CAST(t.full_line->>'gross_minor' AS bigint) OR term.starts_at <> s.trial_ends_at
    """,
)

RULES = (
    SUBSCRIBED,
    RENEWED,
    DATED,
    STEPS,
    AMENDED,
    CHANGED,
    ALIGNED,
    CONTRACTED,
    FINISHED,
    TRIED_ONCE,
    TRIED_FREE,
    CONVERTED,
)
