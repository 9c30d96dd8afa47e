"""Training: what counts as watched, and who is done."""

from __future__ import annotations

from app.verify.rule import Query

WATCHED = Query(
    "training.watched",
    "观看时长等于实际播放区间之和，区间互不重叠且不超出视频。",
    "What is watched is the sum of the spans that were played, which lie apart and within the video.",
    """
    SELECT w.id AS watched_id, w.watched_ms, s.played_ms, s.furthest_ms, v.duration_ms
    FROM marketplace.watched_video w
    JOIN marketplace.video v ON v.id = w.video_id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum((e.span ->> 1)::bigint - (e.span ->> 0)::bigint), 0) AS played_ms,
               coalesce(max((e.span ->> 1)::bigint), 0) AS furthest_ms,
               coalesce(bool_or(e.begins <= e.ended), false) AS overlap
        FROM (SELECT span, (span ->> 0)::bigint AS begins, lag((span ->> 1)::bigint) OVER (ORDER BY n) AS ended
              FROM jsonb_array_elements(w.spans) WITH ORDINALITY AS one(span, n)) e
    ) s
    WHERE w.watched_ms <> s.played_ms OR s.overlap OR w.watched_ms < 0
    """,
)
COMPLETED = Query(
    "training.completed",
    "成员完成培训，当且仅当其已完成其中每一个视频。",
    "A member is done with a training exactly when every video of it is completed.",
    """
    SELECT m.id AS training_member_id, m.completed_at, d.missing
    FROM marketplace.training_member m CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE w.completed_at IS NULL) AS missing
        FROM marketplace.training_video t
        LEFT JOIN marketplace.watched_video w
          ON w.org_id = t.org_id AND w.person_id = m.person_id AND w.video_id = t.video_id
        WHERE t.org_id = m.org_id AND t.training_id = m.training_id
    ) d
    WHERE (m.completed_at IS NOT NULL) <> (d.missing = 0)
    """,
)

RULES = (WATCHED, COMPLETED)
