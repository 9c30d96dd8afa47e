"""Courses: what is sold stays closed, and progress is of those who might watch."""

from __future__ import annotations

from app.verify.rule import Query

HELD = Query(
    "courses.progress_held",
    "学习进度只属于当时可观看的成员：席位在其手中，权益在有效期内，课程就是所购商品。",
    "Progress is of members who might watch then: by a seat that they held, of the product that was bought, within its validity.",
    """
    SELECT p.id AS progress_id, p.entitlement_id, p.seat_id, p.changed_at
    FROM fulfillment.episode_progress p
    JOIN fulfillment.entitlement e ON e.id = p.entitlement_id
    LEFT JOIN fulfillment.seat s ON s.id = p.seat_id
    WHERE e.listing_id <> p.listing_id OR p.changed_at < e.valid_from OR p.changed_at > e.valid_to
       OR p.changed_at < s.assigned_at OR p.changed_at > s.revoked_at OR p.completed_at > p.changed_at
    """,
)
CLOSED = Query(
    "courses.closed",
    "课程中非免费试看的视频仅卖方组织内部可见。",
    "A video that a course sells is seen by nobody but its own organization, free previews aside.",
    """
    SELECT c.listing_id, c.video_id, v.visibility
    FROM marketplace.course_episode c JOIN marketplace.video v ON v.id = c.video_id
    WHERE NOT c.is_preview AND v.visibility <> 'internal'
    """,
)

RULES = (HELD, CLOSED)
