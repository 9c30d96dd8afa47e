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
    "归因于直播的每行，其商品在该场货架上，时间点不晚于直播结束，视频为该场视频（推流可无）；以直播价成交的订单都归因于该场直播。",
    "A line sold in a session is of its shelf and film (of a stream perhaps of none), not after its end; whoever took its live "
    "price was in its room.",
    """
    SELECT a.order_line_id, a.live_session_id, a.second_ms
    FROM orders.attribution a
    JOIN orders.order_line l ON l.id = a.order_line_id
    JOIN marketplace.live_session s ON s.id = a.live_session_id
    WHERE s.started_at IS NULL OR a.rule = 'none'
       OR (a.video_id IS DISTINCT FROM s.video_id AND NOT (s.stream_url IS NOT NULL AND a.video_id IS NULL))
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

TOUCHED = Query(
    "live.touched",
    "直播间的触点指向该场货架上的商品与其主办组织，时间点不晚于直播结束。",
    "A touchpoint of a room is of an item of its shelf and of its host, not after its end.",
    """
    SELECT t.id AS touchpoint_id, t.live_session_id, t.live_item_id, t.second_ms
    FROM marketplace.touchpoint t
    LEFT JOIN marketplace.live_item i ON i.id = t.live_item_id
    LEFT JOIN marketplace.live_session s ON s.id = i.session_id
    WHERE t.live_item_id IS NOT NULL
      AND ((t.live_session_id, t.channel_org_id) IS DISTINCT FROM (s.id, s.org_id) OR s.started_at IS NULL
           OR t.second_ms > ceil(extract(epoch FROM coalesce(s.ended_at, s.ends_at) - s.started_at) * 1000))
    """,
)

RULES = (EXPLAINED, SOLD, ASKED, TOUCHED)
