"""Partners: whoever bought at a tier's price was in it, at the price that the tier had; what is for partners is for one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.verify.rule import Example, Query, Reading
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from marketplace.catalog.models import Plan
from marketplace.catalog.plan_price import plan_price
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.order_quantities import Quantities, quantities_of
from marketplace.pricing.shapes import headline
from marketplace.pricing.tier_price import partner_quantities, price_at_tier
from marketplace.relations.partner_models import TierPrice
from marketplace.relations.save_tier import figures_of
from orders.order.models import Order, OrderLine

LINKED = Query(
    "partners.linked",
    "以伙伴价成交的每行，下单时买方与卖方的伙伴关系已生效且未结束，等级一致，更换规格亦同；续订沿用首次成交的等级。",
    "Whoever bought at a tier's price, or changed to a plan at it, was a partner in that tier then; a renewal goes on with it.",
    """
    SELECT l.id AS order_line_id, k.id AS link_id, k.accepted_at, k.ended_at, o.created_at
    FROM orders.order_line l
    JOIN orders."order" o ON o.id = l.order_id
    LEFT JOIN marketplace.partner_link k ON k.id = CAST(l.plan->'tier'->>'link_id' AS uuid)
         AND k.buyer_org_id = l.buyer_org_id AND k.seller_org_id = l.seller_org_id
         AND k.tier_id = CAST(l.plan->'tier'->>'tier_id' AS uuid)
    WHERE l.plan->'tier' IS NOT NULL
      AND (k.accepted_at IS NULL OR k.accepted_at > o.created_at
           OR (k.ended_at < o.created_at
               AND (o.subscription_id IS NULL
                    OR EXISTS (SELECT 1 FROM orders.amendment m WHERE m.order_line_id = l.id AND m.price IS NOT NULL))))
    """,
)


def _priced(uow: UnitOfWork) -> Iterator[Any]:
    """Lines by which something was bought at a tier's price, with the plan and the tier's price that they name."""
    tier_price_id = OrderLine.plan["tier"]["tier_price_id"].astext
    yield from uow.session.execute(
        select(OrderLine, Plan, TierPrice, Order.subscription_id)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Plan, Plan.id == OrderLine.plan_id)
        .join(TierPrice, TierPrice.id == tier_price_id.cast(TierPrice.id.type), isouter=True)
        .where(OrderLine.plan.has_key("tier"), OrderLine.plan["tier"]["list_minor"].astext.is_not(None))
        .order_by(OrderLine.id)
        .execution_options(yield_per=500)
    )


def _otherwise_priced(uow: UnitOfWork) -> Iterator[Example]:
    """Rated again by the plan and the tier's price that they name."""
    for line, plan, tier_price, _ in _priced(uow):
        if tier_price is None or not _is_as_rated(line, plan, tier_price):
            yield {"order_line_id": str(line.id), "tier_price_id": line.plan["tier"]["tier_price_id"]}


def _is_as_rated(line: OrderLine, plan: Plan, tier_price: TierPrice) -> bool:
    if (tier_price.seller_org_id, tier_price.listing_id) != (line.seller_org_id, line.listing_id):
        return False
    if tier_price.plan_code not in (None, plan.code) or str(tier_price.tier_id) != line.plan["tier"]["tier_id"]:
        return False
    try:
        rated = price_at_tier(plan_price(plan), figures_of(tier_price))
    except Invalid:
        return False
    if line.price is not None:
        return PlanPrice.model_validate(line.price) == rated
    return line.unit_price_minor == headline(rated).unit_price_minor


RATED = Reading(
    "partners.rated",
    "以伙伴价成交的每行，其冻结的价格等于按所列规格与等级价格重新计算的结果。",
    "The price that is frozen with a line is the plan's at the figures of the tier's price that the line names.",
    _otherwise_priced,
)


def _otherwise_ordered(uow: UnitOfWork) -> Iterator[Example]:
    for line, plan, tier_price, of_subscription in _priced(uow):
        if tier_price is None:
            continue
        listed = plan_price(plan)
        ordered, kept = partner_quantities(listed, figures_of(tier_price)), line.plan["tier"]
        said = ordered if ordered != quantities_of(listed) else Quantities()
        frozen = kept.get("min_quantity", 1), kept.get("quantity_step", 1)
        # What is renewed goes on in the number that it has.
        if frozen != (said.least, said.step) or (of_subscription is None and not ordered.has(line.quantity)):
            yield {"order_line_id": str(line.id), "quantity": line.quantity, "tier_price_id": str(tier_price.id)}


