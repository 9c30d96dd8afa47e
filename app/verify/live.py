"""Live sessions: one item is explained at a time, while the session runs, and within it."""

from __future__ import annotations

from app.verify.rule import Query

EXPLAINED = Query(
    "live.explained",
    "直播中的讲解时段互不重叠，不超出直播时长；只有直播中的场次才有正在讲解的商品，且该商品仍在货架上。",
    "What was explained in a session follows one another within it; one is explained now only while it runs, from its shelf.",
    """
    SELECT e.id AS explanation_id, e.session_id, e.from_ms, e.to_ms, s.state
    FROM marketplace.live_explanation e
    JOIN marketplace.live_session s ON s.id = e.session_id
    JOIN marketplace.live_item i ON i.id = e.item_id
    WHERE s.started_at IS NULL
       OR (e.to_ms IS NULL AND (s.state <> 'live' OR i.removed_at IS NOT NULL))
       OR coalesce(e.to_ms, e.from_ms)
          > ceil(extract(epoch FROM coalesce(s.ended_at, s.ends_at) - s.started_at) * 1000)
       OR EXISTS (SELECT 1 FROM marketplace.live_explanation n
                  WHERE n.session_id = e.session_id AND n.id <> e.id
                    AND n.from_ms < coalesce(e.to_ms, 9223372036854775807)
                    AND e.from_ms < coalesce(n.to_ms, 9223372036854775807))
    """,
)

SOLD = Query(
    "live.sold",
    "归因于直播的每行，其商品在该场货架上，时间点不晚于直播结束；以直播价成交的订单都归因于该场直播。",
    "A line sold in a session is of its shelf and film, not after its end; whoever took its live price was in its room.",
    """
    SELECT a.order_line_id, a.live_session_id, a.second_ms
    FROM orders.attribution a
    JOIN orders.order_line l ON l.id = a.order_line_id
    JOIN marketplace.live_session s ON s.id = a.live_session_id
    WHERE s.started_at IS NULL OR a.video_id IS DISTINCT FROM s.video_id OR a.rule <> 'context'
       OR a.second_ms > ceil(extract(epoch FROM coalesce(s.ended_at, s.ends_at) - s.started_at) * 1000)
       OR NOT EXISTS (SELECT 1 FROM marketplace.live_item i WHERE i.session_id = s.id AND i.listing_id = l.listing_id)
    UNION ALL
    SELECT u.order_id, c.live_session_id, NULL
    FROM orders.coupon_use u
    JOIN orders.coupon c ON c.id = u.coupon_id
    WHERE c.live_session_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM orders.order_line l JOIN orders.attribution a ON a.order_line_id = l.id
                      WHERE l.order_id = u.order_id AND a.live_session_id = c.live_session_id)
    """,
)

ASKED = Query(
    "live.asked",
    "直播间的提问不晚于直播结束；回答发生在提问之后、直播结束之前，且已回答的提问展示过。",
    "What was asked in a room was asked before its end, answered after it was asked and within the session, and then shown.",
    """
    SELECT q.id AS question_id, q.session_id, q.asked_ms, q.answered_ms
    FROM marketplace.live_question q
    JOIN marketplace.live_session s ON s.id = q.session_id
    WHERE (q.asked_ms > 0 AND s.started_at IS NULL)
       OR greatest(q.asked_ms, q.answered_ms)
          > ceil(extract(epoch FROM coalesce(s.ended_at, s.ends_at) - s.started_at) * 1000)
       OR q.answered_ms < q.asked_ms
       OR (q.answered_at IS NOT NULL AND q.shown_at IS NULL)
    """,
)

RULES = (EXPLAINED, SOLD, ASKED)
