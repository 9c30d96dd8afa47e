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

RULES = (EXPLAINED,)