QUANTITIES = Reading(
    "partners.quantities",
    "以伙伴价成交的每行，其数量符合所列等级价格的起订量与递增量，且两者随行冻结。",
    "Whoever bought at a tier's price ordered in the least number and steps of its terms, which are frozen with the line.",
    _otherwise_ordered,
)


AUDIENCE = Query(
    "partners.audience",
    "商品、视频和直播所面向的伙伴，是其卖方的全部伙伴，或其卖方自己的等级。",
    "Products, videos and live sessions for partners are for all of their own seller's, or for those in tiers of its own.",
    """
    SELECT s.id AS subject_id, s.org_id, g.id AS partner_group
    FROM (SELECT id, org_id, partner_groups FROM marketplace.listing WHERE partner_groups <> '{}'
          UNION ALL SELECT id, org_id, partner_groups FROM marketplace.video WHERE partner_groups <> '{}'
          UNION ALL SELECT id, org_id, partner_groups FROM marketplace.live_session WHERE partner_groups <> '{}') s,
         LATERAL unnest(s.partner_groups) AS g (id)
    WHERE g.id <> s.org_id
      AND NOT EXISTS (SELECT 1 FROM marketplace.partner_tier t WHERE t.id = g.id AND t.seller_org_id = s.org_id)
    """,
)

INVITED = Query(
    "partners.invited",
    "每个伙伴邀请链接的使用次数，等于由它建立的伙伴关系数；等级与邀请一致，且在邀请有效期内建立。",
    "A link for dealers was used as often as it made partners, in its tier and before it ended.",
    """
    SELECT i.id AS invitation_id, i.uses, count(k.id) AS links
    FROM marketplace.partner_invitation i
    LEFT JOIN marketplace.partner_link k ON k.seller_org_id = i.seller_org_id AND k.invitation_id = i.id
    GROUP BY i.id
    HAVING i.uses <> count(k.id)
        OR bool_or(k.tier_id <> i.tier_id OR k.accepted_at > least(i.expires_at, i.revoked_at) OR k.accepted_at < i.created_at)
    """,
)

LISTED = Query(
    "partners.listed",
    "已发送的经销商名单中，未剔除的每一行恰有一份邀请，且名单未发送时没有邀请。",
    "Of a list of dealers that was sent each line that is not left out is one invitation, before that none is.",
    """
    WITH said AS (
        SELECT l.id AS list_id, l.seller_org_id, CAST(one->>'number' AS bigint) AS line
        FROM marketplace.dealer_list l CROSS JOIN LATERAL jsonb_array_elements(l.rows) one
        WHERE l.state = 'sent' AND COALESCE(one->>'left_out', 'false') <> 'true'
    ), made AS (
        SELECT i.list_id, i.seller_org_id, i.line FROM marketplace.partner_invitation i WHERE i.list_id IS NOT NULL
    )
    SELECT COALESCE(said.list_id, made.list_id) AS list_id, COALESCE(said.line, made.line) AS line
    FROM said FULL JOIN made ON (made.list_id, made.seller_org_id, made.line) = (said.list_id, said.seller_org_id, said.line)
    WHERE said.list_id IS NULL OR made.list_id IS NULL
    """,
)

TERRITORIES = Query(
    "partners.territories",
    "区域只属于现有的合作伙伴；同一卖方的两个独家区域，其地区与商品不同时重叠。",
    "A territory that holds is a running partner's, and no two that are exclusive have both a region and a product in common.",
    """
    SELECT t.id AS territory_id, NULL::uuid AS other_id
    FROM marketplace.partner_territory t
    WHERE t.ended_at IS NULL
      AND NOT EXISTS (SELECT FROM marketplace.partner_link k
                      WHERE k.seller_org_id = t.seller_org_id AND k.buyer_org_id = t.buyer_org_id AND k.state = 'accepted')
    UNION ALL
    SELECT a.id, b.id
    FROM marketplace.partner_territory a
    JOIN marketplace.partner_territory b ON b.seller_org_id = a.seller_org_id AND b.id > a.id
    WHERE a.ended_at IS NULL AND b.ended_at IS NULL AND a.is_exclusive AND b.is_exclusive
      AND (a.listing_ids = '{}' OR b.listing_ids = '{}' OR a.listing_ids && b.listing_ids)
      AND EXISTS (SELECT FROM unnest(a.regions) x, unnest(b.regions) y
                  WHERE x = y OR x = split_part(y, '-', 1) OR y = split_part(x, '-', 1))
    """,
)

RULES = (LINKED, RATED, QUANTITIES, AUDIENCE, INVITED, LISTED, TERRITORIES)
