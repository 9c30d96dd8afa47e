"""What both sides' systems are told of a seller's partners; prices are told to nobody's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.relations.partner_models import PARTNER_LINK, PartnerLink, PartnerTier
from marketplace.webhooks.event_types import EventType, register_types
from orders.outgoing_events.event_data import PartnerData
from orders.outgoing_events.facts import Addressed, RecordedFact, tells_of_states
from orders.outgoing_events.samples import BUYER, FROM, ORDERS, SELLER, same, sample_id

_PARTNER = PartnerData(
    partner_link_id=sample_id(91),
    seller_id=SELLER.id,
    seller_name=SELLER.name,
    buyer_id=BUYER.id,
    buyer_name=BUYER.name,
    by_seller=True,
    tier="GOLD",
    accepted_at=FROM,
    ended_at=None,
)


def tell_partners(uow: UnitOfWork, facts: Sequence[RecordedFact]) -> Iterable[Addressed]:
    """The same to both."""
    wanted = (
        select(PartnerLink, PartnerTier.code)
        .join(PartnerTier, PartnerTier.id == PartnerLink.tier_id, isouter=True)
        .where(PartnerLink.id.in_([fact.subject_id for fact in facts]))
    )
    found = {row.id: (row, code) for row, code in uow.session.execute(wanted)}
    for fact in facts:
        row, code = found[fact.subject_id]
        data = PartnerData(
            partner_link_id=row.id,
            seller_id=row.seller_org_id,
            seller_name=row.seller_name,
            buyer_id=row.buyer_org_id,
            buyer_name=row.buyer_name,
            by_seller=row.by_seller,
            tier=code,
            accepted_at=row.accepted_at,
            ended_at=row.ended_at,
        )
        yield Addressed(fact, row.buyer_org_id, data)
        yield Addressed(fact, row.seller_org_id, data)


tells_of_states(
    PARTNER_LINK,
    tell_partners,
    asked="partner.asked",
    accepted="partner.accepted",
    declined="partner.declined",
    ended="partner.ended",
)
register_types(
    EventType(
        "partner.asked",
        "一方邀请或申请成为伙伴，等待另一方答复。",
        "One side asks; the other answers.",
        ORDERS,
        same(_PARTNER),
    ),
    EventType(
        "partner.accepted",
        "伙伴关系生效（或改到另一等级），该等级价格即刻适用。",
        "They are partners, or in another tier: its prices hold.",
        ORDERS,
        same(_PARTNER),
    ),
    EventType("partner.declined", "邀请或申请被谢绝。", "The other side said no.", ORDERS, same(_PARTNER)),
    EventType(
        "partner.ended", "伙伴关系已结束，伙伴价不再适用。", "It ended, and its prices with it.", ORDERS, same(_PARTNER)
    ),
)
