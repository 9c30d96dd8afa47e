"""What both sides' systems are told of who promotes a seller's product under a plan of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from billing.promoter_plans.models import PROMOTER_MEMBERSHIP, PromoterMembership, PromoterPlan
from kernel.db.uow import UnitOfWork
from marketplace.webhooks.event_types import EventType, register_types
from orders.outgoing_events.event_data import PromoterData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.outgoing_events.samples import FROM, MONEY, SELLER, sample_id

_PROMOTER = PromoterData(
    promoter_membership_id=sample_id(92),
    promoter_plan_id=sample_id(93),
    kind="targeted",
    listing_id=sample_id(94),
    seller_id=SELLER.id,
    promoter_id=sample_id(95),
    promoter_ppm=200_000,
    counts_from=FROM,
    counts_until=None,
)


def tell_promoters(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both: what others of the chain get of a sale is not in it."""
    wanted = (
        select(PromoterMembership, PromoterPlan)
        .join(PromoterPlan, PromoterPlan.id == PromoterMembership.plan_id)
        .where(PromoterMembership.id.in_([fact.subject_id for fact in facts]))
    )
    found = {member.id: (member, plan) for member, plan in uow.session.execute(wanted)}
    for fact in facts:
        member, plan = found[fact.subject_id]
        data = PromoterData(
            promoter_membership_id=member.id,
            promoter_plan_id=plan.id,
            kind=plan.kind,
            listing_id=plan.listing_id,
            seller_id=member.seller_org_id,
            promoter_id=member.promoter_org_id,
            promoter_ppm=plan.rate_ppm - plan.distributor_ppm - plan.service_ppm,
            counts_from=member.counts_from,
            counts_until=member.counts_until,
        )
        for org_id in member.parties:
            yield Addressed(fact, org_id, data)


tells_of_states(
    PROMOTER_MEMBERSHIP,
    tell_promoters,
    invited="promoter.asked",
    applied="promoter.asked",
    accepted="promoter.accepted",
    declined="promoter.declined",
    ended="promoter.ended",
)
register_types(
    EventType(
        "promoter.asked",
        "卖方邀请推广方加入推广计划，或推广方提出申请，等待另一方答复。",
        "A seller invites a promoter into a plan, or a promoter applies; the other answers.",
        MONEY,
        {"party": _PROMOTER},
    ),
    EventType(
        "promoter.accepted",
        "推广方加入推广计划，约一分钟后的成交按该计划分成。",
        "The promoter takes part: sales from a minute later on are at the plan's rate.",
        MONEY,
        {"party": _PROMOTER},
    ),
    EventType("promoter.declined", "邀请或申请被谢绝。", "The other side said no.", MONEY, {"party": _PROMOTER}),
    EventType(
        "promoter.ended",
        "推广方不再参与该计划，其后的成交按平台规则分成。",
        "The promoter takes part no more: later sales are at the platform's rules.",
        MONEY,
        {"party": _PROMOTER},
    ),
)
