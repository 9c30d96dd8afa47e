"""What dealers order for end customers: used by whom the order names, all of it, and by nobody else."""

from __future__ import annotations

from app.verify.rule import Query

USED_BY = Query(
    "end_customers.used_by",
    "为终端客户订购的权益属于订单所指的、已确认的终端客户：未终止时其全部席位归该组织，且只归该组织。",
    "What is ordered for an end customer is used by the one that its order names and that confirmed it: while it has not ended, "
    "all its seats are that organization's, and nobody else's.",
    """
    SELECT e.id AS entitlement_id, o.id AS order_id, o.end_customer_id AS ordered_for, e.end_customer_id AS used_by,
           a.org_id AS allocated_to
    FROM fulfillment.entitlement e
    JOIN orders."order" o ON o.id = e.group_reference
    LEFT JOIN marketplace.end_customer c ON c.id = e.end_customer_id
    LEFT JOIN fulfillment.seat_allocation a ON a.entitlement_id = e.id AND a.ended_at IS NULL
    WHERE e.end_customer_id IS DISTINCT FROM o.end_customer_id
       OR (e.end_customer_id IS NULL AND a.end_customer_id IS NOT NULL)
       OR (e.end_customer_id IS NOT NULL
           AND (c.confirmed_at IS NULL OR (e.state = 'ended') <> (a.id IS NULL)
                OR (a.id IS NOT NULL
                    AND (a.end_customer_id IS DISTINCT FROM e.end_customer_id OR a.seats <> e.seats))))
    """,
)

IN_TERRITORY = Query(
    "end_customers.in_territory",
    "为终端客户订购的订单行，其所在地区在当时卖方给予经销商的区域之内。",
    "What was ordered for an end customer under a territory is for one whose region lies in it, of that seller and that dealer.",
    """
    SELECT l.id AS order_line_id, t.id AS territory_id, l.plan->'end_customer'->>'region' AS region
    FROM orders.order_line l
    LEFT JOIN marketplace.partner_territory t ON t.id = (l.plan->'end_customer'->>'territory_id')::uuid
    WHERE l.plan->'end_customer'->>'territory_id' IS NOT NULL
      AND (t.id IS NULL OR t.seller_org_id <> l.seller_org_id OR t.buyer_org_id <> l.buyer_org_id
           OR NOT t.regions && ARRAY[l.plan->'end_customer'->>'region',
                                     split_part(l.plan->'end_customer'->>'region', '-', 1)])
    """,
)

RULES = (USED_BY, IN_TERRITORY)
