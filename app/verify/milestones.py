"""Services in milestones: what each costs, that it is released by its acceptance, and that none waits for ever."""

from __future__ import annotations

from app.verify.rule import Query, late, pending

PARTS = Query(
    "milestones.parts",
    "一个订单行的里程碑合计等于该行，编号从 1 起连续，且各按其金额扣费。",
    "The milestones of a line add up to it, are numbered from 1, and each was charged with its amounts.",
    """
    SELECT m.order_line_id, NULL::uuid AS milestone_id, sum(m.gross_minor) AS gross_minor, l.gross_minor AS other_minor
    FROM orders.milestone m JOIN orders.order_line l ON l.id = m.order_line_id
    GROUP BY m.order_line_id, l.id
    HAVING (sum(m.net_minor), sum(m.tax_minor), sum(m.gross_minor), max(m.position))
           IS DISTINCT FROM (l.net_minor, l.tax_minor, l.gross_minor, count(*))
    UNION ALL
    SELECT coalesce(m.order_line_id, c.reference), coalesce(m.id, c.part_reference), m.gross_minor, c.gross_minor
    FROM (SELECT * FROM orders.milestone WHERE gross_minor > 0) m
    FULL JOIN (SELECT * FROM billing.charge WHERE part_reference IS NOT NULL) c ON c.part_reference = m.id
    WHERE (m.order_line_id, m.order_id, m.net_minor, m.tax_minor, m.currency)
          IS DISTINCT FROM (c.reference, c.group_reference, c.net_minor, c.tax_minor, c.currency)
    """,
)
RELEASED = Query(
    "milestones.released",
    "里程碑的分成恰在其验收时开始保留期；未验收者一分不放。",
    "The hold of a milestone's shares begins with its acceptance; of no other milestone anything is released.",
    f"""
    SELECT s.id AS share_id, s.part_reference AS milestone_id, m.state, s.delivered_at, m.accepted_at
    FROM billing.share s JOIN orders.milestone m ON m.id = s.part_reference
    WHERE s.delivered_at IS DISTINCT FROM m.accepted_at AND NOT {pending("m.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
REFUNDED = Query(
    "milestones.refunded",
    "已取消的里程碑，其款项已退回或正在退回，银行拒付未决者除外。",
    "What was charged for a cancelled milestone has gone back or is on its way, unless a bank is deciding about it.",
    f"""
    SELECT m.id AS milestone_id, m.order_id, c.gross_minor, c.reserved_minor
    FROM orders.milestone m
    JOIN orders."order" o ON o.id = m.order_id
    JOIN billing.charge c ON c.part_reference = m.id
    WHERE m.state = 'cancelled' AND c.reserved_minor < c.gross_minor AND NOT {pending("o.id")}
      AND NOT EXISTS (SELECT 1 FROM billing.dispute d WHERE d.payment_id = o.payment_id AND d.state = 'open')
    """,  # noqa: S608 - (same)
)
TIMELY = Query(
    "milestones.timely",
    "没有里程碑等待超过其期限；订单等待卖方接单时待定，生效后进行，终止后不再等待。",
    "No milestone waits beyond its deadline, nor longer than its order, which is waiting for its seller, or active.",
    f"""
    SELECT m.id AS milestone_id, m.order_id, m.state, m.deadline_at, o.state AS order_state
    FROM orders.milestone m JOIN orders."order" o ON o.id = m.order_id
    WHERE NOT {pending("o.id")} AND (
        (m.state NOT IN ('accepted', 'cancelled') AND m.deadline_at < {late("m.buyer_org_id")} AND NOT EXISTS (
            SELECT 1 FROM billing.dispute d WHERE d.payment_id = o.payment_id AND d.state = 'open'))
        OR m.notice_at < {late("m.buyer_org_id")}
        OR CASE m.state
           WHEN 'pending' THEN o.state <> 'fulfilling'
           WHEN 'open' THEN o.state NOT IN ('fulfilling', 'active')
           WHEN 'accepted' THEN o.state NOT IN ('active', 'completed', 'refunded')
           WHEN 'cancelled' THEN false
           ELSE o.state <> 'active' END)
    """,  # noqa: S608 - (same)
)
RULES = (PARTS, RELEASED, REFUNDED, TIMELY)
