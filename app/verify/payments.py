"""Payments, charges and the shares in them."""

from __future__ import annotations

from app.verify.rule import Query, late, pending
from marketplace.parties.models import PLATFORM_ORG_ID

ALLOCATED = Query(
    "payments.allocated",
    "付款金额等于分配给各订单的金额之和。",
    "A payment is the sum of its allocations to orders.",
    """
    SELECT p.id AS payment_id, p.amount_minor, coalesce(sum(a.amount_minor), 0) AS allocated_minor
    FROM billing.payment p
    LEFT JOIN billing.payment_allocation a ON a.payment_id = p.id AND a.currency = p.currency
    GROUP BY p.id HAVING coalesce(sum(a.amount_minor), 0) <> p.amount_minor
    """,
)
ONE_ALIVE = Query(
    "payments.one_alive",
    "同一采购最多只有一笔未明确失败的付款。",
    "At most one payment of a purchase has not definitely failed.",
    """
    SELECT reference, count(*) AS payments FROM billing.payment
    WHERE state <> 'failed' GROUP BY reference HAVING count(*) > 1
    """,
)
CAPTURED = Query(
    "payments.captured",
    "成功的付款都经过一次提交，并有到账时间与渠道编号。",
    "A successful payment was submitted, and has its instant and the gateway's reference.",
    """
    SELECT p.id AS payment_id, p.captured_at, p.gateway_reference FROM billing.payment p
    WHERE p.state IN ('succeeded', 'reversed') AND (p.captured_at IS NULL OR p.gateway_reference IS NULL OR NOT EXISTS (
        SELECT 1 FROM billing.payment_attempt a
        WHERE a.payer_org_id = p.payer_org_id AND a.payment_id = p.id AND a.operation = 'submit'))
    """,
)
ARRIVED = Query(
    "payments.arrived",
    "成功的付款使其采购成为已付，否则正在退回。",
    "A payment that succeeded made its purchase paid, or its money goes back.",
    f"""
    SELECT p.id AS payment_id, p.reference AS purchase_id, u.state, o.id AS order_id, o.state AS order_state
    FROM billing.payment p
    LEFT JOIN orders.purchase u ON u.id = p.reference
    LEFT JOIN orders."order" o ON o.purchase_id = u.id AND o.gross_minor > 0
    WHERE p.state = 'succeeded' AND u.state IS DISTINCT FROM 'paid' AND NOT {pending("p.id")} AND NOT EXISTS (
        SELECT 1 FROM billing.refund r WHERE r.payment_id = p.id AND r.reference = o.id AND r.state <> 'failed')
    """,  # noqa: S608 - every piece of it stands in this module
)
PURSUED = Query(
    "gateway.pursued",
    "凡结果未定的付款、退款与打款都按时向渠道查询。",
    "Everything whose outcome is in doubt is asked about in time.",
    f"""
    SELECT 'payment' AS what, id, state, next_check_at FROM billing.payment
    WHERE state IN ('processing', 'requires_action', 'unknown') AND next_check_at < {late("payer_org_id")}
    UNION ALL SELECT 'refund', id, state, next_check_at FROM billing.refund
    WHERE state IN ('requested', 'processing', 'unknown', 'resending') AND next_check_at < {late("buyer_org_id")}
    UNION ALL SELECT 'payout', id, state, next_check_at FROM billing.payout
    WHERE state IN ('scheduled', 'sent', 'unknown') AND next_check_at < :late
    """,  # noqa: S608 - every piece of it stands in this module
)
OF_THE_LINE = Query(
    "charges.of_the_line",
    "每个订单行的扣费（分里程碑者为其合计）与该行的金额、税率一致。",
    "What was charged for an order line, of a service its milestones together, has the amounts and tax rate of the line.",
    """
    SELECT c.reference AS order_line_id, sum(c.gross_minor) AS gross_minor, l.gross_minor AS line_gross_minor
    FROM billing.charge c LEFT JOIN orders.order_line l ON l.id = c.reference
    GROUP BY c.reference, l.id
    HAVING (sum(c.net_minor), sum(c.tax_minor), sum(c.gross_minor))
           IS DISTINCT FROM (l.net_minor, l.tax_minor, l.gross_minor)
        OR bool_or((c.group_reference, c.tax_rate_ppm, c.currency)
                   IS DISTINCT FROM (l.order_id, l.tax_rate_ppm, l.currency))
    """,
)
WITHIN_PAYMENT = Query(
    "charges.within_payment",
    "同一订单的扣费合计不超过分配给它的付款。",
    "The charges of an order are at most what of the payment belongs to it.",
    """
    SELECT a.id AS allocation_id, a.amount_minor, sum(c.gross_minor) AS charged_minor
    FROM billing.payment_allocation a JOIN billing.charge c ON c.allocation_id = a.id
    GROUP BY a.id HAVING sum(c.gross_minor) > a.amount_minor OR bool_or(c.currency <> a.currency)
    """,
)
SHARED = Query(
    "charges.shared",
    "每笔扣费的各方分成之和，加上经销时由平台缴纳的税，恰等于其含税金额。",
    "The shares of every charge, and the tax that the platform owes of what it sold itself, add up to its gross.",
    """
    SELECT c.id AS charge_id, c.gross_minor, coalesce(sum(s.amount_minor), 0) AS shared_minor
    FROM billing.charge c LEFT JOIN billing.share s ON s.charge_id = c.id AND s.currency = c.currency
    GROUP BY c.id
    HAVING coalesce(sum(s.amount_minor), 0)
           <> CASE c.selling_model WHEN 'reseller' THEN c.net_minor ELSE c.gross_minor END
    """,
)
PINNED = Query(
    "shares.pinned",
    "分成的费率、政策版本与归属方都是下单时锁定的条款。",
    "Rates, policy version and owner of every share are those the order pinned.",
    """
    SELECT s.id AS share_id, s.kind, s.rate_ppm, t.commission_ppm, t.promoter_ppm, s.policy_version
    FROM billing.share s
    JOIN billing.charge c ON c.id = s.charge_id
    LEFT JOIN orders.sale_terms t ON t.order_line_id = s.reference
    WHERE (s.policy_version, s.hold_days, s.base_minor, s.gross_minor, s.reference)
          IS DISTINCT FROM (t.policy_version, t.hold_days, c.net_minor,
                            CASE c.selling_model WHEN 'reseller' THEN c.net_minor ELSE c.gross_minor END, c.reference)
       OR s.rate_ppm <> CASE s.kind
              WHEN 'commission' THEN t.commission_ppm
              WHEN 'promoter' THEN t.promoter_ppm - coalesce((t.promotion ->> 'distributor_ppm')::bigint, 0)
                                                  - coalesce((t.promotion ->> 'service_ppm')::bigint, 0)
              WHEN 'distributor' THEN (t.promotion ->> 'distributor_ppm')::bigint
              WHEN 'service_provider' THEN (t.promotion ->> 'service_ppm')::bigint
              ELSE 1000000 - t.commission_ppm - CASE WHEN t.promoter_org_id IS NULL THEN 0 ELSE t.promoter_ppm END END
       OR s.org_id IS DISTINCT FROM CASE s.kind
              WHEN 'commission' THEN CAST(:platform AS uuid)
              WHEN 'promoter' THEN t.promoter_org_id
              WHEN 'distributor' THEN (t.promotion ->> 'distributor_org_id')::uuid
              WHEN 'service_provider' THEN (t.promotion ->> 'service_org_id')::uuid
              ELSE t.seller_org_id END
    """,
    lambda: {"platform": PLATFORM_ORG_ID},
)
COMPUTED = Query(
    "shares.computed",
    "佣金与推广分成合计等于未税金额乘费率（四舍五入，推广不超过计划上限），推广各方按最大余数分得，其余归卖方。",
    "Commission and promotion are the net times their rate, rounded half up, promotion never above its plan's caps; its parties "
    "divide it by largest remainder; the seller has the rest.",
    """
    WITH side AS (
        SELECT p.charge_id, p.base_minor, k.amount_minor AS commission_minor, k.rate_ppm AS commission_ppm,
               sum(p.amount_minor) AS minor, sum(p.rate_ppm) AS ppm, min(p.cap_minor) AS cap_minor,
               count(DISTINCT coalesce(p.cap_minor, -1)) AS caps
        FROM billing.share p JOIN billing.share k ON k.charge_id = p.charge_id AND k.kind = 'commission'
        WHERE p.kind IN ('promoter', 'distributor', 'service_provider')
        GROUP BY p.charge_id, p.base_minor, k.amount_minor, k.rate_ppm
    )
    SELECT s.id AS share_id, s.kind, s.base_minor, s.rate_ppm, s.amount_minor
    FROM billing.share s
    WHERE s.kind = 'commission' AND s.amount_minor <> least(round(s.base_minor::numeric * s.rate_ppm / 1000000), s.base_minor)
    UNION ALL
    SELECT s.id, s.kind, s.base_minor, s.rate_ppm, s.amount_minor
    FROM side d JOIN billing.share s ON s.charge_id = d.charge_id AND s.kind = 'promoter'
    WHERE d.caps > 1 OR d.minor <> least(
        round(d.base_minor::numeric * d.ppm / 1000000), d.base_minor - d.commission_minor, d.cap_minor)
    UNION ALL
    SELECT s.id, s.kind, s.base_minor, s.rate_ppm, s.amount_minor
    FROM side d JOIN billing.share s ON s.charge_id = d.charge_id
    WHERE s.kind IN ('promoter', 'distributor', 'service_provider') AND d.ppm > 0
      AND s.amount_minor NOT BETWEEN floor(d.minor::numeric * s.rate_ppm / d.ppm) AND ceil(d.minor::numeric * s.rate_ppm / d.ppm)
    """,
)
HELD = Query(
    "shares.held",
    "分成的保留期自交付起算，期满之前不放款。",
    "The hold of a share runs from its delivery, and none is released before it is over.",
    """
    SELECT id AS share_id, state, delivered_at, releasable_at, hold_days FROM billing.share
    WHERE releasable_at IS DISTINCT FROM delivered_at + make_interval(hours => CAST(24 * hold_days AS integer))
       OR (state IN ('releasable', 'in_statement', 'paid') AND releasable_at > :now)
    """,
)

