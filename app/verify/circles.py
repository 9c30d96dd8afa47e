"""Circles: each has one owner who acts for it, and members of an internal one came from its company."""

from __future__ import annotations

from app.verify.rule import Query

OWNED = Query(
    "circles.owned",
    "每个圈子是圈子类组织，有一位圈主，且圈主正是该组织的所有者成员。",
    "Every circle is an organization of that kind and has one owner, who is the organization's owner as well.",
    """
    SELECT o.id AS circle_id, o.kind, c.kind AS circle_kind, m.person_id
    FROM marketplace.organization o
    FULL JOIN marketplace.circle c ON c.org_id = o.id
    LEFT JOIN marketplace.circle_member m ON m.org_id = c.org_id AND m.role = 'owner' AND m.state = 'active'
    WHERE (o.kind = 'circle') <> (c.org_id IS NOT NULL)
       OR (c.org_id IS NOT NULL AND NOT EXISTS (
           SELECT 1 FROM marketplace.member b
           WHERE b.org_id = c.org_id AND b.person_id = m.person_id AND b.state = 'active' AND 'owner' = ANY(b.roles)))
    """,
)
INTERNAL = Query(
    "circles.internal",
    "企业内部圈子的成员都以该企业的身份加入。",
    "Whoever is in an internal circle joined it for its company.",
    """
    SELECT c.org_id AS circle_id, m.id AS member_id, m.member_org_id
    FROM marketplace.circle c JOIN marketplace.circle_member m ON m.org_id = c.org_id
    WHERE c.kind = 'internal' AND m.member_org_id <> c.company_org_id
    """,
)
MARKED = Query(
    "circles.marked",
    "置顶只属于社群运营圈子且最多一条，待看清单只属于在线教学圈子且都有视频。",
    "A community has one post at most above the others, what a teaching circle lists has a video, and no other circle marks any.",
    """
    SELECT c.org_id AS circle_id, c.kind, count(*) AS marked
    FROM marketplace.circle c JOIN marketplace.circle_post p ON p.org_id = c.org_id AND p.marked_at IS NOT NULL
    GROUP BY c.org_id, c.kind
    HAVING c.kind NOT IN ('community', 'teaching') OR (c.kind = 'community' AND count(*) > 1)
        OR (c.kind = 'teaching' AND bool_or(p.video_id IS NULL))
    """,
)

SOLD = Query(
    "circles.sold",
    "以圈内优惠成交的订单，其归因都是该圈子。",
    "Whoever took what is offered to a circle bought through it.",
    """
    SELECT u.order_id, c.circle_id
    FROM orders.coupon_use u
    JOIN orders.coupon c ON c.seller_org_id = u.seller_org_id AND c.id = u.coupon_id
    WHERE c.circle_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM orders.order_line l JOIN orders.attribution a ON a.order_line_id = l.id
                      WHERE l.order_id = u.order_id AND a.circle_id = c.circle_id)
    """,
)

RULES = (OWNED, INTERNAL, MARKED, SOLD)
