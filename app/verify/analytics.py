"""What was counted of touchpoints and sales is what the facts, counted again, come to."""

from __future__ import annotations

from app.verify.rule import Query
from marketplace.attribution.count_touchpoints import READER
from orders.analytics import count_sales
from orders.analytics.count_sales import CHANGED, FIGURES, GROUPED, PLACES, SALES

TOUCHPOINTS = Query(
    "analytics.touchpoints",
    "按日汇总的触点等于其截止时间前收到的触点：每个视频或直播场次、商品卡、分享链接与每五秒的次数；测试组织不计。",
    "Touchpoints by day are those received before their mark, of each video or live session, card, share link and five seconds; "
    "those of test organizations count nothing.",
    # Days whose touchpoints are past their retention have nothing left to be held against.
    f"""
    WITH mark AS (SELECT read_until FROM kernel.event_cursor WHERE reader = '{READER}'), test AS (
        SELECT test_org_id FROM marketplace.test_clock
    ), facts AS (
        SELECT t.channel_org_id, (t.occurred_at AT TIME ZONE 'UTC')::date AS day, t.video_id,
               t.second_ms / 1000 - t.second_ms / 1000 % 5 AS second, t.placement_id, t.share_link_id, t.sharer_org_id,
               coalesce(c.seller_org_id, i.seller_org_id) AS seller_org_id, t.live_session_id, t.kind, t.watched_ms
        FROM marketplace.touchpoint t JOIN mark ON t.received_at < mark.read_until
        LEFT JOIN marketplace.placement c ON c.id = t.placement_id
        LEFT JOIN marketplace.live_item i ON i.id = t.live_item_id
        WHERE (t.video_id IS NOT NULL OR t.live_session_id IS NOT NULL)
          AND NOT EXISTS (SELECT 1 FROM test WHERE test_org_id IN (t.org_id, t.channel_org_id))
    ), both_sides AS (
        SELECT channel_org_id, day, video_id, second, placement_id, share_link_id, sharer_org_id, seller_org_id, live_session_id,
               (kind = 'impression')::int AS impressions, (kind = 'view')::int AS views,
               (kind = 'card_click')::int AS card_clicks, (kind = 'share')::int AS shares, (kind = 'lead')::int AS leads,
               CASE kind WHEN 'view' THEN watched_ms ELSE 0 END AS watched_ms
        FROM facts
        UNION ALL
        SELECT channel_org_id, day, video_id, second, placement_id, share_link_id, sharer_org_id, seller_org_id, live_session_id,
               -impressions, -views, -card_clicks, -shares, -leads, -watched_ms
        FROM marketplace.touchpoint_day
        WHERE day >= (SELECT date_trunc('month', min(occurred_at) AT TIME ZONE 'UTC')::date FROM marketplace.touchpoint)
    )
    SELECT channel_org_id, day, video_id, second, placement_id, share_link_id, sharer_org_id, seller_org_id, live_session_id,
           sum(impressions) AS impressions, sum(views) AS views, sum(card_clicks) AS card_clicks, sum(shares) AS shares,
           sum(leads) AS leads, sum(watched_ms) AS watched_ms
    FROM both_sides
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    HAVING (sum(impressions), sum(views), sum(card_clicks), sum(shares), sum(leads), sum(watched_ms)) <> (0, 0, 0, 0, 0, 0)
    """,  # noqa: S608 - every piece of it stands in this program
)
_SINCE = f"(SELECT read_until FROM kernel.event_cursor WHERE reader = '{count_sales.READER}')"  # noqa: S608 - (same)
_NEGATIVE = ", ".join(f"-{name}" for name in FIGURES.split(", "))
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in FIGURES.split(", "))
SOLD = Query(
    "analytics.sales",
    "按日汇总的销售等于当日下单且已付款的订单行，以及其后的激活、留存、续订、退款与金额；金额即已入账的收费。",
    "Sales by day are the lines that were ordered then and paid, with what became of them since; amounts are the charges.",
    # Days of which something was recorded since they were counted are not what they were then.
    f"""
    WITH later AS ({CHANGED.replace(":since", _SINCE).replace(":until", "'infinity'")}), both_sides AS (
        {SALES} {GROUPED}
        UNION ALL SELECT {PLACES}, {_NEGATIVE} FROM orders.sales_day
    )
    SELECT {PLACES}, {_SUMS} FROM both_sides
    WHERE EXISTS (SELECT 1 FROM kernel.event_cursor WHERE reader = '{count_sales.READER}')
      AND (seller_org_id, day) NOT IN (SELECT seller_org_id, day FROM later)
    {GROUPED} HAVING {" OR ".join(f"sum({name}) <> 0" for name in FIGURES.split(", "))}
    """,  # noqa: S608 - (same)
)
ARRIVED = Query(
    "analytics.arrived",
    "经链接打开产品或频道的触点，其链接指向该产品或频道，分享方为链接所属组织。",
    "Who arrived at a product or a channel did so by a link to it, of the organization that is named.",
    """
    SELECT t.id AS touchpoint_id, t.listing_id, t.channel_id, t.share_link_id
    FROM marketplace.touchpoint t
    LEFT JOIN marketplace.share_link s ON s.id = t.share_link_id
    LEFT JOIN marketplace.listing l ON l.id = t.listing_id
    LEFT JOIN marketplace.channel c ON c.id = t.channel_id
    WHERE (t.listing_id IS NOT NULL OR t.channel_id IS NOT NULL)
      AND (t.sharer_org_id, t.listing_id, t.channel_id, t.channel_org_id)
          IS DISTINCT FROM (s.org_id, s.listing_id, s.channel_id, coalesce(l.org_id, c.org_id))
    """,
)
RULES = (TOUCHPOINTS, SOLD, ARRIVED)
