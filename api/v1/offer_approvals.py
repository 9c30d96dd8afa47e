"""A seller's own say in its offers: down to where anybody may offer, and what becomes of an offer below that."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, StrictInt, Wire
from api.v1.offer_bodies import OfferOut
from kernel.db.uow import UnitOfWork
from orders.offers.decide_offer import DecideOffer, decide_offer
from orders.offers.floors import APPROVE, SetFloor, list_floors, set_floor
from orders.offers.queries import get_offer


class OfferFloorIn(Wire):
    """The least share of the list price that is offered without approval; null for no floor."""

    listing_id: UUID | None = Field(default=None, description="null: of all products that have no floor of their own")
    floor_ppm: Annotated[StrictInt, Field(ge=1, le=1_000_000, examples=[850_000])] | None


class OfferFloorOut(Out):
    """A floor. `listing_id` null: of all products that have none of their own."""

    listing_id: UUID | None
    title: str
    title_en: str
    floor_ppm: Annotated[int, Meta(description="Of the list price: 850000 is 85 %")]


class OfferDecisionIn(Wire):
    """What becomes of it, and why: needed where it is rejected. Its maker reads the words, its buyer does not."""

    decision: Literal["approved", "rejected"]
    text: Annotated[str, Field(max_length=1_000)] = ""


def _floors(uow: UnitOfWork) -> list[OfferFloorOut]:
    return [OfferFloorOut.of_row(one) for one in list_floors(uow)]


@get("/v1/seller/offer-floors", permission=APPROVE, sync_to_thread=True, tags=["seller"])
def get_floors(request: ApiRequest) -> list[OfferFloorOut]:
    """Below which share of its list price each product is offered only with approval."""
    with request.transaction() as uow:
        return _floors(uow)


@put("/v1/seller/offer-floors", permission=APPROVE, refuses=[404], sync_to_thread=True, tags=["seller"])
def put_floor(data: JSONBody[OfferFloorIn], request: ApiRequest) -> list[OfferFloorOut]:
    """Set or remove the floor of a product, or of all; the answer is every floor. What was offered before stays as it is."""

    def work(uow: UnitOfWork) -> list[OfferFloorOut]:
        set_floor(uow, SetFloor(data.listing_id, data.floor_ppm))
        return _floors(uow)

    return request.transact(work)


@post(
    "/v1/seller/offers/{offer_id:uuid}/decision",
    permission=APPROVE,
    refuses=[409, 410],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def decide(offer_id: FromPath[UUID], data: JSONBody[OfferDecisionIn], request: ApiRequest) -> OfferOut:
    """Approve an offer that waits, so that its buyer gets it, or reject it. Decided so already, nothing changes."""
    command = DecideOffer(offer_id, data.decision, data.text)

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of(get_offer(uow, decide_offer(uow, command).id, sells=True))

    return request.transact(work)


routes = [get_floors, put_floor, decide]
