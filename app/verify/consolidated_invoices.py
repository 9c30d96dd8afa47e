"""Consolidated monthly invoices: what is on them, what waits for one, and what is never on any."""

from __future__ import annotations

from app.verify.rule import Query, late

CONSOLIDATED = Query(
    "invoices.consolidated",
    "月度合并发票逐行等于其订单的订单行减去开票前已退的部分，每行恰在一张发票上，订单号一致。",
    "A consolidated invoice has each line of its orders once, less what went back before it, under that order's number.",
    """
    WITH back AS (
        SELECT c.reference AS line_id, sum(r.net_minor) AS net, sum(r.tax_minor) AS tax, sum(r.gross_minor) AS gross
        FROM orders.unbilled_order u
        JOIN billing.charge c ON c.group_reference = u.order_id
        JOIN billing.refund_line r ON r.charge_id = c.id AND r.refund_id = ANY(u.deducted)
        GROUP BY 1
    ), sold AS (
        SELECT u.reference, u.order_id, o.number, u.month, u.currency, l.id AS line_id, l.tax_rate_ppm,
               l.net_minor - coalesce(b.net, 0) AS net, l.tax_minor - coalesce(b.tax, 0) AS tax,
               l.gross_minor - coalesce(b.gross, 0) AS gross
        FROM orders.unbilled_order u
        JOIN orders."order" o ON o.id = u.order_id
        JOIN orders.order_line l ON l.order_id = u.order_id
        LEFT JOIN back b ON b.line_id = l.id
        WHERE u.reference IS NOT NULL AND (l.gross_minor = 0 OR l.gross_minor > coalesce(b.gross, 0))
    ), billed AS (
        SELECT i.id AS invoice_id, i.reference, l.order_id, l.order_number AS number, i.month, i.currency,
               l.reference AS line_id, l.tax_rate_ppm, l.net_minor AS net, l.tax_minor AS tax, l.gross_minor AS gross
        FROM billing.invoice i JOIN billing.invoice_line l ON l.invoice_id = i.id
        WHERE i.month IS NOT NULL AND i.kind = 'invoice' AND i.corrects_invoice_id IS NULL
    )
    SELECT coalesce(s.order_id, b.order_id) AS order_id, b.invoice_id, s.gross, b.gross AS billed_gross
    FROM sold s FULL JOIN billed b ON b.line_id = s.line_id
    WHERE (s.reference, s.order_id, s.number, s.month, s.currency, s.tax_rate_ppm, s.net, s.tax, s.gross)
          IS DISTINCT FROM (b.reference, b.order_id, b.number, b.month, b.currency, b.tax_rate_ppm, b.net, b.tax, b.gross)
    UNION ALL
    SELECT u.order_id, CAST(min(CAST(i.id AS text)) AS uuid), sum(l.gross_minor), count(*)
    FROM orders.unbilled_order u
    JOIN orders.order_line x ON x.order_id = u.order_id
    JOIN billing.invoice_line l ON l.reference = x.id
    JOIN billing.invoice i ON i.id = l.invoice_id AND i.kind = 'invoice' AND i.superseded_at IS NULL
    GROUP BY u.order_id, x.id HAVING count(*) > 1
    """,
)
WAITING = Query(
    "invoices.waiting",
    "等待月度合并开票的订单都在其开票时间之前；结清而未开票的，已全部退还。",
    "No order waits past the run of its month, and one that was settled without an invoice has gone back as a whole.",
    f"""
    SELECT u.order_id, u.month, u.due_at, u.settled_at FROM orders.unbilled_order u
    JOIN orders."order" o ON o.id = u.order_id
    WHERE (u.settled_at IS NULL AND u.due_at < {late("u.buyer_org_id")})
       OR (u.settled_at IS NOT NULL AND u.reference IS NULL AND o.gross_minor <> (
               SELECT coalesce(sum(r.gross_minor), 0) FROM billing.refund_line r WHERE r.refund_id = ANY(u.deducted)))
    """,  # noqa: S608 - every piece of it stands in this module
)

RULES = (CONSOLIDATED, WAITING)
