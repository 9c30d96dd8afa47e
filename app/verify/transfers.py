"""Transfers to parties' accounts at gateways: each to its own party, and what was taken back of them in the books."""

from __future__ import annotations

from app.verify.rule import Query

OWN_ACCOUNT = Query(
    "payouts.own_account",
    "打款与收款账户所指的渠道账户，均由收款方本方开立。",
    "The account at a gateway that a payout went to, or that a party chose for its payouts, was opened by that party.",
    """
    SELECT p.id AS subject_id, 'payout' AS what, p.org_id, c.org_id AS owner_id
    FROM billing.payout p JOIN billing.connected_account c ON c.gateway = p.gateway AND c.reference = p.destination
    WHERE c.org_id <> p.org_id
    UNION ALL
    SELECT a.id, 'payout_account', a.org_id, c.org_id
    FROM marketplace.payout_account a JOIN billing.connected_account c ON c.gateway = a.rail AND c.reference = a.gateway_account
    WHERE c.org_id <> a.org_id
    """,
)
REVERSED = Query(
    "payouts.reversed",
    "从渠道账户收回的每笔金额等于其所对应的分成扣回，且已计入该打款的退回金额。",
    "What was taken back of a transfer is what a refund took of the share, and stands in what came back of the payout.",
    """
    SELECT r.id AS reversal_id, r.payout_id, r.amount_minor, v.amount_minor AS taken_minor
    FROM billing.transfer_reversal r JOIN billing.share_reversal v ON v.id = r.share_reversal_id
    WHERE (r.amount_minor, r.currency, r.org_id) IS DISTINCT FROM (v.amount_minor, v.currency, v.org_id)
    UNION ALL
    SELECT NULL, r.payout_id, sum(r.amount_minor), coalesce(max(a.minor), 0)
    FROM billing.transfer_reversal r
    LEFT JOIN (SELECT payout_id, sum(amount_minor) AS minor FROM billing.statement_adjustment
               WHERE kind = 'returned' GROUP BY 1) a ON a.payout_id = r.payout_id
    WHERE r.state = 'succeeded' GROUP BY r.payout_id HAVING sum(r.amount_minor) > coalesce(max(a.minor), 0)
    """,
)

RULES = (OWN_ACCOUNT, REVERSED)
