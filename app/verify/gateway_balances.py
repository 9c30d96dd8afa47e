"""The gateways' own books beside ours: what they kept and exchanged is booked, and nothing of theirs is left out."""

from __future__ import annotations

from app.verify.rule import Query

BOOKED_BALANCE = """
    SELECT gateway, id, 'fee' AS what, 'gateway_fee' AS kind, currency, -fee_minor AS minor
    FROM billing.gateway_balance_entry
    WHERE booked_as IN ('own', 'bank', 'cost') AND kind NOT IN ('dispute', 'dispute_returned') AND fee_minor <> 0
    UNION ALL SELECT gateway, id, 'moved', 'gateway_' || kind, currency, amount_minor
    FROM billing.gateway_balance_entry WHERE booked_as IN ('bank', 'cost') AND amount_minor <> 0
    UNION ALL SELECT gateway, id, 'out_of', 'gateway_exchange', presented_currency, -presented_minor
    FROM billing.gateway_balance_entry WHERE booked_as = 'own' AND presented_currency <> currency AND presented_minor <> 0
    UNION ALL SELECT gateway, id, 'into', 'gateway_exchange', currency, amount_minor
    FROM billing.gateway_balance_entry WHERE booked_as = 'own' AND presented_currency <> currency AND amount_minor <> 0
"""
"""What entries have moved in `gateway_cash` beside the rows they belong to. The fee of a dispute is the dispute's."""

BOOKED = Query(
    "gateway_balances.booked",
    "渠道余额每笔变动的手续费、换汇与银行划转，各恰有一笔账务交易，金额一致。",
    "Fee, exchange and bank transfer of every movement of a gateway's balance stand in the books once, with their amounts.",
    f"""
    WITH expected AS (
        SELECT 'balance:' || id || '\\:' || what AS business_key, currency, minor FROM ({BOOKED_BALANCE}) b
    ), booked AS (
        SELECT t.business_key, p.currency, sum(p.amount_minor) AS minor
        FROM billing.ledger_transaction t JOIN billing.posting p ON p.transaction_id = t.id
        JOIN billing.ledger_account a ON a.id = p.account_id
        WHERE t.kind IN ('gateway_fee', 'gateway_bank', 'gateway_cost', 'gateway_exchange') AND a.kind = 'gateway_cash'
        GROUP BY t.id, p.currency
    )
    SELECT business_key, e.minor AS expected_minor, b.minor AS booked_minor
    FROM expected e FULL JOIN booked b USING (business_key, currency) WHERE e.minor IS DISTINCT FROM b.minor
    """,  # noqa: S608 - every piece of it stands in this module
)
KNOWN = Query(
    "gateway_balances.known",
    "渠道余额的每笔变动都在一天之内记入账簿，或成为待处理的异常。",
    "Every movement of a gateway's balance is in the books within a day, or is an incident for a person.",
    """
    SELECT e.id AS entry_id, e.gateway, e.reference, e.kind, e.currency, e.amount_minor - e.fee_minor AS net_minor
    FROM billing.gateway_balance_entry e
    WHERE (e.booked_as IS NULL AND e.created_at < :now - interval '1 day')
       OR (e.booked_as = 'foreign' AND e.amount_minor <> e.fee_minor AND NOT EXISTS (
               SELECT 1 FROM billing.incident i WHERE i.subject_id = e.id AND i.kind = 'balance_unknown'))
    """,
)

RULES = (BOOKED, KNOWN)
