"""The legs that are compared today. Another is one more `ReconciliationLeg`, here or on the floor that owns what it reads
(`register_leg`), with a word in the pages' texts.

Of each, `expected` is what the product's own rows say, and `found` what stands beside them.
"""

from __future__ import annotations

from typing import Final

from billing.gateways.sandbox import NAME as SANDBOX
from billing.reconciliation.leg import ReconciliationLeg
from billing.reconciliation.outside_legs import OUTSIDE

GATEWAY: Final = ReconciliationLeg(
    "gateway_sandbox",
    expected=f"""
    SELECT 'payment' AS kind, gateway_reference AS subject, currency::text, amount_minor - credit_minor AS minor
    FROM billing.payment WHERE gateway = '{SANDBOX}' AND state = 'succeeded'
    UNION ALL
    SELECT 'refund', r.gateway_reference, r.currency::text, r.amount_minor - r.credit_minor
    FROM billing.refund r JOIN billing.payment p ON p.id = r.payment_id
    WHERE p.gateway = '{SANDBOX}' AND r.state = 'succeeded' AND r.origin IN ('request', 'gateway')
      AND r.amount_minor > r.credit_minor
    UNION ALL
    SELECT 'payout', gateway_reference, currency::text, amount_minor
    FROM billing.payout WHERE gateway = '{SANDBOX}' AND state = 'paid'
    UNION ALL
    SELECT 'dispute', gateway_reference, currency::text, amount_minor FROM billing.dispute WHERE gateway = '{SANDBOX}'
    UNION ALL
    SELECT CASE split_part(gateway_reference, '_', 2) WHEN 'pay' THEN 'payment' WHEN 'ref' THEN 'refund' ELSE 'payout' END,
           gateway_reference, currency::text, amount_minor
    FROM billing.incident WHERE gateway = '{SANDBOX}' AND kind = 'late_success'
    """,  # noqa: S608 - a constant of the gateway
    found="""
    SELECT kind, reference AS subject, currency::text, amount_minor AS minor
    FROM billing.sandbox_operation WHERE state = 'succeeded' OR kind = 'dispute'
    """,
    # A gateway knows first; what it told a moment ago is on its way to us.
    moving="EXISTS (SELECT 1 FROM billing.sandbox_operation o WHERE o.reference = k.subject AND o.changed_at > :settled)",
)
LEDGER: Final = ReconciliationLeg(
    "ledger",
    expected="""
    SELECT 'payment' AS kind, id::text AS subject, currency::text, amount_minor - credit_minor AS minor
    FROM billing.payment WHERE state IN ('succeeded', 'reversed')
    UNION ALL
    SELECT 'charge', id::text, currency::text, gross_minor FROM billing.charge
    UNION ALL
    SELECT 'refund', id::text, currency::text, credit_minor - amount_minor FROM billing.refund WHERE state = 'succeeded'
    UNION ALL
    SELECT 'payout', id::text, currency::text, -amount_minor FROM billing.payout WHERE state = 'paid'
    UNION ALL
    SELECT 'payout', payout_id::text, currency::text, amount_minor FROM billing.statement_adjustment WHERE kind = 'returned'
    UNION ALL
    SELECT 'party_pending', org_id::text, currency::text, amount_minor - reversed_minor
    FROM billing.share WHERE kind <> 'commission' AND state = 'pending'
    UNION ALL
    SELECT 'party_available', org_id::text, currency::text, amount_minor - reversed_minor
    FROM billing.share WHERE kind <> 'commission' AND state IN ('releasable', 'in_statement', 'paid')
    UNION ALL
    SELECT 'party_available', org_id::text, currency::text, -amount_minor
    FROM billing.payout WHERE state NOT IN ('failed', 'returned')
    UNION ALL
    SELECT 'party_available', org_id::text, currency::text, amount_minor
    FROM billing.statement_adjustment WHERE kind = 'returned'
    UNION ALL
    SELECT 'commission', org_id::text, currency::text, amount_minor - reversed_minor
    FROM billing.share WHERE kind = 'commission'
    UNION ALL
    SELECT 'tax_payable', i.id::text, c.currency::text, c.tax_minor - coalesce((
        SELECT sum(l.tax_minor) FROM billing.refund_line l JOIN billing.refund r ON r.id = l.refund_id
        WHERE l.charge_id = c.id AND r.state IN ('succeeded', 'returned', 'resending', 'settled')), 0)
    FROM billing.charge c JOIN marketplace.organization i ON i.is_platform WHERE c.selling_model = 'reseller'
    """,
    found="""
    SELECT CASE WHEN t.kind IN ('payment', 'charge') THEN t.kind WHEN t.kind LIKE 'refund%' THEN 'refund' ELSE 'payout' END
               AS kind, t.reference::text AS subject, g.currency::text, g.amount_minor AS minor
    FROM billing.ledger_transaction t
    JOIN billing.posting g ON g.transaction_id = t.id
    JOIN billing.ledger_account a ON a.id = g.account_id
    WHERE (a.kind IN ('gateway_cash', 'receivable')
           AND t.kind IN ('payment', 'refund', 'refund_returned', 'refund_resent', 'payout_paid',
                                                  'payout_returned', 'payout_partly_returned'))
       OR (a.kind = 'buyer_credit' AND t.kind = 'charge')
    UNION ALL
    SELECT a.kind, a.org_id::text, a.currency::text, -g.minor
    FROM billing.ledger_account a
    JOIN (SELECT account_id, sum(amount_minor) AS minor FROM billing.posting GROUP BY 1) g ON g.account_id = a.id
    WHERE a.kind IN ('party_pending', 'party_available', 'commission', 'tax_payable')
    """,
)
STATEMENTS: Final = ReconciliationLeg(
    "statements",
    expected="""
    SELECT 'statement' AS kind, statement_id::text AS subject, currency::text, amount_minor AS minor
    FROM billing.share WHERE statement_id IS NOT NULL AND kind <> 'commission'
    UNION ALL
    SELECT 'statement', statement_id::text, currency::text, -amount_minor
    FROM billing.share_reversal WHERE statement_id IS NOT NULL
    UNION ALL
    SELECT 'statement', statement_id::text, currency::text, amount_minor
    FROM billing.statement_adjustment WHERE statement_id IS NOT NULL
    UNION ALL
    SELECT 'statement', id::text, currency::text, carried_minor + commission_tax_minor FROM billing.statement
    UNION ALL
    SELECT 'statement_lines', id::text, currency::text,
           net_minor - carried_minor - commission_tax_minor - adjustments_minor FROM billing.statement
    UNION ALL
    SELECT 'payout', p.id::text, s.currency::text, s.net_minor
    FROM billing.payout p JOIN billing.statement s ON s.id = p.statement_id
    """,
    found="""
    SELECT 'statement' AS kind, id::text AS subject, currency::text, net_minor AS minor FROM billing.statement
    UNION ALL
    SELECT 'statement_lines', statement_id::text, currency::text, net_minor FROM billing.statement_line
    UNION ALL
    SELECT 'payout', id::text, currency::text, amount_minor FROM billing.payout
    UNION ALL
    SELECT 'payout', p.id::text, p.currency::text, a.amount_minor
    FROM billing.statement_adjustment a
    JOIN billing.payout o ON o.id = a.payout_id
    JOIN billing.payout p ON p.statement_id = o.statement_id
    WHERE a.kind = 'disputed' AND (p.id = o.id OR (o.id < p.id AND a.statement_id IS NOT NULL))
    """,
)
_OF_OTHERS: Final[dict[str, ReconciliationLeg]] = {}


def register_leg(leg: ReconciliationLeg) -> None:
    """Compare a leg that reads what a higher floor owns, too."""
    _OF_OTHERS[leg.name] = leg


def legs() -> tuple[ReconciliationLeg, ...]:
    """All of them."""
    return (GATEWAY, LEDGER, *_OF_OTHERS.values(), STATEMENTS, *OUTSIDE)
