"""The share policy that sales got: that which was in force, by the most specific of its rules."""

from __future__ import annotations

from app.verify.rule import Query, Rule

IN_FORCE = Query(
    "terms.in_force",
    "订单行锁定的版本与费率，等于下单时生效的分成规则中最具体的一条；税号冲突的推广方不分成。",
    "The version and rates that a line pinned are those of the most specific rule in force when it was ordered; a promoter with "
    "the tax identifier of a side earns nothing.",
    """
    SELECT t.order_line_id, t.policy_version, p.version AS in_force, t.commission_ppm, p.commission_ppm AS ruled_ppm,
           t.promoter_ppm, t.promoter_conflict
    FROM orders.sale_terms t
    JOIN orders.order_line l ON l.id = t.order_line_id
    JOIN orders."order" o ON o.id = l.order_id
    JOIN marketplace.listing g ON g.id = l.listing_id
    JOIN orders.attribution a ON a.order_line_id = l.id
    LEFT JOIN marketplace.video v ON v.id = a.video_id
    LEFT JOIN LATERAL (
        SELECT r.* FROM billing.share_policy r
        WHERE r.category = g.kind
          AND r.version = (SELECT k.version FROM billing.share_policy k
                           WHERE k.category = g.kind AND k.effective_at <= o.created_at
                           ORDER BY k.effective_at DESC, k.version DESC LIMIT 1)
          AND coalesce(r.listing_id = l.listing_id, true) AND coalesce(r.seller_id = l.seller_org_id, true)
          AND (r.channel_id IS NULL OR r.channel_id IS NOT DISTINCT FROM v.channel_id)
          AND coalesce(r.deal_type = coalesce(t.deal_type, 'new'), true)
        ORDER BY r.listing_id IS NULL, r.seller_id IS NULL, r.channel_id IS NULL, r.deal_type IS NULL LIMIT 1
    ) p ON true
    WHERE o.subscription_id IS NULL AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
      AND (t.policy_version, t.commission_ppm, t.hold_days, t.promoter_ppm) IS DISTINCT FROM
          (p.version, p.commission_ppm, p.hold_days,
           CASE WHEN t.promoter_org_id IS NULL OR t.promoter_conflict IS NOT NULL THEN 0 ELSE p.promoter_ppm END)
    """,
)
PUBLISHED = Query(
    "share_policies.published",
    "已发布的分成规则版本与其草拟内容逐条一致，且不早于发布之时生效。",
    "A published version of the share policy is its draft, rule by rule, and began no earlier than it was published.",
    """
    SELECT v.id AS share_policy_version_id, v.version, v.effective_at, v.published_at, count(p.id) AS rules
    FROM billing.share_policy_version v
    LEFT JOIN billing.share_policy p ON p.version = v.version AND p.effective_at = v.effective_at
        AND v.rules @> jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
            'category', p.category, 'commission_ppm', p.commission_ppm, 'promoter_ppm', p.promoter_ppm,
            'hold_days', p.hold_days, 'listing_id', p.listing_id, 'seller_id', p.seller_id,
            'channel_id', p.channel_id, 'deal_type', p.deal_type)))
    WHERE v.state = 'published'
    GROUP BY v.id
    HAVING count(p.id) <> jsonb_array_length(v.rules) OR v.effective_at < v.published_at
        OR count(p.id) <> (SELECT count(*) FROM billing.share_policy every WHERE every.version = v.version)
    """,
)
CONFLICTED = Query(
    "shares.conflicted",
    "注明税号冲突的推广分成为零，且与下单时锁定的一致。",
    "A promoter's share that names a conflict is nothing, and the order pinned the same.",
    """
    SELECT s.id AS share_id, s.conflict, t.promoter_conflict, s.amount_minor
    FROM billing.share s JOIN orders.sale_terms t ON t.order_line_id = s.reference
    WHERE s.conflict IS DISTINCT FROM CASE WHEN s.kind = 'promoter' THEN t.promoter_conflict END
       OR (s.conflict IS NOT NULL AND s.amount_minor <> 0)
    """,
)
RULES: tuple[Rule, ...] = (IN_FORCE, PUBLISHED, CONFLICTED)
