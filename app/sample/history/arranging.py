"""How organizations arrange themselves in a market's past: hours for demos, coupons, rules of buying, who sees a video."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from app.sample.history.acts import (
    Agree,
    Ally,
    AskPromoters,
    Confide,
    Deputise,
    GiveDemos,
    OfferPartners,
    Reduce,
    TakePart,
)
from app.sample.history.clips import CLIPS
from app.sample.history.world import World
from billing.promoter_plans.make_plan import MakePlan, make_plan
from billing.promoter_plans.memberships import answer_membership, invite_promoter
from billing.promoter_plans.queries import list_offered_plans
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.demos.calendar import SaveHours, save_hours
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.relations.partner_links import AskPartner, accept_partner, ask_partner
from marketplace.relations.partner_queries import list_partners, list_tiers
from marketplace.relations.save_tier import SaveTier, SetTierPrice, save_tier, set_tier_price
from orders.approval_rules.deputies import AppointDeputy, appoint_deputy
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.coupons.make_coupon import MakeCoupon, make_coupon
from orders.offers.make_offer import MakeOffer
from orders.offers.make_tier_offer import make_tier_offer
from orders.offers.offered_price import OfferedPlan

_WORKING_DAYS = (1, 2, 3, 4, 5)
_FROM_MINUTE, _TO_MINUTE, _LENGTH_MINUTES = 9 * 60, 18 * 60, 45
_MONTH_MINOR = 50_000_000
"""More than anybody spends: the sample's tour goes as it is told."""
_AWAY = timedelta(days=13)
ZONE = "Asia/Shanghai"
"""Where the sample's sellers keep their calendars."""
_TIERS = (("GOLD", "金牌伙伴", "Gold partner", 150_000), ("SILVER", "银牌伙伴", "Silver partner", 50_000))
_PROMOTION = {"general": 150_000, "targeted": 200_000}
Work = Callable[[UnitOfWork], object]


Arranged = GiveDemos | Reduce | Ally | Agree | AskPromoters | TakePart | OfferPartners | Deputise | Confide


def arranged(world: World, act: Arranged) -> tuple[Principal, Work]:
    """Who arranges it, and its transaction."""
    who: Principal
    work: Work
    match act:
        case GiveDemos():
            hours = SaveHours(_WORKING_DAYS, _FROM_MINUTE, _TO_MINUTE, _LENGTH_MINUTES)
            who, work = world.chief(act.seller), lambda uow: save_hours(uow, hours)
        case Reduce():
            who, work = world.seller(act.product), lambda uow: make_coupon(uow, _coupon(world, act))
        case Ally():
            who, work = world.seller(act.product), _ally(world, act)
        case Agree():
            who, work = world.chief(act.buyer), _agree
        case AskPromoters():
            who, work = world.seller(act.product), _ask_promoters(world, act)
        case TakePart():
            who, work = world.chief(act.promoter), _take_part
        case OfferPartners():
            who, work = world.seller(act.product), _offer_partners(world, act)
        case Deputise():
            who, work = world.approver(act.buyer), _deputise(world, act)
        case Confide():
            who, work = _confide(world, act)
    return who, work


def _coupon(world: World, act: Reduce) -> MakeCoupon:
    today = clock.today(ZONE)
    return MakeCoupon(
        act.name,
        today,
        today + timedelta(days=act.days),
        code=act.code,
        percent_ppm=act.percent_ppm,
        listing_ids=(world.listing_id(act.product),),
        most_uses=act.most_uses,
    )


def _ally(world: World, act: Ally) -> Work:
    """Gold at 15 % off, silver at 5 %."""
    listing_id, buyer_id = world.listing_id(act.product), world.org_id(act.buyer)

    def work(uow: UnitOfWork) -> None:
        for rank, (code, name, name_en, off) in enumerate(_TIERS, 1):
            tier_id = save_tier(uow, SaveTier(code, name, name_en, rank)).id
            set_tier_price(uow, SetTierPrice(tier_id, listing_id, discount_ppm=off))
            if rank == 1:
                ask_partner(uow, AskPartner(buyer_id, tier_id))

    return work


def _agree(uow: UnitOfWork) -> None:
    for asked in list_partners(uow, sells=False).items:
        if asked.may_answer:
            accept_partner(uow, asked.id)


def _ask_promoters(world: World, act: AskPromoters) -> Work:
    """15 % of a line's net for everybody, 20 % for those who are asked."""
    listing_id, asked = world.listing_id(act.product), [world.org_id(one) for one in act.promoters]

    def work(uow: UnitOfWork) -> None:
        for kind, rate_ppm in _PROMOTION.items():
            plan = make_plan(uow, MakePlan(listing_id, kind, rate_ppm))
        for org_id in asked:
            invite_promoter(uow, plan.id, org_id)

    return work


def _take_part(uow: UnitOfWork) -> None:
    for plan in list_offered_plans(uow).items:
        for member in plan.members:
            if member.may_answer:
                answer_membership(uow, member.id, accept=True)


def _offer_partners(world: World, act: OfferPartners) -> Work:
    plan_id, until = world.plan_id(act.product), clock.today(ZONE) + timedelta(days=act.days)
    plans = (OfferedPlan(plan_id, act.quantity, discount_ppm=act.discount_ppm),)

    def work(uow: UnitOfWork) -> None:
        highest = next((one.id for one in list_tiers(uow) if one.code == _TIERS[0][0]), None)
        if highest is None:
            raise NotFound("partner_tier_not_found")
        make_tier_offer(uow, highest, MakeOffer(None, plans, until, terms=act.words[0]))

    return work


def _deputise(world: World, act: Deputise) -> Work:
    """The acting approver's deputy, and limits for services and for one seller."""
    deputy_id, seller_id = world.chief(act.buyer).person(), world.org_id("harbor")

    def work(uow: UnitOfWork) -> None:
        today = clock.now().date()
        appoint_deputy(uow, AppointDeputy(deputy_id, today, today + _AWAY))
        set_rule(uow, SetRule("CNY", None, max_month_minor=_MONTH_MINOR, category="services"))
        set_rule(uow, SetRule("CNY", None, max_month_minor=_MONTH_MINOR, seller_org_id=seller_id))

    return work


def _confide(world: World, act: Confide) -> tuple[Principal, Work]:
    """Whose clip it is, and its being shown to the partner alone."""
    owner = world.owner(next(clip.channel for clip in CLIPS if clip.key == act.clip))
    change = ChangeVisibility(world.film(act.clip).video_id, "partners", [world.org_id(act.partner)])
    return owner, lambda uow: change_visibility(uow, change)
