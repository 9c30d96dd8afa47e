"""Coupons: what they take off is what they say, and no more of them are used than there are."""

from __future__ import annotations

from app.verify.rule import Query

WHOLE = """(
        SELECT l.id, l.order_id, l.seller_org_id, l.plan,
               coalesce(parts.list_minor, l.list_minor) AS list_minor,
               coalesce(parts.discount_minor, l.discount_minor) AS discount_minor
        FROM orders.order_line l
        CROSS JOIN LATERAL (SELECT sum(CAST(part->>'list_minor' AS bigint)) AS list_minor,
                                   sum(CAST(part->>'discount_minor' AS bigint)) AS discount_minor
                            FROM jsonb_array_elements(l.plan->'instalments') part) parts)"""
"""Lines with the amounts of their whole terms, where those are paid in instalments."""
LIMITS = Query(
    "coupons.limits",
    "每个优惠被占用的次数不超过总数，也不超过每个组织的次数。",
    "No more orders hold a coupon than it has uses, in all and for each organization.",
    """
    SELECT c.id AS coupon_id, c.most_uses, c.most_per_org, sum(u.held) AS held, max(u.held) AS held_by_one
    FROM orders.coupon c
    JOIN (SELECT coupon_id, buyer_org_id, count(*) AS held FROM orders.coupon_use
          WHERE released_at IS NULL GROUP BY coupon_id, buyer_org_id) u ON u.coupon_id = c.id
    GROUP BY c.id
    HAVING sum(u.held) > c.most_uses OR max(u.held) > c.most_per_org
    """,
)
LINES = Query(
    "coupons.lines",
    "每行的优惠额正是其优惠所给的；只有每期有效的优惠才用于续订。",
    "A line is reduced by what its coupon takes off, of its own seller; a renewal only by one for every term.",
    f"""
    SELECT l.id AS order_line_id, l.discount_minor, l.list_minor, c.percent_ppm, c.amount_minor
    FROM {WHOLE} l
    JOIN orders."order" o ON o.id = l.order_id
    LEFT JOIN orders.coupon c ON c.id = CAST(l.plan->>'coupon_id' AS uuid) AND c.seller_org_id = l.seller_org_id
    WHERE l.plan->>'coupon_id' IS NOT NULL
      AND (c.id IS NULL OR (o.subscription_id IS NOT NULL AND NOT c.every_term)
           OR l.plan->>'coupon_ppm' IS DISTINCT FROM CAST(c.percent_ppm AS text)
           OR CASE WHEN c.amount_minor IS NOT NULL THEN l.discount_minor > c.amount_minor
                   -- Rounded half up.
                   ELSE l.discount_minor <> div(CAST(l.list_minor AS numeric) * c.percent_ppm * 2 + 1000000, 2000000) END)
    """,  # noqa: S608 - every piece of it stands in this module
)
TAKEN = Query(
    "coupons.taken",
    "每笔使用的优惠额等于订单中由该优惠减免的各行之和，固定金额的优惠不多不少。",
    "A use takes off what the lines of its order say, and of a coupon over an amount that amount, or the whole price.",
    f"""
    SELECT order_id, coupon_id, u.discount_minor, l.discount_minor AS lines_minor
    FROM (SELECT l.order_id, CAST(l.plan->>'coupon_id' AS uuid) AS coupon_id,
                 sum(l.discount_minor) AS discount_minor, sum(l.list_minor) AS list_minor
          FROM {WHOLE} l JOIN orders."order" o ON o.id = l.order_id
          WHERE l.plan->>'coupon_id' IS NOT NULL AND o.subscription_id IS NULL
          GROUP BY 1, 2) l
    FULL JOIN orders.coupon_use u USING (order_id, coupon_id)
    LEFT JOIN orders.coupon c ON c.id = coupon_id
    WHERE u.discount_minor IS DISTINCT FROM l.discount_minor
       OR u.discount_minor NOT IN (c.amount_minor, l.list_minor)
    """,  # noqa: S608 - every piece of it stands in this module
)
GIVEN_BACK = Query(
    "coupons.given_back",
    "未付款而终止的订单归还其占用的优惠，其他订单继续占用。",
    "An order that ended unpaid gave its coupon back, and no other did.",
    """
    SELECT u.id AS use_id, u.released_at, o.id AS order_id, o.state
    FROM orders.coupon_use u JOIN orders."order" o ON o.id = u.order_id
    WHERE (u.released_at IS NOT NULL) <> (o.state IN ('rejected', 'expired', 'cancelled'))
    """,
)

RULES = (LIMITS, LINES, TAKEN, GIVEN_BACK)
