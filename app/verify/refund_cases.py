"""What buyers ask back after the window: what was granted goes back, once, and nothing waits past its time."""

from __future__ import annotations

from app.verify.rule import Query, late, pending

GRANTED = Query(
    "refund_cases.granted",
    "同意退还的金额恰为其退款的金额，每笔退款只属于一项申请；渠道拒绝的会再次退回。",
    "What was granted is exactly its refund, no refund serves two cases, and one that a gateway refused is sent again.",
    f"""
    SELECT c.id AS refund_case_id, c.granted_minor, r.amount_minor AS refunded_minor, r.state
    FROM orders.refund_case c LEFT JOIN billing.refund r ON r.id = c.refund_id
    WHERE c.state = 'granted'
      AND ((r.reference, r.buyer_org_id, r.currency, r.amount_minor)
           IS DISTINCT FROM (c.order_id, c.buyer_org_id, c.currency, c.granted_minor)
           OR (c.as_credit AND r.credit_minor <> r.amount_minor)
           OR (r.state = 'failed' AND NOT {pending("r.id")} AND EXISTS (
               SELECT 1 FROM billing.payment_allocation a
               WHERE a.id = r.allocation_id AND a.reserved_minor < a.amount_minor)))
    UNION ALL
    SELECT c.id, c.granted_minor, NULL, c.state FROM orders.refund_case c
    WHERE c.state <> 'granted' AND (c.granted_minor, c.refund_id) IS DISTINCT FROM (NULL::bigint, NULL::uuid)
    UNION ALL
    SELECT min(c.id::text)::uuid, sum(c.granted_minor), NULL, 'shared' FROM orders.refund_case c
    WHERE c.refund_id IS NOT NULL GROUP BY c.refund_id HAVING count(*) > 1
    """,  # noqa: S608 - every piece of it stands in this module
)
WAITING = Query(
    "refund_cases.waiting",
    "没有退款申请在期限之后仍在等待，除非付款正被拒付。",
    "No case waits past its deadline, unless a bank is deciding about the payment.",
    f"""
    SELECT c.id AS refund_case_id, c.state, c.deadline_at
    FROM orders.refund_case c JOIN orders."order" o ON o.id = c.order_id
    WHERE c.deadline_at < {late("c.buyer_org_id")}
      AND NOT EXISTS (SELECT 1 FROM billing.dispute d WHERE d.payment_id = o.payment_id AND d.state = 'open')
    """,  # noqa: S608 - (same)
)
RULES = (GRANTED, WAITING)
