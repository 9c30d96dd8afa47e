"""Offers to all partners in a tier: one price, an offer of its own for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, idempotent_command, list_page
from api.v1.offer_approvals import OfferDecisionIn
from api.v1.offer_bodies import OfferApprovalOut, OfferIn, OfferLineOut, OfferOut, approval_out
from kernel.db.uow import UnitOfWork
from orders.offers.floors import APPROVE
from orders.offers.make_offer import MakeOffer
from orders.offers.make_tier_offer import (
    MANAGE,
    DecideTierOffer,
    decide_tier_offer,
    make_tier_offer,
    withdraw_tier_offer,
)
from orders.offers.queries import list_offers
from orders.offers.tier_offer_queries import TierOfferView, get_tier_offer, list_tier_offers


class TierOfferIn(OfferIn):
    """What every partner in the tier is offered, and whoever joins it until the last day."""

    tier_id: UUID


class TierOfferOut(Out):
    """An offer to a tier; what became of each partner's is in the list of its offers."""

    id: UUID
    tier_id: UUID
    tier_code: Annotated[str, Meta(examples=["GOLD"])]
    tier_name: str
    tier_name_en: str
    state: Annotated[str, Meta(description="`open` until it is withdrawn", examples=["open"])]
    is_expired: bool
    lines: Sequence[OfferLineOut]
    total: Annotated[MoneyOut, Meta(description="Of the lines, for each partner")]
    terms: str
    takes_more: bool
    contract_terms: int | None
    contract_ends_at: datetime | None
    valid_until: datetime
    created_at: datetime
    sent: Annotated[int, Meta(description="To how many partners")]
    accepted: Annotated[int, Meta(description="By how many of them")]
    approval: Annotated[OfferApprovalOut | None, Meta(description="null where nobody was asked")]

    @classmethod
    def of(cls, row: TierOfferView) -> TierOfferOut:
        """From the query's row."""
        return cls.of_row(row, lines=[OfferLineOut.of(one) for one in row.lines], approval=approval_out(row.approval))


@post("/v1/seller/tier-offers", permission=MANAGE, refuses=[404, 409, 429], sync_to_thread=True, tags=["seller"])
def make(data: JSONBody[TierOfferIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[TierOfferOut]:
    """Offer prices to all partners in a tier. Each gets an offer of its own and may accept it once.

    Below a floor of the seller's it is `awaiting_approval`, and no partner sees anything of it. The same again is that offer.
    """
    command = MakeOffer(None, data.plans(), data.valid_on, **data.words())

    def work(uow: UnitOfWork) -> TierOfferOut:
        return TierOfferOut.of(get_tier_offer(uow, make_tier_offer(uow, data.tier_id, command).id))

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/seller/tier-offers", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_all(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[TierOfferOut]]:
    """What the organization offered to tiers, the newest first."""
    return list_page(request, paging, list_tier_offers, TierOfferOut.of)


@get("/v1/seller/tier-offers/{tier_offer_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_one(tier_offer_id: FromPath[UUID], request: ApiRequest) -> TierOfferOut:
    """An offer to a tier."""
    with request.transaction() as uow:
        return TierOfferOut.of(get_tier_offer(uow, tier_offer_id))


@get("/v1/seller/tier-offers/{tier_offer_id:uuid}/offers", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_offers(
    tier_offer_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[OfferOut]]:
    """The offers that partners got by it, the newest first: who accepted, and who did not."""
    with request.transaction() as uow:
        get_tier_offer(uow, tier_offer_id)
    read = partial(list_offers, sells=True, tier_offer_id=tier_offer_id)
    return list_page(request, paging, read, OfferOut.of)


@post(
    "/v1/seller/tier-offers/{tier_offer_id:uuid}/withdrawal",
    permission=MANAGE,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def withdraw(tier_offer_id: FromPath[UUID], request: ApiRequest) -> TierOfferOut:
    """Take it back from every partner that did not accept it. Done already, nothing changes."""

    def work(uow: UnitOfWork) -> TierOfferOut:
        return TierOfferOut.of(get_tier_offer(uow, withdraw_tier_offer(uow, tier_offer_id).id))

    return request.transact(work)


@post(
    "/v1/seller/tier-offers/{tier_offer_id:uuid}/decision",
    permission=APPROVE,
    refuses=[409, 410],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def decide(tier_offer_id: FromPath[UUID], data: JSONBody[OfferDecisionIn], request: ApiRequest) -> TierOfferOut:
    """Approve one that waits, so that the partners in the tier get it, or reject it. Decided so already, nothing changes."""
    command = DecideTierOffer(tier_offer_id, data.decision, data.text)

    def work(uow: UnitOfWork) -> TierOfferOut:
        return TierOfferOut.of(get_tier_offer(uow, decide_tier_offer(uow, command).id))

    return request.transact(work)


routes = [make, get_all, get_one, get_offers, withdraw, decide]
