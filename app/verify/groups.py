"""Groups of organizations: two levels at any moment."""

from __future__ import annotations

from app.verify.rule import Query

TWO_LEVELS = Query(
    "groups.two_levels",
    "任一时刻，一个组织最多属于一个总部；有总部的组织不是他人的总部。",
    "At any moment an organization has one headquarters at most, and whoever has one is nobody's.",
    """
    SELECT a.id AS membership_id, b.id AS other_id, a.accepted_at, b.ended_at
    FROM marketplace.group_membership a
    JOIN marketplace.group_membership b
      ON b.id <> a.id AND (b.org_id = a.org_id OR b.hq_org_id = a.org_id)
     AND b.accepted_at < coalesce(a.ended_at, 'infinity') AND a.accepted_at < coalesce(b.ended_at, 'infinity')
    """,
)

RULES = (TWO_LEVELS,)
