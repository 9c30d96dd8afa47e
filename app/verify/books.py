"""Closed months of the books, and what the reconciliation keeps."""

from __future__ import annotations

from app.verify.rule import Query

KEPT = Query(
    "periods.kept",
    "已结账月份的期末余额与登记时一致，其后无任何记账落入该月。",
    "What stands on every account at the end of a closed month is what was recorded when it was closed.",
    """
    WITH closed AS (SELECT * FROM billing.accounting_period WHERE state = 'closed' AND transactions IS NOT NULL),
    moved AS (
        SELECT p.id AS period_id, g.account_id, sum(g.amount_minor) AS balance_minor,
               coalesce(sum(g.amount_minor) FILTER (WHERE g.amount_minor > 0 AND t.effective_at >= p.starts_at), 0) AS debit,
               coalesce(-sum(g.amount_minor) FILTER (WHERE g.amount_minor < 0 AND t.effective_at >= p.starts_at), 0) AS credit
        FROM closed p JOIN billing.ledger_transaction t ON t.effective_at < p.ends_at
        JOIN billing.posting g ON g.transaction_id = t.id GROUP BY 1, 2
    )
    SELECT period_id, account_id, m.balance_minor, b.balance_minor AS recorded_minor
    FROM moved m FULL JOIN (SELECT b.* FROM billing.accounting_period_balance b JOIN closed p ON p.id = b.period_id) b
      USING (period_id, account_id)
    WHERE (m.balance_minor, m.debit, m.credit) IS DISTINCT FROM (b.balance_minor, b.debit_minor, b.credit_minor)
    UNION ALL
    SELECT p.id, NULL, count(t.id), p.transactions
    FROM closed p LEFT JOIN billing.ledger_transaction t ON t.effective_at >= p.starts_at AND t.effective_at < p.ends_at
    GROUP BY p.id, p.transactions HAVING count(t.id) <> p.transactions
    """,
)
FOLLOW = Query(
    "periods.follow",
    "已结账的月份首尾相接，且都登记了余额。",
    "Closed months follow one another, and the balances of each are recorded.",
    """
    SELECT id AS period_id, month, former_end, starts_at, transactions FROM (
        SELECT p.*, lag(ends_at) OVER (ORDER BY month) AS former_end
        FROM billing.accounting_period p WHERE state = 'closed'
    ) p WHERE starts_at <> former_end OR (transactions IS NULL AND closed_at < :late)
    """,
)
LATE = Query(
    "ledger.late",
    "迟到的记账落在当时首个未结账月份之初，并保留原发生时间。",
    "A fact that came after its month was closed counts from the beginning of a month, and keeps when it happened.",
    """
    SELECT t.id AS transaction_id, t.occurred_at, t.effective_at FROM billing.ledger_transaction t
    WHERE t.occurred_at IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM billing.accounting_period p WHERE p.ends_at = t.effective_at)
    """,
)
DIFFERENCES = Query(
    "reconciliation.current",
    "未了结的对账差异都是该项最近一次对账仍见到的。",
    "A difference that is not resolved was still found by the last comparison of its leg.",
    """
    SELECT d.id AS difference_id, d.leg, d.kind, d.subject, d.seen_at, r.started_at
    FROM billing.reconciliation_difference d
    JOIN LATERAL (SELECT started_at, differing FROM billing.reconciliation_run r WHERE r.leg = d.leg
                  ORDER BY ended_at DESC, id DESC LIMIT 1) r ON true
    WHERE d.state <> 'resolved' AND d.seen_at < r.started_at AND r.differing <= 1000
    """,
)

RULES = (KEPT, FOLLOW, LATE, DIFFERENCES)
