"""Disputed payments: what each is about, who bore it, and what the bank was told, each once."""

from __future__ import annotations

from app.verify.rule import Query, pending

PARTS = Query(
    "disputes.parts",
    "拒付金额等于其各部分之和，且每一部分都属于该笔付款的订单。",
    "The parts of a dispute add up to its amount, and each is an order's or a line's of that payment.",
    """
    SELECT d.id AS dispute_id, d.amount_minor, coalesce(sum(p.amount_minor), 0) AS parts_minor
    FROM billing.dispute d LEFT JOIN billing.dispute_part p ON p.dispute_id = d.id AND p.currency = d.currency
    GROUP BY d.id HAVING d.amount_minor <> coalesce(sum(p.amount_minor), 0)
    UNION ALL
    SELECT d.id, d.amount_minor, p.amount_minor FROM billing.dispute d
    JOIN billing.dispute_part p ON p.dispute_id = d.id
    LEFT JOIN billing.payment_allocation a ON a.payment_id = d.payment_id AND a.reference = p.reference
    LEFT JOIN billing.charge c ON c.reference = p.line_id AND c.allocation_id = a.id
    WHERE a.id IS NULL OR p.amount_minor > a.amount_minor
       OR (p.line_id IS NOT NULL AND (c.id IS NULL OR p.amount_minor > c.gross_minor))
    """,
)
BORNE = Query(
    "disputes.borne",
    "败诉的拒付恰好承担一次：由订单退款与待追回损失合计承担其金额。",
    "What banks decided for payers is borne exactly once: by refunds of the orders and by losses to be recovered.",
    f"""
    WITH lost AS (
        SELECT d.payment_id, sum(d.amount_minor) AS lost_minor, sum(d.loss_minor - d.borne_minor) AS loss_minor
        FROM billing.dispute d JOIN billing.incident i ON i.subject_id = d.id AND i.kind = 'dispute_lost' GROUP BY 1
    ), refunded AS (
        SELECT payment_id, sum(amount_minor) AS minor FROM billing.refund WHERE origin = 'dispute' GROUP BY 1
    )
    SELECT payment_id, l.lost_minor, l.loss_minor, r.minor AS refunded_minor
    FROM lost l FULL JOIN refunded r USING (payment_id)
    WHERE coalesce(l.lost_minor, 0) <> coalesce(l.loss_minor, 0) + coalesce(r.minor, 0)
    UNION ALL
    SELECT d.payment_id, d.amount_minor, d.loss_minor, 0 FROM billing.dispute d
    WHERE d.state = 'lost' AND NOT {pending("d.id")} AND NOT EXISTS (
        SELECT 1 FROM billing.incident i WHERE i.subject_id = d.id AND i.kind = 'dispute_lost')
    """,  # noqa: S608 - every piece of it stands in this module
)
ANSWERED = Query(
    "disputes.answered",
    "银行至多收到一份材料，且与拒付记录一致。",
    "A bank was told once at most, and the dispute names what it was told.",
    """
    SELECT d.id AS dispute_id, d.submission_id, s.id AS live_id, s.state, d.submitted_at FROM billing.dispute d
    LEFT JOIN billing.dispute_submission s ON s.dispute_id = d.id AND s.state <> 'failed'
    WHERE d.submission_id IS DISTINCT FROM s.id OR (s.state = 'sent' AND d.submitted_at IS NULL)
    """,
)

RULES = (PARTS, BORNE, ANSWERED)
