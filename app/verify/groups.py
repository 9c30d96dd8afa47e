"""Groups of organizations: two levels at any moment, and seats that are allocated once."""

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
ALLOCATED = Query(
    "seats.allocated",
    "分配的席位等于各子公司在用分配之和；每项分配的已用数等于其在用席位；分配只在集团关系有效且权益未终止时存在。",
    "Seats allocated are the sum of what subsidiaries have, each uses as many as are held, while group and entitlement stand.",
    """
    SELECT e.id AS entitlement_id, CAST(NULL AS uuid) AS allocation_id, e.seats_allocated AS counted, sum(a.seats) AS found
    FROM fulfillment.entitlement e
    LEFT JOIN fulfillment.seat_allocation a ON a.entitlement_id = e.id AND a.ended_at IS NULL
    GROUP BY e.id HAVING e.seats_allocated <> coalesce(sum(a.seats), 0)
    UNION ALL
    SELECT a.entitlement_id, a.id, a.seats_used, s.held
    FROM fulfillment.seat_allocation a
    JOIN fulfillment.entitlement e ON e.id = a.entitlement_id
    LEFT JOIN marketplace.group_membership m ON m.id = a.membership_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS held FROM fulfillment.allocated_seat s WHERE s.allocation_id = a.id AND s.revoked_at IS NULL
    ) s
    WHERE a.seats_used <> s.held OR (a.ended_at IS NULL AND (coalesce(m.state, 'active') <> 'active' OR e.state = 'ended'))
    """,
)

RULES = (TWO_LEVELS, ALLOCATED)
