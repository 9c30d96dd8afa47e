"""Cards that sell nothing: what the player shows of them, and what is kept of whoever answered."""

from __future__ import annotations

from app.verify.rule import Query

SHOWN = Query(
    "response_cards.shown",
    "播放器展示的互动卡片与视频上现有的卡片一致。",
    "What the player shows of a video's cards that sell nothing is what is on it.",
    """
    SELECT v.id AS video_id, v.response_cards AS shown, coalesce(c.cards, '[]') AS cards
    FROM marketplace.video v LEFT JOIN (
        SELECT video_id, jsonb_agg(jsonb_build_object(
            'id', id::text, 'kind', kind, 'start_ms', start_ms, 'end_ms', end_ms, 'title', title, 'title_en', title_en
        ) ORDER BY start_ms, id) AS cards
        FROM marketplace.response_card WHERE removed_at IS NULL GROUP BY video_id
    ) c ON c.video_id = v.id
    WHERE v.response_cards <> coalesce(c.cards, '[]')
    """,
)
ERASED = Query(
    "response_cards.erased",
    "答复中的个人信息到期即删除。",
    "What is personal in an answer is gone when the time is over for which it was given.",
    """
    SELECT id AS response_id, erase_at FROM marketplace.card_response WHERE erased_at IS NULL AND erase_at < :late
    """,
)

RULES = (SHOWN, ERASED)
