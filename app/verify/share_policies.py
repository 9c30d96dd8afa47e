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
           t.promoter_ppm, t.promoter_conflict, t.promotion, q.id AS plan_id
    FROM orders.sale_terms t
    JOIN orders.order_line l ON l.id = t.order_line_id
    JOIN orders."order" o ON o.id = l.order_id
    JOIN marketplace.listing g ON g.id = l.listing_id
    JOIN orders.attribution a ON a.order_line_id = l.id
    LEFT JOIN marketplace.video v ON v.id = a.video_id
    LEFT JOIN marketplace.live_session s ON s.id = a.live_session_id
    LEFT JOIN LATERAL (
        SELECT r.* FROM billing.share_policy r
        WHERE r.category = g.kind
          AND r.version = (SELECT k.version FROM billing.share_policy k
                           WHERE k.category = g.kind AND k.effective_at <= o.created_at
                           ORDER BY k.effective_at DESC, k.version DESC LIMIT 1)
          AND coalesce(r.listing_id = l.listing_id, true) AND coalesce(r.seller_id = l.seller_org_id, true)
          AND (r.channel_id IS NULL OR r.channel_id IS NOT DISTINCT FROM coalesce(s.channel_id, v.channel_id))
          AND coalesce(r.deal_type = coalesce(t.deal_type, 'new'), true)
        ORDER BY r.listing_id IS NULL, r.seller_id IS NULL, r.channel_id IS NULL, r.deal_type IS NULL LIMIT 1
    ) p ON true
    LEFT JOIN LATERAL (
        SELECT f.id, f.kind, f.rate_ppm, f.kind = 'general' OR EXISTS (
                   SELECT FROM billing.promoter_membership m
                   WHERE m.plan_id = f.id AND m.promoter_org_id = t.promoter_org_id AND m.counts_from <= o.created_at
                     AND coalesce(m.counts_until > o.created_at, true)) AS takes_part
        FROM billing.promoter_plan f
        WHERE f.listing_id = l.listing_id AND f.starts_at <= o.created_at AND coalesce(f.ends_at > o.created_at, true)
        ORDER BY f.kind <> 'exclusive', NOT (f.kind = 'targeted' AND EXISTS (
                     SELECT FROM billing.promoter_membership m
                     WHERE m.plan_id = f.id AND m.promoter_org_id = t.promoter_org_id AND m.counts_from <= o.created_at
                       AND coalesce(m.counts_until > o.created_at, true))), f.kind <> 'general'
        LIMIT 1
    ) q ON t.promoter_org_id IS NOT NULL AND t.promoter_conflict IS DISTINCT FROM 'same_tax_id'
    WHERE o.subscription_id IS NULL AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
      AND (t.policy_version, t.commission_ppm, t.hold_days, t.promoter_ppm) IS DISTINCT FROM
          (p.version, p.commission_ppm, p.hold_days,
           CASE WHEN t.promoter_org_id IS NULL OR t.promoter_conflict IS NOT NULL OR NOT coalesce(q.takes_part, true) THEN 0
                ELSE least(greatest(coalesce(q.rate_ppm, 0), p.promoter_ppm), 1000000 - p.commission_ppm) END)
       OR (o.subscription_id IS NULL AND o.usage_period_id IS NULL AND o.instalment_id IS NULL
           AND ((t.promotion ->> 'plan_id')::uuid IS DISTINCT FROM CASE WHEN q.takes_part THEN q.id END
                OR (coalesce(t.promoter_conflict, '') = 'not_chosen') <> coalesce(NOT q.takes_part, false)))
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
MONTHS = Query(
    "promoter_months.counted",
    "有每月上限的推广计划，其当月已用额等于该月按计划分得的推广分成之和，且不超过上限。",
    "Of a plan with a month's cap, what a promoter's month has used is what promotion got under it, and within the cap.",
    """
    SELECT coalesce(m.plan_id, g.plan_id) AS plan_id, m.month, m.used_minor, g.minor, f.month_cap_minor
    FROM billing.promoter_month m
    FULL JOIN (
        SELECT (t.promotion ->> 'plan_id')::uuid AS plan_id, t.promoter_org_id,
               date_trunc('month', s.captured_at AT TIME ZONE 'UTC')::date AS month, sum(s.amount_minor) AS minor
        FROM billing.share s JOIN orders.sale_terms t ON t.order_line_id = s.reference
        WHERE t.promotion ->> 'month_cap_minor' IS NOT NULL AND t.promotion ->> 'cap_currency' = s.currency
          AND s.kind IN ('promoter', 'distributor', 'service_provider')
        GROUP BY 1, 2, 3
    ) g ON g.plan_id = m.plan_id AND g.promoter_org_id = m.promoter_org_id AND g.month = m.month
    LEFT JOIN billing.promoter_plan f ON f.id = m.plan_id
    WHERE m.used_minor IS DISTINCT FROM g.minor OR m.used_minor > f.month_cap_minor
    """,
)
RULES: tuple[Rule, ...] = (IN_FORCE, PUBLISHED, CONFLICTED, MONTHS)
