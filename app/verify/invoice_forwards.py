"""Documents that were sent on: only what the organization that sent them may see itself."""

from __future__ import annotations

from app.verify.rule import Query

OWN = Query(
    "invoice_forwards.own",
    "转发的每一份票据都由转发组织开具或收到，且已有编号。",
    "Every document that was sent on was received or issued by whoever sent it, and has its number.",
    """
    SELECT f.id AS forward_id, f.org_id, x.invoice_id
    FROM billing.invoice_forward f CROSS JOIN LATERAL unnest(f.invoice_ids) AS x(invoice_id)
    LEFT JOIN billing.invoice i ON i.id = x.invoice_id AND f.org_id IN (i.buyer_org_id, i.seller_org_id)
    WHERE i.number IS NULL
    """,
)

RULES = (OWN,)
