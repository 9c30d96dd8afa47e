"""Announcements: each is in a thread once, for nobody who wanted none, and ended when it had gone to all."""

from __future__ import annotations

from app.verify.rule import Query

DELIVERED = Query(
    "announcements.delivered",
    "已送达的公告即双方对话中卖方的一条消息；已退订的组织此后不再收到。",
    "What was delivered is a message of the seller's in the thread of the two; whoever opted out before got none.",
    """
    SELECT d.id AS announcement_delivery_id, d.state, d.ended_at, m.side, o.created_at AS opted_out_at
    FROM orders.announcement_delivery d
    LEFT JOIN orders.conversation_message m ON m.id = d.message_id
    LEFT JOIN orders.announcement_opt_out o ON o.buyer_org_id = d.buyer_org_id AND o.seller_org_id = d.seller_org_id
    WHERE d.state = 'delivered'
      AND (m.side <> 'seller' OR m.buyer_org_id <> d.buyer_org_id OR m.seller_org_id <> d.seller_org_id
           OR o.created_at < d.ended_at)
    """,
)
COUNTED = Query(
    "announcements.counted",
    "公告的收件组织数与记录一致，全部处理后即结束。",
    "An announcement has as many deliveries as it says, and has ended when none of them waits any more.",
    """
    SELECT a.id AS announcement_id, a.state, a.recipients, f.deliveries, f.pending
    FROM orders.announcement a
    LEFT JOIN LATERAL (SELECT count(*) AS deliveries, count(*) FILTER (WHERE d.state = 'pending') AS pending
                       FROM orders.announcement_delivery d WHERE d.announcement_id = a.id) f ON true
    WHERE f.deliveries <> a.recipients OR (f.pending > 0) <> (a.state = 'sending')
    """,
)
RULES = (DELIVERED, COUNTED)
