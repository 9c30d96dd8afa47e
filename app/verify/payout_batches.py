"""Payouts by bank: approved batches whose sums are right, accounts that were not on hold, and no payout by two rails."""

from __future__ import annotations

from app.verify.rule import Query

RAIL = Query(
    "payouts.one_rail",
    "每笔打款只走一种方式：银行打款发出后恰在一个已交付的批次中，账户一致；其他打款不在任何批次中。",
    "A payout goes by one rail: by bank in one batch that was handed over, to its own account; by a gateway in none.",
    """
    SELECT p.id AS payout_id, p.gateway, p.state, count(e.id) AS batches
    FROM billing.payout p
    LEFT JOIN billing.payout_batch_entry e ON e.payout_id = p.id AND e.dropped_at IS NULL
    LEFT JOIN billing.payout_batch b ON b.id = e.batch_id
    GROUP BY p.id
    HAVING CASE
        WHEN p.gateway <> 'bank' THEN count(e.id) > 0
        WHEN p.state = 'scheduled' THEN count(e.id) > 1 OR bool_or(b.sent_at IS NOT NULL)
        WHEN p.state = 'failed' AND count(e.id) = 0
            THEN p.error_code IS NULL OR p.error_code NOT IN ('payout_account_changed', 'payment_disputed')
        ELSE count(e.id) <> 1 OR bool_or(b.sent_at IS NULL) OR bool_or(e.account_id <> p.account_id) END
    """,
)
SUM = Query(
    "payout_batches.control_sum",
    "批次的控制总额与笔数等于其打款之和。",
    "The control sum of a batch is the sum of its payouts, and it counts them.",
    """
    SELECT b.id AS batch_id, b.control_sum_minor, coalesce(sum(p.amount_minor), 0) AS payouts_minor
    FROM billing.payout_batch b
    LEFT JOIN billing.payout_batch_entry e
      ON e.batch_id = b.id AND (e.dropped_at IS NULL) = (b.state <> 'discarded') AND e.currency = b.currency
    LEFT JOIN billing.payout p
      ON p.id = e.payout_id AND (p.amount_minor, p.currency) = (e.amount_minor, e.currency)
    GROUP BY b.id HAVING coalesce(sum(p.amount_minor), 0) <> b.control_sum_minor OR count(p.id) <> b.payouts
    """,
)
APPROVED = Query(
    "payout_batches.approved",
    "交付的批次均已审批；超过限额者，审批人既未编制批次，也未提供或确认其中账户。",
    "A batch that went out was approved; above its limit by nobody who drafted it or had a hand in its accounts.",
    """
    SELECT b.id AS batch_id, b.state, b.approved_by FROM billing.payout_batch b
    WHERE b.sent_at IS NOT NULL AND (b.approved_by IS NULL OR b.approved_at > b.sent_at)
       OR b.approved_by IS NOT NULL AND b.control_sum_minor > b.second_person_above_minor
          AND (b.approved_by = b.drafted_by OR EXISTS (
               SELECT 1 FROM billing.payout_batch_entry e JOIN marketplace.payout_account a ON a.id = e.account_id
               WHERE e.batch_id = b.id AND b.approved_by IN (a.added_by, a.name_confirmed_by)))
    """,
)
HELD = Query(
    "payouts.account_not_held",
    "打款走收款方账户指定的方式，且下达时账户不在保护期、未被替换。",
    "A payout goes by the rail of its party's account, which was neither on hold nor replaced when it was ordered.",
    """
    SELECT p.id AS payout_id, p.gateway, a.rail, a.held_until, a.replaced_at
    FROM billing.payout p JOIN marketplace.payout_account a ON a.id = p.account_id
    WHERE a.held_until > p.created_at OR a.replaced_at < p.created_at OR (a.rail, a.currency) <> (p.gateway, p.currency)
    """,
)
STATE = Query(
    "payout_batches.state",
    "批次状态与其打款一致：全部已付、部分已付或失败。",
    "A batch that went out is under way until all its payouts have ended; then settled, partly paid or failed as they are.",
    """
    SELECT b.id AS batch_id, b.state, array_agg(DISTINCT p.state) AS states
    FROM billing.payout_batch b
    JOIN billing.payout_batch_entry e ON e.batch_id = b.id AND e.dropped_at IS NULL
    JOIN billing.payout p ON p.id = e.payout_id
    WHERE b.sent_at IS NOT NULL
    GROUP BY b.id
    HAVING b.state <> CASE
        WHEN bool_or(p.state IN ('scheduled', 'sent', 'unknown')) THEN 'sent'
        WHEN bool_and(p.state = 'paid') THEN 'settled'
        WHEN bool_or(p.state = 'paid') THEN 'partly' ELSE 'failed' END
    """,
)
RULES = (RAIL, SUM, APPROVED, HELD, STATE)
