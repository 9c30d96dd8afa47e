"""Papers of purchases that are no invoices: receipts and pro-forma invoices."""

from __future__ import annotations

from app.verify.rule import Query

RECEIVED = Query(
    "papers.received",
    "收据只针对买方自己已收到的付款，形式发票只针对买方自己的报价与采购。",
    "Receipts are of payments that were received, pro-forma invoices of quotes and purchases, and each is its buyer's own.",
    """
    SELECT p.id AS paper_id, p.kind, p.subject_id FROM orders.sale_paper p
    WHERE CASE p.kind
        WHEN 'receipt' THEN NOT EXISTS (
            SELECT 1 FROM billing.payment x
            WHERE x.id = p.subject_id AND x.payer_org_id = p.buyer_org_id AND x.captured_at IS NOT NULL)
        WHEN 'purchase_pro_forma' THEN NOT EXISTS (
            SELECT 1 FROM orders.purchase x WHERE x.id = p.subject_id AND x.buyer_org_id = p.buyer_org_id)
        WHEN 'buyer_statement' THEN NOT EXISTS (
            SELECT 1 FROM orders.buyer_statement x WHERE x.id = p.subject_id AND x.buyer_org_id = p.buyer_org_id)
        -- Quotes that came to nothing are purged; what was drawn of them is kept.
        ELSE EXISTS (SELECT 1 FROM orders.quote x WHERE x.id = p.subject_id AND x.buyer_org_id <> p.buyer_org_id)
    END
    """,
)

CHAINED = Query(
    "papers.statements_chained",
    "买方月度对账单逐期相接：内容与其摘要一致，每期的链值由上期链值与内容摘要算得。",
    "Buyers' monthly statements follow each other: content, digest and chain agree, and each names the one before it.",
    """
    SELECT s.id AS statement_id, s.number FROM (
        SELECT x.*, lag(hash, 1, repeat('0', 64)) OVER (PARTITION BY buyer_org_id ORDER BY month) AS before
        FROM orders.buyer_statement x
    ) s
    WHERE s.content_sha256 <> encode(sha256(convert_to(s.content, 'UTF8')), 'hex')
       OR s.hash <> encode(sha256(convert_to(s.previous_hash || s.content_sha256, 'UTF8')), 'hex')
       OR s.previous_hash <> s.before
    """,
)

RULES = (RECEIVED, CHAINED)
