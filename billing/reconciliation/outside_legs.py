"""The legs whose other side lies outside: what gateways and banks say of the money that they hold for the platform.

Both are stored by their owners (`billing/gateway_balances`, `billing/bank`), and only read here.
"""

from __future__ import annotations

from typing import Final

from billing.bank.models import BANK_TRANSFER
from billing.reconciliation.leg import ReconciliationLeg

_READ: Final = (
    f"SELECT gateway FROM billing.gateway_balance_reading WHERE read_at IS NOT NULL AND gateway <> '{BANK_TRANSFER}'"  # noqa: S608 - a constant
)
_SETTLED: Final = """
    least(:settled, (SELECT min(read_at) FROM billing.gateway_balance_reading WHERE read_at IS NOT NULL) - interval '10 minutes')
"""
_BOOKED: Final = f"""
    SELECT coalesce(f.payment_id, d.payment_id, o.subject) AS subject, g.currency::text, g.amount_minor, t.recorded_at
    FROM billing.ledger_account a
    JOIN billing.posting g ON g.account_id = a.id
    JOIN billing.ledger_transaction t ON t.id = g.transaction_id
    LEFT JOIN billing.incident i ON i.id = t.reference AND t.kind = 'incident'
    LEFT JOIN billing.gateway_balance_entry e ON e.id = i.subject_id AND i.kind IN ('balance_unknown', 'balance_differs')
    CROSS JOIN LATERAL (SELECT coalesce(e.subject_id, e.id, i.subject_id, t.reference) AS subject) o
    LEFT JOIN billing.refund f ON f.id = o.subject
    LEFT JOIN billing.dispute d ON d.id = o.subject
    WHERE a.kind = 'gateway_cash' AND a.gateway IN ({_READ})
"""  # noqa: S608 - a constant from above
"""What moved in our books of each gateway's cash, under the payment, payout or entry that it is about. A lost dispute leaves the
cash under the refund that it became, at the gateway under its own name: both are of one payment."""

GATEWAY_BALANCE: Final = ReconciliationLeg(
    "gateway_balance",
    expected=f"""
    SELECT 'movement' AS kind, subject::text, currency, amount_minor AS minor FROM ({_BOOKED}) b
    UNION ALL
    SELECT 'holding', gateway, currency::text, amount_minor - fee_minor
    FROM billing.gateway_balance_entry WHERE gateway IN ({_READ})
    """,  # noqa: S608 - pieces from above
    found=f"""
    SELECT 'movement' AS kind, coalesce(f.payment_id, d.payment_id, e.subject_id, e.id)::text AS subject, e.currency::text,
           e.amount_minor - e.fee_minor AS minor
    FROM billing.gateway_balance_entry e
    LEFT JOIN billing.refund f ON f.id = e.subject_id
    LEFT JOIN billing.dispute d ON d.id = e.subject_id
    WHERE e.booked_as IS NOT NULL
    UNION ALL
    SELECT 'holding', gateway, currency::text, available_minor + pending_minor
    FROM billing.gateway_holding WHERE gateway IN ({_READ})
    """,  # noqa: S608 - pieces from above
    # Our books know first; what moved since a gateway was last read is on its way.
    moving=f"""
    CASE k.kind
    WHEN 'holding' THEN EXISTS (
        SELECT 1 FROM billing.gateway_balance_entry e WHERE e.gateway = k.subject AND e.created_at > {_SETTLED})
    ELSE EXISTS (
        SELECT 1 FROM billing.ledger_transaction t
        WHERE t.recorded_at > {_SETTLED} AND (
            t.reference = k.subject::uuid
            OR t.reference IN (SELECT id FROM billing.refund WHERE payment_id = k.subject::uuid)
            OR t.reference IN (SELECT id FROM billing.dispute WHERE payment_id = k.subject::uuid)
            OR t.reference IN (SELECT id FROM billing.incident WHERE subject_id = k.subject::uuid)))
    END
    """,  # noqa: S608 - pieces from above
)
# What each imported file says of the account's balance was held against `balance_minor` when it was imported.
BANK: Final = ReconciliationLeg(
    "bank",
    expected="""
    SELECT 'line' AS kind, t.reference::text AS subject, g.currency::text, g.amount_minor AS minor
    FROM billing.ledger_account a
    JOIN billing.posting g ON g.account_id = a.id
    JOIN billing.ledger_transaction t ON t.id = g.transaction_id
    WHERE a.kind = 'gateway_cash' AND a.gateway LIKE 'bank:%'
    UNION ALL
    SELECT 'balance', substr(a.gateway, 6), a.currency::text, g.amount_minor
    FROM billing.ledger_account a JOIN billing.posting g ON g.account_id = a.id
    WHERE a.kind = 'gateway_cash' AND a.gateway LIKE 'bank:%'
    UNION ALL
    SELECT 'balance', code, currency::text, opening_minor FROM billing.bank_account WHERE opening_minor IS NOT NULL
    """,
    found="""
    SELECT 'line' AS kind, id::text AS subject, currency::text, amount_minor AS minor FROM billing.bank_line
    UNION ALL
    SELECT 'balance', code, currency::text, balance_minor FROM billing.bank_account
    """,
)
OUTSIDE: Final = (GATEWAY_BALANCE, BANK)
