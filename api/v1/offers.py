"""Offers: a seller's price for whoever asked, and the quote by which its buyer accepts it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.language import language_of
from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, StrictInt, Wire, idempotent_command
from api.v1.quotes import QuoteOut
from kernel.db.uow import UnitOfWork
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.decline_offer import DeclineOffer, decline_offer
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.queries import get_offer

MANAGE = "leads.manage"


class OfferIn(Wire):
    """A plan, how many of it, at which price (`unit_price` or `discount_ppm`), and the last day on which it holds."""

    plan_id: UUID
    quantity: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = 1
    unit_price: Annotated[StrictInt, Field(ge=0)] | None = Field(
        default=None, description="Minor units of the plan's currency, for one unit and interval"
    )
    discount_ppm: Annotated[StrictInt, Field(ge=0, le=1_000_000)] | None = Field(
        default=None, description="Off the plan's price, in parts per million: 150000 is 15 %"
    )
    valid_on: Annotated[date, Field(description="Where the seller keeps its calendar", examples=["2026-12-31"])]


class OfferQuoteIn(Wire):
    """Whom the invoice will name, which decides the tax; null for the default profile."""

    billing_profile_id: UUID | None = None


class DeclineIn(Wire):
    """Why it is declined, which the seller reads; null and no words without a reason."""

    reason: Annotated[
        Literal["price", "scope", "timing", "budget", "other_supplier", "other"] | None, Field(examples=["price"])
    ] = None
    text: Annotated[str, Field(max_length=1_000)] = ""


class OfferOut(Out):
    """An offer. `is_expired`: still open, and past the day on which it could be accepted."""

    id: UUID
    lead_id: UUID
    state: Annotated[str, Meta(examples=["open"])]
    is_expired: bool
    plan_id: UUID
    title: str
    title_en: str
    plan_name: str
    plan_name_en: str
    pricing: str
    interval: str
    term_months: int
    price_unit: str
    tax_included: bool
    quantity: int
    unit_price: MoneyOut
    list_price: Annotated[MoneyOut, Meta(description="The plan's own price when it was offered")]
    total: Annotated[MoneyOut, Meta(description="Unit price times quantity, with the tax where the price contains it")]
    valid_until: datetime
    created_at: datetime
    order_id: UUID | None
    decline_reason: str | None
    decline_text: str


@post("/v1/seller/leads/{lead_id:uuid}/offers", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def make(
    lead_id: FromPath[UUID], data: JSONBody[OfferIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[OfferOut]:
    """Answer a request with a price. One that is open on it already is withdrawn."""
    command = MakeOffer(
        lead_id,
        data.plan_id,
        data.quantity,
        data.valid_on,
        unit_price_minor=data.unit_price,
        discount_ppm=data.discount_ppm,
    )

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of_row(get_offer(uow, make_offer(uow, command).id, sells=True))

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/offers/{offer_id:uuid}/withdrawal",
    permission=MANAGE,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["seller"],
)
def withdraw(offer_id: FromPath[UUID], request: ApiRequest) -> OfferOut:
    """Take an offer back that nobody accepted. Done already, nothing changes."""

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of_row(get_offer(uow, withdraw_offer(uow, offer_id).id, sells=True))

    return request.transact(work)


@get("/v1/offers/{offer_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_own_offer(offer_id: FromPath[UUID], request: ApiRequest) -> OfferOut:
    """An offer made to the organization; all of a request stand in its thread."""
    with request.transaction() as uow:
        return OfferOut.of_row(get_offer(uow, offer_id, sells=False))


@post(
    "/v1/offers/{offer_id:uuid}/quote", permission=SIGNED_IN, refuses=[409, 410], sync_to_thread=True, tags=["buying"]
)
def price_offer(offer_id: FromPath[UUID], data: JSONBody[OfferQuoteIn], request: ApiRequest) -> QuoteOut:
    """Price an offer with its tax, without committing. A purchase of the quote accepts the offer, once."""
    command = QuoteOffer(offer_id, data.billing_profile_id)
    return request.transact(lambda uow: QuoteOut.of(quote_offer(uow, command), language_of(request)))


@post(
    "/v1/offers/{offer_id:uuid}/decline",
    permission=SIGNED_IN,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def decline(offer_id: FromPath[UUID], data: JSONBody[DeclineIn], request: ApiRequest) -> OfferOut:
    """Say no to an offer. The request goes on: the seller may make another. Done already, nothing changes."""
    command = DeclineOffer(offer_id, data.reason, data.text)

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of_row(get_offer(uow, decline_offer(uow, command).id, sells=False))

    return request.transact(work)


routes = [make, withdraw, get_own_offer, price_offer, decline]
