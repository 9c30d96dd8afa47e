"""Documents against charges and refunds: a leg of the reconciliation that knows which orders wait for their month's invoice."""

from __future__ import annotations

from typing import Final

from billing.reconciliation.leg import ReconciliationLeg
from billing.reconciliation.legs import register_leg

UNDONE: Final = "('succeeded', 'returned', 'resending', 'settled')"
"""States of a refund whose sale is undone, as SQL."""

DOCUMENTS: Final = ReconciliationLeg(
    "documents",
    expected=f"""
    SELECT 'invoice_line' AS kind, c.reference::text AS subject, c.currency::text, c.gross_minor AS minor
    FROM billing.charge c
    WHERE NOT EXISTS (SELECT 1 FROM orders.unbilled_order u WHERE u.order_id = c.group_reference)
      AND (EXISTS (SELECT 1 FROM billing.invoice i WHERE i.kind = 'invoice' AND i.reference = c.group_reference)
           OR EXISTS (SELECT 1 FROM billing.share s WHERE s.charge_id = c.id AND s.delivered_at < :settled))
    UNION ALL
    -- What is on its month's invoice, or should be by now, less what had gone back before; nothing of what all did.
    SELECT kind, subject, currency, minor FROM (
        SELECT 'invoice_line' AS kind, c.reference::text AS subject, c.currency::text,
               c.gross_minor - coalesce((SELECT sum(l.gross_minor) FROM billing.refund_line l
                                         WHERE l.charge_id = c.id AND l.refund_id = ANY(u.deducted)), 0) AS minor
        FROM orders.unbilled_order u JOIN billing.charge c ON c.group_reference = u.order_id
        WHERE u.reference IS NOT NULL OR (u.settled_at IS NULL AND u.due_at < :settled)
    ) of_months WHERE minor <> 0
    UNION ALL
    SELECT 'credit_note', r.id::text, l.currency::text, l.gross_minor
    FROM billing.refund r JOIN billing.refund_line l ON l.refund_id = r.id
    LEFT JOIN orders.unbilled_order u ON u.order_id = r.reference
    WHERE r.state IN {UNDONE}
      AND CASE WHEN u.id IS NULL
          THEN EXISTS (SELECT 1 FROM billing.invoice i WHERE i.kind = 'invoice' AND i.reference = r.reference)
          ELSE u.reference IS NOT NULL AND r.id <> ALL(u.deducted) END
    UNION ALL
    SELECT 'commission_invoice', commission_invoice_id::text, currency::text, -commission_minor
    FROM billing.statement WHERE commission_invoice_id IS NOT NULL
    """,  # noqa: S608 - states from above
    found="""
    SELECT 'invoice_line' AS kind, l.reference::text AS subject, i.currency::text, l.gross_minor AS minor
    FROM billing.invoice i JOIN billing.invoice_line l ON l.invoice_id = i.id
    -- What stands in another's place with another title has only what that one has.
    WHERE i.kind = 'invoice' AND i.corrects_invoice_id IS NULL
    UNION ALL
    SELECT 'credit_note', refund_id::text, currency::text, gross_minor
    FROM billing.invoice WHERE kind = 'credit_note' AND refund_id IS NOT NULL
    UNION ALL
    SELECT 'commission_invoice', id::text, currency::text, gross_minor FROM billing.invoice WHERE kind = 'commission_invoice'
    """,
)

register_leg(DOCUMENTS)
