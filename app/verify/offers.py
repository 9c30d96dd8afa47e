"""Offers: what its seller's own side has to approve is sent only once it has."""

from __future__ import annotations

from app.verify.rule import Query

APPROVED = Query(
    "offers.approved",
    "低于折扣底线的报价，获批后才发给买方；被拒绝的从未发出。",
    "An offer below a floor is sent to its buyer once it was approved, and never when it was not.",
    """
    SELECT o.id AS offer_id, o.state, o.shown_at, a.decision
    FROM orders.offer o LEFT JOIN orders.offer_approval a ON a.offer_id = o.id
    WHERE (a.offer_id IS NOT NULL AND (o.shown_at IS NOT NULL) <> (a.decision IS NOT DISTINCT FROM 'approved'))
       OR (o.state = 'rejected') <> (a.decision IS NOT DISTINCT FROM 'rejected')
       OR (a.offer_id IS NULL AND o.shown_at IS NULL)
       OR a.seller_org_id <> o.seller_org_id
    """,
)

RULES = (APPROVED,)
