"""Statements, payouts and the commission invoices that follow them."""

from __future__ import annotations

from app.verify.rule import Query

LINES = Query(
    "statements.lines",
    "结算单各栏等于其明细之和。",
    "Every column of a statement is the sum of its lines.",
    """
    SELECT s.id AS statement_id, s.number, s.net_minor, s.carried_minor, coalesce(sum(l.net_minor), 0) AS lines_minor
    FROM billing.statement s LEFT JOIN billing.statement_line l ON l.statement_id = s.id AND l.currency = s.currency
    GROUP BY s.id
    HAVING (s.gross_minor, s.refunds_minor, s.commission_minor, s.promoter_minor,
            s.net_minor - s.carried_minor - s.commission_tax_minor - s.adjustments_minor)
           IS DISTINCT FROM
           (coalesce(sum(l.gross_minor), 0), coalesce(sum(l.refunds_minor), 0), coalesce(sum(l.commission_minor), 0),
            coalesce(sum(l.promoter_minor), 0), coalesce(sum(l.net_minor), 0))
    """,
)
SHARES = Query(
    "statements.shares",
    "结算单明细与其分成、扣回记录一一对应，金额一致。",
    "Statement lines and the shares and reversals settled in them are the same, one for one, with their amounts.",
    """
    SELECT l.id, 'line' AS what, l.net_minor,
           CASE WHEN l.reversal_id IS NULL THEN s.amount_minor ELSE -v.amount_minor END AS settled_minor
    FROM billing.statement_line l
    JOIN billing.share s ON s.id = l.share_id
    LEFT JOIN billing.share_reversal v ON v.id = l.reversal_id
    WHERE CASE WHEN l.reversal_id IS NULL
               THEN (l.net_minor, l.statement_id, l.org_id) IS DISTINCT FROM (s.amount_minor, s.statement_id, s.org_id)
               ELSE (l.net_minor, l.statement_id, l.org_id) IS DISTINCT FROM (-v.amount_minor, v.statement_id, v.org_id)
          END
    UNION ALL
    SELECT s.id, 'share', NULL, s.amount_minor FROM billing.share s
    WHERE s.statement_id IS NOT NULL AND s.kind <> 'commission' AND NOT EXISTS (
        SELECT 1 FROM billing.statement_line l WHERE l.share_id = s.id AND l.reversal_id IS NULL)
    UNION ALL
    SELECT v.id, 'reversal', NULL, -v.amount_minor FROM billing.share_reversal v
    WHERE v.statement_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM billing.statement_line l WHERE l.reversal_id = v.id)
    """,
)
SEQUENCE = Query(
    "statements.sequence",
    "同一方的结算期首尾相接，结转等于上期未付的净额。",
    "A party's periods follow each other without gap, and carry what the former one left unpaid.",
    """
    SELECT id AS statement_id, number, starts_at, former_end, carried_minor, former_net FROM (
        SELECT s.*, lag(ends_at) OVER mine AS former_end,
               CASE WHEN lag(state) OVER mine = 'carried' THEN lag(net_minor) OVER mine ELSE 0 END AS former_net
        FROM billing.statement s WINDOW mine AS (PARTITION BY org_id, currency ORDER BY ends_at)
    ) s WHERE (former_end IS NOT NULL AND starts_at <> former_end) OR carried_minor <> former_net
    """,
)
SETTLED = Query(
    "statements.settled",
    "结算单状态与其打款一致：已付者恰有一笔完成的打款，结转者没有。",
    "A statement's state is that of its payout: paid by one, being paid by one, or not at all.",
    """
    SELECT s.id AS statement_id, s.state, s.net_minor, p.states FROM billing.statement s
    LEFT JOIN (SELECT statement_id, array_agg(state) AS states FROM billing.payout WHERE state NOT IN ('failed', 'returned')
               GROUP BY statement_id) p ON p.statement_id = s.id
    WHERE CASE s.state
          WHEN 'paid' THEN p.states IS DISTINCT FROM ARRAY['paid']
          WHEN 'paying' THEN p.states IS NULL OR NOT p.states <@ ARRAY['scheduled', 'sent', 'unknown']
          WHEN 'closed' THEN p.states IS NOT NULL OR s.net_minor <= 0
          ELSE p.states IS NOT NULL OR s.net_minor > 0 END
    """,
)
SHARES_SETTLED = Query(
    "shares.settled",
    "分成状态与其结算单一致：已付者其结算单已付（或已并入已付的下期）。",
    "A share is paid when its statement is (or was carried into one that is), and not before.",
    """
    SELECT h.id AS share_id, h.state, s.id AS statement_id, s.state AS statement_state
    FROM billing.share h LEFT JOIN billing.statement s ON s.id = h.statement_id
    WHERE CASE h.state
          WHEN 'paid' THEN s.state IS NULL OR s.state NOT IN ('paid', 'carried')
          WHEN 'in_statement' THEN s.state IS NULL OR (s.state = 'paid' AND NOT EXISTS (
              SELECT 1 FROM billing.statement_adjustment a WHERE a.share_id = h.id))
          ELSE s.id IS NOT NULL END
    """,
)
PAYOUT_AMOUNT = Query(
    "payouts.amount",
    "打款金额、币种与收款方同其结算单一致，拒付未决而暂扣者除外。",
    "A payout has the net, currency and party of its statement, less what is held because it is in dispute.",
    """
    SELECT p.id AS payout_id, p.amount_minor, s.net_minor, a.held_minor FROM billing.payout p
    JOIN billing.statement s ON s.id = p.statement_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(a.amount_minor), 0) AS held_minor
        FROM billing.statement_adjustment a JOIN billing.payout o ON o.id = a.payout_id
        WHERE a.kind = 'disputed' AND (a.payout_id = p.id
              OR (o.statement_id = p.statement_id AND o.id < p.id AND a.statement_id IS NOT NULL))) a
    WHERE (p.amount_minor + a.held_minor, p.currency) IS DISTINCT FROM (s.net_minor, s.currency)
    """,
)
PAYOUT_ONCE = Query(
    "payouts.one_alive",
    "每张结算单最多只有一笔未失败的打款，已付者有时间与渠道编号。",
    "A statement has at most one payout that has not failed; a paid one has its instant and reference.",
    """
    SELECT statement_id, count(*) AS payouts FROM billing.payout
    WHERE state NOT IN ('failed', 'returned') GROUP BY statement_id HAVING count(*) > 1
    UNION ALL
    SELECT statement_id, 1 FROM billing.payout
    WHERE state = 'paid' AND (paid_at IS NULL OR gateway_reference IS NULL)
    """,
)
ADJUSTMENTS = Query(
    "statements.adjustments",
    "结算单的调整栏等于其所承接的暂扣与被退回金额。",
    "The adjustments of a statement are what it takes up of what earlier payouts left unpaid.",
    """
    SELECT s.id AS statement_id, s.adjustments_minor, coalesce(sum(a.amount_minor), 0) AS taken_up_minor
    FROM billing.statement s
    LEFT JOIN billing.statement_adjustment a ON a.statement_id = s.id AND a.org_id = s.org_id AND a.currency = s.currency
    GROUP BY s.id HAVING s.adjustments_minor <> coalesce(sum(a.amount_minor), 0)
    """,
)
COMMISSION_INVOICED = Query(
    "commission.invoiced",
    "平台佣金发票金额等于其所含结算单的佣金；应开者均已开。",
    "A commission invoice is the commission of its statements, and none that is due is missing.",
    """
    SELECT i.id AS invoice_id, i.reference AS statement_id, i.gross_minor,
           -coalesce(sum(s.commission_minor), 0) AS withheld_minor
    FROM billing.invoice i LEFT JOIN billing.statement s ON s.commission_invoice_id = i.id AND s.org_id = i.buyer_org_id
    WHERE i.kind = 'commission_invoice' GROUP BY i.id HAVING i.gross_minor <> -coalesce(sum(s.commission_minor), 0)
    UNION ALL
    SELECT NULL, max(id::text)::uuid, 0, -sum(commission_minor) FROM billing.statement
    WHERE commission_invoice_id IS NULL GROUP BY org_id, currency HAVING -sum(commission_minor) > 0
    """,
)

RULES = (
    LINES, SHARES, SEQUENCE, SETTLED, SHARES_SETTLED, PAYOUT_AMOUNT, PAYOUT_ONCE, ADJUSTMENTS, COMMISSION_INVOICED,
)  # fmt: skip
