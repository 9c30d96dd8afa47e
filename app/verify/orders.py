"""Orders: amounts, payment, what follows from their state, and whom a sale is credited to."""

from __future__ import annotations

import json

from app.verify.rule import Query, late, pending
from billing.tax.rates import EU_STANDARD, VAT_AREA

TOTALS = Query(
    "orders.totals",
    "订单合计等于各行之和。",
    "The totals of an order are the sums of its lines.",
    """
    SELECT o.id AS order_id, o.number, o.gross_minor, coalesce(sum(l.gross_minor), 0) AS lines_minor
    FROM orders."order" o LEFT JOIN orders.order_line l ON l.order_id = o.id AND l.currency = o.currency
    GROUP BY o.id
    HAVING (o.net_minor, o.tax_minor, o.gross_minor)
           IS DISTINCT FROM (coalesce(sum(l.net_minor), 0), coalesce(sum(l.tax_minor), 0), coalesce(sum(l.gross_minor), 0))
    """,
)
PRICED = Query(
    "orders.priced",
    "每行各部分之和等于其目录价，各档之和等于所属部分；只有一个价格的行为数量乘以单价。",
    "Every line's parts add up to its list price, and brackets to their part; a line of one figure is quantity x unit price.",
    """
    SELECT l.id AS order_line_id, l.list_minor, l.quantity, l.unit_price_minor, parts.amount_minor AS parts_minor
    FROM orders.order_line l
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CAST(part->>'amount_minor' AS bigint)), 0) AS amount_minor,
               coalesce(bool_or(jsonb_array_length(coalesce(part->'brackets', '[]')) > 0
                        AND CAST(part->>'amount_minor' AS bigint)
                            + coalesce(CAST(part->>'rounding_off_minor' AS bigint), 0)
                            <> (SELECT sum(CAST(bracket->>'amount_minor' AS bigint))
                                FROM jsonb_array_elements(part->'brackets') bracket)), false) AS broken
        FROM jsonb_array_elements(l.price_lines) part) parts
    WHERE CASE WHEN l.price IS NULL THEN l.price_lines <> '[]' OR l.list_minor <> l.quantity * l.unit_price_minor
               ELSE l.list_minor <> parts.amount_minor OR parts.broken END
    """,
)
PURCHASE_TOTALS = Query(
    "purchases.totals",
    "采购合计等于其各订单之和，应付总额等于所依据的报价；抬头不变时净额与税额也相等。",
    "A purchase is the sum of its orders, its total is what was quoted, and so are net and tax to the same party.",
    """
    SELECT p.id AS purchase_id, p.gross_minor, q.gross_minor AS quoted_minor,
           coalesce(sum(o.gross_minor), 0) AS orders_minor
    FROM orders.purchase p
    JOIN orders.quote q ON q.id = p.quote_id
    LEFT JOIN orders."order" o ON o.purchase_id = p.id AND o.currency = p.currency
    GROUP BY p.id, q.id
    HAVING (p.net_minor, p.tax_minor, p.gross_minor)
           IS DISTINCT FROM (coalesce(sum(o.net_minor), 0), coalesce(sum(o.tax_minor), 0), coalesce(sum(o.gross_minor), 0))
        OR (p.gross_minor, p.currency) IS DISTINCT FROM (q.gross_minor, q.currency)
        OR ((p.net_minor, p.tax_minor) IS DISTINCT FROM (q.net_minor, q.tax_minor)
            AND (p.billing_profile->'country', p.billing_profile->'tax_id', p.billing_profile->'registered_in')
                IS NOT DISTINCT FROM (q.invoice_party->'country', q.invoice_party->'tax_id', q.invoice_party->'registered_in'))
    """,
)
TAXED = Query(
    "lines.taxed",
    "每行的税由发票抬头决定：出口不面向境内抬头，境外抬头须有税号或由当地组织采购，反向征收的抬头有税号。",
    "A line's tax is that of the party on the invoice: abroad only where that is evidenced, no reverse charge without a number.",
    """
    SELECT t.order_line_id, t.tax_reason, t.country, t.tax_id
    FROM (
        SELECT l.id AS order_line_id, l.tax_reason, coalesce(p.billing_profile->>'tax_id', '') AS tax_id,
               -- What belongs to the territory of another for VAT.
               coalesce(CAST(:areas AS jsonb)->>(p.billing_profile->>'country'), p.billing_profile->>'country') AS country,
               coalesce(CAST(:areas AS jsonb)->>(p.billing_profile->>'registered_in'), p.billing_profile->>'registered_in')
                   AS registered_in,
               coalesce(CAST(:areas AS jsonb)->>s.country, s.country) AS seller_country
        FROM orders.order_line l
        JOIN orders."order" o ON o.id = l.order_id
        JOIN orders.purchase p ON p.id = o.purchase_id
        -- Of what the platform sells, the tax is its own.
        JOIN marketplace.organization s
          ON CASE l.selling_model WHEN 'reseller' THEN s.is_platform ELSE s.id = l.seller_org_id END
    ) t
    WHERE CASE
        WHEN right(t.tax_reason, 12) = '_unevidenced' THEN
            t.country = t.seller_country OR t.tax_id <> '' OR t.country = t.registered_in
        WHEN t.tax_reason IN ('cn_export', 'eu_destination', 'eu_export') AND t.tax_id = '' AND t.country <> t.registered_in
            THEN true
        WHEN t.tax_reason = 'cn_export' THEN t.country = 'CN'
        WHEN t.tax_reason IN ('cn_service', 'cn_software', 'cn_small_scale') THEN t.country <> 'CN'
        WHEN t.tax_reason = 'eu_domestic' THEN t.country <> t.seller_country
        WHEN t.tax_reason IN ('eu_reverse_charge', 'eu_destination', 'eu_export') THEN
            t.country = t.seller_country
            OR (t.tax_reason = 'eu_reverse_charge')
               <> (t.country = ANY (:union) AND starts_with(t.tax_id, CASE t.country WHEN 'GR' THEN 'EL' ELSE t.country END))
            OR (t.tax_reason = 'eu_export') <> (t.country <> ALL (:union))
        ELSE false END
    """,
    lambda: {"union": list(EU_STANDARD), "areas": json.dumps(VAT_AREA)},
)
UNTAXED = Query(
    "lines.untaxed",
    "含税价在不适用税时，按规格所定保持不变，或减去卖方所在地税率的税额。",
    "A price that contains its tax stays whole where none was charged, or is its net part at the rate at home, as its plan said.",
    """
    SELECT t.id AS order_line_id, t.agreed_minor, t.gross_minor, t.home_rate_ppm
    FROM (
        SELECT l.id, l.gross_minor, l.tax_rate_ppm, l.tax_included, l.list_minor - l.discount_minor AS agreed_minor,
               coalesce(CAST(l.plan->>'home_rate_ppm' AS bigint), 0) AS home_rate_ppm,
               coalesce(l.plan->>'untaxed_price', 'whole') AS untaxed_price,
               -- Of a term in parts, each is what the parts of price and net come to: a unit of rounding on either side.
               CASE WHEN l.plan ? 'instalments' OR o.instalment_id IS NOT NULL THEN 2 ELSE 0 END AS rounded_minor
        FROM orders.order_line l JOIN orders."order" o ON o.id = l.order_id
    ) t
    WHERE CASE
        WHEN NOT t.tax_included OR t.tax_rate_ppm > 0 OR t.home_rate_ppm = 0 THEN
            t.home_rate_ppm <> 0 OR t.untaxed_price <> 'whole' OR (t.tax_included AND t.gross_minor <> t.agreed_minor)
        WHEN t.untaxed_price = 'net' THEN
            abs(t.gross_minor - div(CAST(t.agreed_minor AS numeric) * 2000000 + 1000000 + t.home_rate_ppm,
                                    2 * (1000000 + t.home_rate_ppm))) > t.rounded_minor
        ELSE t.untaxed_price <> 'whole' OR t.gross_minor <> t.agreed_minor END
    """,
)
PURCHASE_STATE = Query(
    "purchases.orders",
    "采购与其各订单的状态一致。",
    "A purchase and its orders are in agreeing states.",
    """
    SELECT p.id AS purchase_id, p.state, o.id AS order_id, o.state AS order_state
    FROM orders.purchase p JOIN orders."order" o ON o.purchase_id = p.id
    WHERE CASE WHEN p.state = 'paid'
               THEN o.state NOT IN ('paid', 'fulfilling', 'active', 'completed', 'delivery_failed', 'refunded')
               ELSE o.state <> p.state END
    """,
)
APPROVED = Query(
    "purchases.approved",
    "需审批的采购只有在每一步审批都通过后才会付款，被拒者有拒绝记录。",
    "A purchase that waited for approval went on only when every step of it was approved, and was rejected only by a decision.",
    """
    SELECT p.id AS purchase_id, h.to_state, a.approved, a.rejected
    FROM orders.purchase p
    JOIN kernel.state_history h ON h.subject_id = p.id AND h.machine = 'purchase'
         AND h.from_state = 'pending_approval' AND h.to_state IN ('pending_payment', 'rejected')
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE decision = 'approved') AS approved,
               count(*) FILTER (WHERE decision = 'rejected') AS rejected, coalesce(max(step), 0) AS last_step
        FROM orders.approval WHERE purchase_id = p.id) a
    WHERE CASE h.to_state WHEN 'rejected' THEN a.rejected <> 1 OR a.last_step <> a.approved + 1
               ELSE a.rejected <> 0 OR a.last_step <> a.approved
                    OR a.approved <> greatest(jsonb_array_length(p.approval_steps), 1) END
    """,
)
PAID = Query(
    "orders.paid",
    "已付订单有一笔等额的成功付款；未付订单没有。",
    "A paid order has a successful payment with exactly its amount; an unpaid one has none.",
    """
    SELECT o.id AS order_id, o.state, o.gross_minor, o.payment_id, p.state AS payment_state, a.amount_minor
    FROM orders."order" o
    LEFT JOIN billing.payment p ON p.id = o.payment_id
    LEFT JOIN billing.payment_allocation a ON a.payment_id = p.id AND a.reference = o.id
    WHERE CASE WHEN o.state IN ('paid', 'fulfilling', 'active', 'completed', 'delivery_failed', 'refunded')
               THEN o.paid_at IS NULL OR (o.gross_minor > 0 AND
                    (p.state, p.reference, a.amount_minor, a.currency)
                    IS DISTINCT FROM ('succeeded', o.purchase_id, o.gross_minor, o.currency)
                    AND p.state IS DISTINCT FROM 'reversed')
               ELSE o.payment_id IS NOT NULL OR o.paid_at IS NOT NULL END
    """,
)
CHARGED = Query(
    "orders.charged",
    "已付并进入交付的订单，每一收费行都已扣费一次。",
    "Once delivery has begun, every line of a paid order that costs something has been charged.",
    """
    SELECT o.id AS order_id, o.state, l.id AS order_line_id, l.gross_minor
    FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN billing.charge c ON c.reference = l.id AND c.payment_id = o.payment_id
    WHERE o.state IN ('fulfilling', 'active', 'completed', 'delivery_failed', 'refunded')
      AND l.gross_minor > 0 AND c.id IS NULL
      -- What was paid for too late to be delivered (a change, a term) goes back as it came.
      AND (o.state <> 'refunded' OR EXISTS (
          SELECT 1 FROM kernel.state_history h
          WHERE h.machine = 'order' AND h.subject_id = o.id AND h.to_state = 'fulfilling'))
    """,
)
WAITING = Query(
    "orders.not_stuck",
    "没有订单停在等待状态超过其期限。",
    "No order waits longer than its deadline, and every waiting state has one.",
    f"""
    SELECT o.id AS order_id, o.number, o.state, o.deadline_at, o.paid_at FROM orders."order" o
    WHERE (o.state IN ('pending_approval', 'pending_payment', 'fulfilling')
           AND (o.deadline_at IS NULL OR o.deadline_at < {late("o.buyer_org_id")})
           AND NOT (o.state = 'pending_payment' AND EXISTS (
               SELECT 1 FROM billing.payment p WHERE p.reference = o.purchase_id AND p.state <> 'failed')))
       OR (o.state = 'paid' AND o.paid_at < {late("o.buyer_org_id")})
    """,  # noqa: S608 - every piece of it stands in this module
)
MOVED_ON = Query(
    "orders.moved_on",
    "已付订单即进入交付；各行均已交付即生效，任一行交付失败即整单失败。",
    "A paid order is being delivered; it is active once every line is, and has failed once the delivery of one has.",
    f"""
    SELECT o.id AS order_id, o.number, o.state, o.paid_at FROM orders."order" o
    JOIN LATERAL (
        SELECT bool_and(e.state IS NOT DISTINCT FROM 'active') AS is_delivered, bool_or(r.state IN ('failed', 'dead')) AS failed,
               bool_or({pending("l.id")}) AS is_pending
        FROM orders.order_line l
        LEFT JOIN fulfillment.entitlement e ON e.reference = l.id
        LEFT JOIN fulfillment.run r ON r.entitlement_id = e.id AND r.operation = 'provision'
        WHERE l.order_id = o.id
    ) lines ON true
    WHERE (o.state = 'paid' OR (o.state = 'fulfilling' AND (o.subscription_id IS NOT NULL OR lines.is_delivered OR lines.failed)))
      AND NOT lines.is_pending AND NOT {pending("o.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
ACTIVE = Query(
    "orders.entitled",
    "生效订单的每一行都有可用的权益。",
    "Every line of an active order has an entitlement in force.",
    """
    SELECT o.id AS order_id, o.state, l.id AS order_line_id, e.id AS entitlement_id, e.state AS entitlement_state
    FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN fulfillment.entitlement e ON e.reference = l.id
    WHERE o.state IN ('active', 'completed') AND (e.state IS NULL OR e.state NOT IN ('active', 'suspended'))
      AND o.subscription_id IS NULL AND NOT (e.state = 'ended' AND EXISTS (
          SELECT 1 FROM orders.subscription s WHERE s.order_line_id = l.id AND s.state = 'ended'))
    """,
)
DELIVERED = Query(
    "orders.delivered_once",
    "进入交付的订单每一行恰有一项权益，席位与下单数量一致。",
    "Once delivery has begun, every line has exactly one entitlement, with the plan and seats it has by now.",
    """
    SELECT o.id AS order_id, o.state, l.id AS order_line_id, count(e.id) AS entitlements
    FROM orders."order" o JOIN orders.order_line l ON l.order_id = o.id
    LEFT JOIN fulfillment.entitlement e ON e.reference = l.id
    LEFT JOIN orders.subscription s ON s.order_line_id = l.id
    JOIN marketplace.plan p ON p.id = coalesce(s.plan_id, l.plan_id)
    GROUP BY o.id, l.id
    HAVING CASE WHEN o.subscription_id IS NULL
                     AND o.state IN ('fulfilling', 'active', 'completed', 'delivery_failed', 'refunded')
                THEN count(e.id) <> 1 OR bool_or((e.plan_id, e.listing_id, e.term_months, e.seats) IS DISTINCT FROM
                     (p.id, l.listing_id, l.term_months, CASE WHEN p.pricing = 'per_seat' OR jsonb_path_exists(
                         p.price, '$.components[*] ? (@.kind == "per_seat")') THEN coalesce(s.quantity, l.quantity) ELSE 0 END))
                ELSE count(e.id) > 0 END
    """,
)
GIVEN_BACK = Query(
    "orders.given_back",
    "交付失败的付费订单都有退款。",
    "Every paid order whose delivery failed has a refund.",
    f"""
    SELECT o.id AS order_id, o.number, o.gross_minor, o.failure FROM orders."order" o
    WHERE o.state = 'delivery_failed' AND NOT EXISTS (
              SELECT 1 FROM billing.refund r WHERE r.reference = o.id AND r.state <> 'failed')
      AND NOT EXISTS (SELECT 1 FROM billing.dispute d WHERE d.payment_id = o.payment_id AND d.state = 'open')
      AND NOT {pending("o.id")}
    """,  # noqa: S608 - every piece of it stands in this module
)
CUSTOMERS = Query(
    "customers.noted",
    "每个卖方的客户一行一户，时间与名称与其订单、请求和留言一致。",
    "A seller's customers are one row each, as their orders, requests and messages say.",
    """
    SELECT seller_org_id, buyer_org_id, c.last_at, f.last_at AS found_at, c.bought_at, c.asked_at
    FROM marketplace.customer c FULL JOIN (
        SELECT seller_org_id, buyer_org_id, max(at) AS last_at, max(at) FILTER (WHERE act = 'bought') AS bought_at,
               max(at) FILTER (WHERE act = 'asked') AS asked_at FROM (
            SELECT seller_org_id, buyer_org_id, paid_at AS at, 'bought' AS act FROM orders."order" WHERE paid_at IS NOT NULL
            UNION ALL SELECT seller_org_id, buyer_org_id, created_at, 'asked' FROM marketplace.lead
            UNION ALL SELECT seller_org_id, buyer_org_id, created_at, 'wrote' FROM marketplace.lead_message
        ) one GROUP BY seller_org_id, buyer_org_id
    ) f USING (seller_org_id, buyer_org_id)
    WHERE (c.last_at, c.bought_at, c.asked_at) IS DISTINCT FROM (f.last_at, f.bought_at, f.asked_at)
       OR (c.bought_at IS NOT NULL AND NOT EXISTS (
               SELECT 1 FROM orders."order" o WHERE o.seller_org_id = c.seller_org_id AND o.buyer_org_id = c.buyer_org_id
                 AND o.paid_at = c.bought_at AND o.buyer_name = c.bought_name))
    """,
)
REFUNDED = Query(
    "orders.refunded",
    "已退款订单的款项全额退回，权益与订阅均已终止，除非后续周期另有订单已付。",
    "A refunded order's whole amount went back; what it gave and its subscriptions have ended, or a later term is paid for.",
    """
    SELECT o.id AS order_id, o.number, o.gross_minor, a.refunded_minor FROM orders."order" o
    LEFT JOIN billing.payment_allocation a ON a.payment_id = o.payment_id AND a.reference = o.id
    WHERE o.state = 'refunded' AND (
        (o.gross_minor > 0 AND a.refunded_minor IS DISTINCT FROM o.gross_minor)
        OR EXISTS (SELECT 1 FROM orders.order_line l JOIN fulfillment.entitlement e ON e.reference = l.id
                   WHERE l.order_id = o.id AND e.state <> 'ended' AND NOT EXISTS (
                       SELECT 1 FROM orders.subscription s WHERE s.order_line_id = l.id AND s.state <> 'ended'))
        OR EXISTS (SELECT 1 FROM orders.order_line l JOIN orders.subscription s ON s.order_line_id = l.id
                   WHERE l.order_id = o.id AND s.state <> 'ended' AND NOT EXISTS (
                       SELECT 1 FROM orders.subscription_term t
                       WHERE t.subscription_id = s.id AND t.number > 1 AND t.revoked_at IS NULL)))
    """,
)
ENDED = Query(
    "orders.ended",
    "款项已全额退回的订单即告终止。",
    "An order whose whole amount went back is over.",
    f"""
    SELECT o.id AS order_id, o.number, o.state, r.minor AS refunded_minor FROM orders."order" o
    JOIN (SELECT reference, payment_id, sum(amount_minor) AS minor FROM billing.refund
          WHERE state IN ('succeeded', 'returned', 'resending', 'settled') GROUP BY 1, 2) r
      ON r.reference = o.id AND r.payment_id = o.payment_id
    WHERE r.minor >= o.gross_minor AND o.state <> 'refunded' AND NOT {pending("o.id")}
    """,  # noqa: S608 - (same)
)
ATTRIBUTED = Query(
    "lines.attributed",
    "每个订单行恰有一份归因与一份分成条款，推广方一致且不是买方。",
    "Every order line (what changes a subscription, once it is paid) has one attribution and one set of terms, of the same "
    "promoter, who is not the buyer.",
    """
    SELECT l.id AS order_line_id, count(DISTINCT a.id) AS attributions, count(DISTINCT t.id) AS terms
    FROM orders.order_line l
    LEFT JOIN orders.attribution a ON a.order_line_id = l.id
    LEFT JOIN orders.sale_terms t ON t.order_line_id = l.id
    WHERE NOT EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = l.id AND m.applied_at IS NULL)
    GROUP BY l.id
    HAVING count(DISTINCT a.id) <> 1 OR count(DISTINCT t.id) <> 1
        OR bool_or(a.promoter_org_id IS DISTINCT FROM t.promoter_org_id)
        OR bool_or(coalesce(a.promoter_org_id = l.buyer_org_id, false))
    """,
)
SOLD_BY = Query(
    "attributions.shown",
    "归因的视频与卡位属实：卡位在该视频中，卖的是该卖方的商品。",
    "The video and placement a sale is credited to belong together, and showed that seller's listing.",
    """
    SELECT a.id AS attribution_id, a.video_id, a.placement_id, p.video_id AS placed_in
    FROM orders.attribution a
    JOIN orders.order_line l ON l.id = a.order_line_id
    LEFT JOIN marketplace.placement p ON p.id = a.placement_id
    WHERE (a.placement_id IS NOT NULL AND (p.video_id, p.seller_org_id, p.listing_id)
           IS DISTINCT FROM (a.video_id, a.seller_org_id, l.listing_id))
       OR (a.rule = 'none') <> (a.video_id IS NULL AND a.live_session_id IS NULL AND a.share_link_id IS NULL)
    """,
)
BROUGHT = Query(
    "attributions.brought",
    "归因到分享链接的订单行，链接属于该推广方，且指向该视频、该视频的频道，或者（没有视频时）该商品。",
    "A link that a sale is credited to is of its promoter, and of the video that sold it or the channel of that; or, where no "
    "video did, of what was sold.",
    """
    SELECT a.id AS attribution_id, a.promoter_org_id, a.video_id, s.org_id AS link_of,
           coalesce(s.video_id, s.channel_id, s.listing_id) AS link_to
    FROM orders.attribution a JOIN marketplace.share_link s ON s.id = a.share_link_id
    JOIN orders.order_line l ON l.id = a.order_line_id
    LEFT JOIN marketplace.video v ON v.id = a.video_id
    WHERE a.promoter_org_id IS DISTINCT FROM s.org_id OR a.live_session_id IS NOT NULL OR CASE
        WHEN s.video_id IS NOT NULL THEN a.video_id IS DISTINCT FROM s.video_id
        WHEN s.channel_id IS NOT NULL THEN v.channel_id IS DISTINCT FROM s.channel_id
        ELSE a.video_id IS NOT NULL OR l.listing_id <> s.listing_id END
    """,
)
RULES = (
    TOTALS, PRICED, PURCHASE_TOTALS, TAXED, UNTAXED, PURCHASE_STATE, APPROVED, PAID, CHARGED, WAITING, MOVED_ON, ACTIVE,
    DELIVERED, GIVEN_BACK, REFUNDED, ENDED, ATTRIBUTED, SOLD_BY, BROUGHT, CUSTOMERS,
)  # fmt: skip
