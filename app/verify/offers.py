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

OF_TIER = Query(
    "offers.of_tier",
    "发给等级的报价：等级内每家伙伴各得一份，条件与原报价一致；伙伴关系结束或报价撤回后，不再有可接受的一份。",
    "Of an offer to a tier each partner in it has one, on its terms; none stands open once its link ended or it was withdrawn.",
    """
    SELECT o.id AS offer_id, t.id AS tier_offer_id, k.id AS link_id, o.state
    FROM orders.offer o
    LEFT JOIN orders.tier_offer t ON t.id = o.tier_offer_id
    LEFT JOIN marketplace.partner_link k ON k.id = o.partner_link_id
    WHERE o.tier_offer_id IS NOT NULL
      AND (t.id IS NULL OR k.id IS NULL OR k.tier_id <> t.tier_id OR k.accepted_at IS NULL
           OR (o.state = 'open' AND (k.state <> 'accepted' OR t.state <> 'open'))
           OR (o.valid_until, o.terms, o.takes_more, o.currency) <> (t.valid_until, t.terms, t.takes_more, t.currency)
           OR (o.contract_terms, o.contract_ends_at) IS DISTINCT FROM (t.contract_terms, t.contract_ends_at)
           OR (SELECT jsonb_agg(jsonb_build_array(l.number, l.plan_id, l.quantity, l.unit_price_minor, l.price)
                                ORDER BY l.number)
               FROM orders.offer_line l WHERE l.offer_id = o.id)
              IS DISTINCT FROM
              (SELECT jsonb_agg(jsonb_build_array(CAST(x->>'number' AS bigint), CAST(x->>'plan_id' AS uuid),
                                                  CAST(x->>'quantity' AS bigint), CAST(x->>'unit_price_minor' AS bigint),
                                                  nullif(x->'price', 'null')) ORDER BY CAST(x->>'number' AS bigint))
               FROM jsonb_array_elements(t.lines) x))
    UNION ALL
    SELECT NULL, t.id, k.id, 'missing'
    FROM orders.tier_offer t
    JOIN marketplace.partner_link k ON k.seller_org_id = t.seller_org_id AND k.tier_id = t.tier_id
         AND k.state = 'accepted' AND k.accepted_at < t.valid_until
    WHERE t.state = 'open'
      AND NOT EXISTS (SELECT 1 FROM orders.offer o WHERE o.tier_offer_id = t.id AND o.buyer_org_id = k.buyer_org_id)
      AND NOT EXISTS (SELECT 1 FROM kernel.job j WHERE j.state IN ('ready', 'running')
                      AND j.payload->>'link_id' = CAST(k.id AS text))
    """,
)

RULES = (APPROVED, OF_TIER)
