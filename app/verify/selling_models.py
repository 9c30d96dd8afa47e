"""Who sold a line to the buyer: frozen with it, and followed by its charge, its tax and its documents."""

from __future__ import annotations

from app.verify.rule import Query

FROZEN = Query(
    "lines.selling_model",
    "每个订单行的销售方式与其商品版本一致，同一订单各行相同，扣费与待开票记录亦随之。",
    "A line was sold as its version of the listing says, all lines of an order alike, and its charge and what waits to be "
    "invoiced say the same.",
    """
    SELECT l.id AS order_line_id, l.selling_model, v.selling_model AS of_version, c.selling_model AS of_charge
    FROM orders.order_line l
    JOIN orders."order" o ON o.id = l.order_id
    LEFT JOIN marketplace.listing_version v ON v.id = l.listing_version_id
    LEFT JOIN billing.charge c ON c.reference = l.id
    LEFT JOIN orders.unbilled_order u ON u.order_id = l.order_id
    WHERE l.selling_model IS DISTINCT FROM v.selling_model
       OR (c.id IS NOT NULL AND (c.selling_model, c.supply_tax_rate_ppm, c.supply_tax_category)
           IS DISTINCT FROM (l.selling_model, l.supply_tax_rate_ppm, l.supply_tax_category))
       OR (u.id IS NOT NULL AND u.selling_model <> l.selling_model)
       OR o.selling_model <> l.selling_model
    """,
)
ISSUED_BY = Query(
    "invoices.issued_by",
    "经销行的发票与红字单据由平台开具，代理行的由其卖方开具。",
    "What the platform sold is invoiced and credited by the platform, and everything else by its seller.",
    """
    SELECT i.id AS invoice_id, i.number, i.kind, l.reference AS order_line_id, x.selling_model, i.seller_org_id
    FROM billing.invoice i
    JOIN billing.invoice_line l ON l.invoice_id = i.id
    JOIN orders.order_line x ON x.id = l.reference
    JOIN marketplace.organization o ON o.is_platform
    WHERE i.kind IN ('invoice', 'credit_note')
      AND i.seller_org_id <> CASE x.selling_model WHEN 'reseller' THEN o.id ELSE x.seller_org_id END
    """,
)
SUPPLIED = Query(
    "statements.supplied",
    "平台经销的分成在卖方结算单上按供货列示，不计佣金；其余按销售列示。",
    "On its seller's statement what the platform sold is a supply, of which no commission is taken; everything else is a sale.",
    """
    SELECT l.id AS statement_line_id, l.kind, l.commission_minor, l.promoter_minor, c.selling_model
    FROM billing.statement_line l
    JOIN billing.share s ON s.id = l.share_id AND s.kind = 'seller'
    JOIN billing.charge c ON c.id = s.charge_id
    WHERE (l.kind IN ('supply', 'supply_refund')) <> (c.selling_model = 'reseller')
       OR (c.selling_model = 'reseller' AND (l.commission_minor <> 0 OR l.promoter_minor <> 0))
    """,
)
RULES = (FROZEN, ISSUED_BY, SUPPLIED)