DELIVERED = Query(
    "shares.delivered",
    "已交付的周期性行与已验收的服务，其分成的保留期已开始；未交付者不放款。",
    "The hold of shares has begun once their line was delivered or, for services, accepted; none is released before.",
    f"""
    SELECT s.id AS share_id, s.reference AS order_line_id, o.id AS order_id, o.state, l.term_months
    FROM billing.share s
    JOIN orders.order_line l ON l.id = s.reference
    JOIN orders."order" o ON o.id = l.order_id
    WHERE s.delivered_at IS NULL AND (
        s.state IN ('releasable', 'in_statement', 'paid')
        OR (s.state = 'pending' AND o.state IN ('active', 'completed') AND NOT {pending("o.id")}
            AND s.part_reference IS NULL AND (l.term_months > 0 OR o.accepted_at IS NOT NULL)))
    """,  # noqa: S608 - (same)
)

FROZEN = Query(
    "shares.frozen",
    "拒付未决期间，相关分成不放款、不进入结算。",
    "While a line is in dispute, none of its shares is released or settled.",
    """
    SELECT s.id AS share_id, s.state, d.id AS dispute_id, h.at FROM billing.dispute d
    JOIN billing.dispute_part a ON a.dispute_id = d.id
    JOIN billing.share s ON s.group_reference = a.reference AND coalesce(a.line_id, s.reference) = s.reference
    JOIN kernel.state_history h ON h.machine = 'share' AND h.subject_id = s.id
         AND (h.from_state, h.to_state) IN (('pending', 'releasable'), ('releasable', 'in_statement'))
    WHERE h.at > a.created_at AND h.at < coalesce(d.ended_at, 'infinity')
    """,
)

RULES = (
    ALLOCATED, ONE_ALIVE, CAPTURED, ARRIVED, PURSUED, OF_THE_LINE, WITHIN_PAYMENT, SHARED, PINNED, COMPUTED, HELD, DELIVERED,
    FROZEN,
)  # fmt: skip
