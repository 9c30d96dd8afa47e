"""Order sheets: what was ordered is what its lines say, no more and no less."""

from __future__ import annotations

from app.verify.rule import Query

ORDERED = Query(
    "order_sheets.ordered",
    "已下单的订货单，其采购各规格的数量等于未剔除各行之和，且采购属于同一买方。",
    "The purchases of an ordered sheet are its buyer's, and order of each plan as many as the sheet's lines say together.",
    """
    WITH said AS (
        SELECT s.id, CAST(one->>'plan_id' AS uuid) AS plan_id,
               SUM(CAST(split_part(CAST(normalize(one->>'quantity', NFKC) AS text), '.', 1) AS bigint)) AS quantity
        FROM orders.order_sheet s CROSS JOIN LATERAL jsonb_array_elements(s.rows) one
        WHERE s.state = 'ordered' AND COALESCE(one->>'left_out', 'false') <> 'true'
        GROUP BY s.id, one->>'plan_id'
    ), bought AS (
        SELECT s.id, l.plan_id, SUM(l.quantity) AS quantity
        FROM orders.order_sheet s
        JOIN orders.purchase p ON p.id = ANY (s.purchase_ids) AND p.buyer_org_id = s.buyer_org_id
        JOIN orders."order" o ON o.purchase_id = p.id
        JOIN orders.order_line l ON l.order_id = o.id
        WHERE s.state = 'ordered'
        GROUP BY s.id, l.plan_id
    )
    SELECT COALESCE(said.id, bought.id) AS order_sheet_id, COALESCE(said.plan_id, bought.plan_id) AS plan_id,
           said.quantity AS said, bought.quantity AS bought
    FROM said FULL JOIN bought ON bought.id = said.id AND bought.plan_id = said.plan_id
    WHERE said.quantity IS DISTINCT FROM bought.quantity
    """,
)

RULES = (ORDERED,)
