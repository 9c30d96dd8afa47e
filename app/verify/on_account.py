"""Purchases on account: no line is exceeded, and what the books are owed is what buyers have not paid."""

from __future__ import annotations

from app.verify.rule import Query

LIMITS = Query(
    "on_account.limits",
    "每个赊购额度的占用恰为其付款所占与未付采购之和，且不超过额度。",
    "What is held and used of a credit line is what its payments hold and what is owed, and never more than its limit allows.",
    """
    SELECT l.id AS line_id, l.org_id, l.limit_minor, l.over_minor, l.held_minor, coalesce(h.held, 0) AS expected_held,
           l.used_minor, coalesce(o.owed, 0) AS expected_used, l.first_due_at, o.first_due_at AS expected_due_at
    FROM billing.credit_line l
    LEFT JOIN (SELECT line_id, sum(amount_minor) AS held FROM billing.credit_hold WHERE state = 'held' GROUP BY 1) h
           ON h.line_id = l.id
    LEFT JOIN (SELECT h.line_id, min(t.deadline_at) AS first_due_at,
                      sum(t.amount_minor - t.received_minor - t.written_off_minor - t.credited_minor)
                          FILTER (WHERE h.state = 'drawn') AS owed
               FROM billing.bank_transfer t JOIN billing.credit_hold h ON h.payment_id = t.payment_id
               WHERE t.gateway = 'on_account' AND t.state = 'awaited' GROUP BY 1) o ON o.line_id = l.id
    WHERE l.held_minor <> coalesce(h.held, 0) OR l.used_minor <> coalesce(o.owed, 0)
       OR l.over_minor <> greatest(0, l.held_minor + l.used_minor - l.limit_minor)
       OR l.first_due_at IS DISTINCT FROM o.first_due_at
    """,
)
HELD = Query(
    "on_account.held",
    "每笔赊购付款恰有一笔额度占用，其状态与付款一致。",
    "Every payment on account has one hold that says what became of it: held while in doubt, drawn when it succeeded.",
    """
    SELECT p.id AS payment_id, p.state, h.state AS hold_state, h.amount_minor, p.amount_minor - p.credit_minor AS money_minor
    FROM billing.payment p FULL JOIN billing.credit_hold h ON h.payment_id = p.id
    WHERE (p.gateway = 'on_account' OR h.id IS NOT NULL) AND (
        p.gateway IS DISTINCT FROM 'on_account'
        OR (h.id IS NULL AND p.state IN ('succeeded', 'reversed'))
        OR h.amount_minor <> p.amount_minor - p.credit_minor
        OR h.state = 'drawn' AND p.state = 'failed' OR h.state = 'released' AND p.state <> 'failed'
        OR h.state = 'held' AND p.state IN ('succeeded', 'reversed', 'failed'))
    """,
)
OWED = Query(
    "on_account.owed",
    "每笔成功的赊购付款恰有一笔应收汇款，其冲减等于付清前的退款。",
    "Every payment on account that succeeded is one transfer that is owed, less what was refunded before it was paid.",
    """
    SELECT p.id AS payment_id, t.id AS transfer_id, t.amount_minor, t.credited_minor, coalesce(c.minor, 0) AS refunded_minor
    FROM billing.payment p FULL JOIN (SELECT * FROM billing.bank_transfer WHERE gateway = 'on_account') t ON t.payment_id = p.id
    LEFT JOIN (SELECT transfer_id, sum(amount_minor) AS minor FROM billing.transfer_credit GROUP BY 1) c ON c.transfer_id = t.id
    WHERE (p.gateway = 'on_account' OR t.id IS NOT NULL) AND (
        p.gateway IS DISTINCT FROM 'on_account'
        OR t.id IS NULL AND p.state IN ('succeeded', 'reversed')
        OR t.amount_minor <> p.amount_minor - p.credit_minor
        OR t.credited_minor <> coalesce(c.minor, 0))
    """,
)
RECEIVABLE = Query(
    "on_account.receivable",
    "总账赊购应收等于各买方赊购付款减去退款与已到账汇款。",
    "What the books are owed by a buyer on account is what it bought so, less refunds, and less what came of it and went back.",
    """
    WITH expected AS (
        SELECT payer_org_id AS org_id, currency, amount_minor - credit_minor AS minor FROM billing.payment
        WHERE gateway = 'on_account' AND state IN ('succeeded', 'reversed')
        UNION ALL SELECT r.buyer_org_id, r.currency, r.credit_minor - r.amount_minor
                  FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
                  WHERE p.gateway = 'on_account' AND r.state = 'succeeded'
        UNION ALL SELECT t.payer_org_id, a.currency,
                         CASE WHEN l.amount_minor < 0 THEN a.amount_minor ELSE -a.amount_minor END
                  FROM billing.bank_assignment a JOIN billing.bank_line l ON l.id = a.line_id
                  LEFT JOIN billing.bank_outgoing o ON o.id = a.outgoing_id
                  JOIN billing.bank_transfer t ON t.id = coalesce(a.transfer_id, o.transfer_id)
                  WHERE t.gateway = 'on_account'
    ), booked AS (
        SELECT a.org_id, a.currency, sum(p.amount_minor) AS minor
        FROM billing.ledger_account a JOIN billing.posting p ON p.account_id = a.id WHERE a.kind = 'receivable' GROUP BY 1, 2
    )
    SELECT org_id, currency, coalesce(b.minor, 0) AS booked_minor, coalesce(e.minor, 0) AS expected_minor
    FROM booked b FULL JOIN (SELECT org_id, currency, sum(minor) AS minor FROM expected GROUP BY 1, 2) e USING (org_id, currency)
    WHERE coalesce(b.minor, 0) <> coalesce(e.minor, 0)
    """,
)
UNPAID = Query(
    "on_account.unpaid",
    "买方尚未付清的赊购，其各方分成均未放款。",
    "No party's share of a purchase on account is released before its buyer has paid.",
    """
    SELECT s.id AS share_id, s.state, t.id AS transfer_id FROM billing.share s
    JOIN billing.charge c ON c.id = s.charge_id
    JOIN billing.bank_transfer t ON t.payment_id = c.payment_id AND t.gateway = 'on_account' AND t.state = 'awaited'
    WHERE s.state IN ('releasable', 'in_statement', 'paid')
    """,
)
LETTERS = Query(
    "on_account.letters",
    "每笔赊购在每个催款节点至多通知一次，且不早于该节点；到期的节点均已通知。",
    "A buyer is told of what it owes once for each step and not before its day, and no step that is due waits for hours.",
    """
    SELECT t.id AS transfer_id, n.days, n.created_at, t.remind_at FROM billing.bank_transfer t
    LEFT JOIN billing.dunning_notice n ON n.transfer_id = t.id
    WHERE t.gateway = 'on_account' AND (
        n.created_at < n.due_at + make_interval(days => CAST(n.days AS integer)) OR n.due_at <> t.deadline_at
        OR t.state = 'awaited' AND t.remind_at < :now - interval '6 hours')
    """,
)
RULES = (LIMITS, HELD, OWED, RECEIVABLE, UNPAID, LETTERS)
