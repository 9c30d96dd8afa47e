"""How reliably listings are delivered: what is counted, what is shown, and what is paused for it."""

from __future__ import annotations

from app.verify.rule import Query
from fulfillment.reliability.ended_deliveries import LEAST, WINDOW
from fulfillment.reliability.failing import ENOUGH, IN_ROW

COUNTED = Query(
    "reliability.counted",
    "商品的交付统计等于其截止时间前三十天内结束的交付：个数、成功数、中位与九五分位用时。",
    "A listing's figures are those of the deliveries that ended in the thirty days before they were counted.",
    # Replayed since it was counted, a delivery is no longer what it was then.
    f"""
    WITH fresh AS (
        SELECT x.* FROM fulfillment.listing_reliability x
        WHERE NOT EXISTS (
            SELECT 1 FROM fulfillment.entitlement e
            JOIN fulfillment.run r ON r.buyer_org_id = e.buyer_org_id AND r.entitlement_id = e.id AND r.operation = 'provision'
            JOIN kernel.state_history h ON h.subject_id = r.id AND h.machine = 'run' AND h.reason = 'replayed'
            WHERE e.seller_org_id = x.seller_org_id AND e.listing_id = x.listing_id AND h.at >= x.counted_until)
    ), again AS (
        SELECT x.listing_id, count(r.id) AS counted, count(r.id) FILTER (WHERE r.state = 'succeeded') AS succeeded,
               percentile_disc(0.5) WITHIN GROUP (ORDER BY ceil(extract(epoch FROM r.finished_at - r.created_at))::bigint)
                   FILTER (WHERE r.state = 'succeeded') AS median_s,
               percentile_disc(0.95) WITHIN GROUP (ORDER BY ceil(extract(epoch FROM r.finished_at - r.created_at))::bigint)
                   FILTER (WHERE r.state = 'succeeded') AS p95_s
        FROM fresh x
        JOIN fulfillment.entitlement e ON e.seller_org_id = x.seller_org_id AND e.listing_id = x.listing_id
        JOIN fulfillment.run r ON r.buyer_org_id = e.buyer_org_id AND r.entitlement_id = e.id
        WHERE r.operation = 'provision' AND r.state IN ('succeeded', 'failed', 'dead')
          AND r.failure IS DISTINCT FROM 'entitlement_ended'
          AND r.finished_at < x.counted_until AND r.finished_at >= x.counted_until - interval '{WINDOW.days} days'
          AND NOT EXISTS (SELECT 1 FROM marketplace.test_clock t WHERE t.test_org_id = r.buyer_org_id)
        GROUP BY x.listing_id
    )
    SELECT x.listing_id, x.counted, x.succeeded, x.median_s, x.p95_s, a.counted AS counted_again,
           a.succeeded AS succeeded_again, a.median_s AS median_again, a.p95_s AS p95_again
    FROM fresh x LEFT JOIN again a USING (listing_id)
    WHERE (x.counted, x.succeeded, x.median_s, x.p95_s)
          IS DISTINCT FROM (coalesce(a.counted, 0), coalesce(a.succeeded, 0), a.median_s, a.p95_s)
    """,  # noqa: S608 - every piece of it stands in this program
)
SHOWN = Query(
    "reliability.shown",
    f"买方看到的交付统计就是所统计的；不足 {LEAST} 个时不显示。",
    f"What buyers are shown of a listing's deliveries is what was counted, and nothing of fewer than {LEAST}.",
    f"""
    SELECT l.id AS listing_id, l.reliability, x.counted FROM marketplace.listing l
    LEFT JOIN fulfillment.listing_reliability x ON x.listing_id = l.id
    WHERE l.reliability IS DISTINCT FROM CASE WHEN x.counted >= {LEAST} THEN jsonb_build_object(
        'counted', x.counted, 'succeeded', x.succeeded, 'median_s', x.median_s, 'p95_s', x.p95_s) END
    """,  # noqa: S608 - (same)
)
PAUSED = Query(
    "reliability.paused",
    "因交付失败而暂停的商品恰有一次未结束的暂停；在售的商品没有。",
    "A listing that is paused has one pause that goes on; one on sale has none.",
    """
    SELECT l.id AS listing_id, l.state, p.id AS pause_id FROM marketplace.listing l
    LEFT JOIN fulfillment.listing_pause p ON p.listing_id = l.id AND p.state = 'paused'
    WHERE (l.state = 'paused' AND p.id IS NULL)
       OR (p.id IS NOT NULL AND l.state NOT IN ('paused', 'suspended', 'retired') AND p.created_at < :late)
    """,
)
FOUNDED = Query(
    "reliability.founded",
    "每次暂停都符合公布的规则，且结束不早于开始。",
    "Every pause is by the stated rule, and ended no earlier than it began.",
    f"""
    SELECT id AS pause_id, rule, failed, counted, created_at, released_at FROM fulfillment.listing_pause
    WHERE released_at < created_at
       OR NOT CASE rule WHEN 'in_row' THEN failed = {IN_ROW} AND counted = {IN_ROW}
                        ELSE counted >= {ENOUGH} AND 2 * failed > counted END
    """,  # noqa: S608 - (same)
)
RULES = (COUNTED, SHOWN, PAUSED, FOUNDED)
