"""Offers: a seller's price for whoever asked, and the quote by which its buyer accepts it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.response import Stream

from api.auth import SIGNED_IN
from api.known_values import state_in
from api.language import language_of
from api.request import ApiRequest
from api.schema import KeyHeader, PageOut, Paging, idempotent_command, list_page
from api.v1.offer_bodies import CounterOfferIn, DeclineIn, OfferIn, OfferOut, OfferQuoteIn, PrivateOfferIn
from api.v1.quotes import QuoteOut
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from orders.checkout.approval_reasons import BUY
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.counter_offer import MakeCounterOffer, make_counter_offer
from orders.offers.decline_offer import DeclineOffer, decline_offer
from orders.offers.draw_offer import draw_offer, find_offer_file
from orders.offers.make_offer import MakeOffer, make_offer, withdraw_offer
from orders.offers.models import OFFER, SHOWN_STATES
from orders.offers.queries import get_offer, list_offers

MANAGE = "leads.manage"
LocaleParameter = Annotated[
    Literal["zh-CN", "en"], QueryParameter(name="locale", required=False, description="The language of its labels")
]


@post("/v1/seller/leads/{lead_id:uuid}/offers", permission=MANAGE, refuses=[409], sync_to_thread=True, tags=["seller"])
def make(
    lead_id: FromPath[UUID], data: JSONBody[OfferIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[OfferOut]:
    """Answer a request with prices of one's plans, bought as one order. One that is open on it already is superseded.

    Below a floor of the seller's it is `awaiting_approval`, and its buyer sees nothing of it.
    """
    command = MakeOffer(lead_id, data.plans(), data.valid_on, **data.words())

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of(get_offer(uow, make_offer(uow, command).id, sells=True))

    return idempotent_command(request, idempotency_key, data, work)


@post("/v1/seller/offers", permission=MANAGE, refuses=[404, 409, 429], sync_to_thread=True, tags=["seller"])
def make_private(data: JSONBody[PrivateOfferIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[OfferOut]:
    """Offer prices to an organization that did not ask. The same again is that offer, as long as it is open."""
    command = MakeOffer(None, data.plans(), data.valid_on, data.organization_id, data.supersedes_id, **data.words())

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of(get_offer(uow, make_offer(uow, command).id, sells=True))

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/seller/offers", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_sold_offers(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(OFFER.states)] = None
) -> Response[PageOut[OfferOut]]:
    """What the organization offered, on requests and of its own accord, the newest first; without counter-offers."""
    return list_page(request, paging, partial(list_offers, sells=True), OfferOut.of, state=only)


@get("/v1/offers", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_own_offers(
    request: ApiRequest, paging: Given[Paging], only: Annotated[str | None, state_in(SHOWN_STATES)] = None
) -> Response[PageOut[OfferOut]]:
    """What the organization was offered, the newest first; without counter-offers."""
    return list_page(request, paging, partial(list_offers, sells=False), OfferOut.of, state=only)


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
        return OfferOut.of(get_offer(uow, withdraw_offer(uow, offer_id).id, sells=True))

    return request.transact(work)


@get("/v1/seller/offers/{offer_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["seller"])
def get_sold_offer(offer_id: FromPath[UUID], request: ApiRequest) -> OfferOut:
    """An offer that the organization made."""
    with request.transaction() as uow:
        return OfferOut.of(get_offer(uow, offer_id, sells=True))


@get("/v1/offers/{offer_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["buying"])
def get_own_offer(offer_id: FromPath[UUID], request: ApiRequest) -> OfferOut:
    """An offer made to the organization; all of a request stand in its thread."""
    with request.transaction() as uow:
        return OfferOut.of(get_offer(uow, offer_id, sells=False))


@get(
    "/v1/seller/offers/{offer_id:uuid}/pdf",
    permission=MANAGE,
    refuses=[404, 409, 410],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["seller"],
)
def download_sold_offer(offer_id: FromPath[UUID], request: ApiRequest, locale: LocaleParameter = "zh-CN") -> Stream:
    """An offer that the organization made, as PDF. It is drawn within seconds of being made."""
    return _download(request, offer_id, locale, sells=True)


@get(
    "/v1/offers/{offer_id:uuid}/pdf",
    permission=SIGNED_IN,
    refuses=[404, 409],
    sync_to_thread=True,
    media_type="application/pdf",
    tags=["buying"],
)
def download_own_offer(offer_id: FromPath[UUID], request: ApiRequest, locale: LocaleParameter = "zh-CN") -> Stream:
    """An offer made to the organization, as PDF. It is drawn within seconds of being made."""
    return _download(request, offer_id, locale, sells=False)


def _download(request: ApiRequest, offer_id: UUID, locale: str, *, sells: bool) -> Stream:
    try:
        with request.transaction() as uow:
            found = find_offer_file(uow, offer_id, locale, sells=sells)
    except Conflict:
        request.transact(lambda uow: draw_offer(uow, offer_id))
        raise
    # Read after the transaction: nothing outside is asked while it is open.
    return Stream(
        request.services.storage.stream(found.key),
        media_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="{found.file_name}"',
            "ETag": f'"{found.sha256}"',
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )


@post(
    "/v1/offers/{offer_id:uuid}/quote", permission=SIGNED_IN, refuses=[409, 410], sync_to_thread=True, tags=["buying"]
)
def price_offer(offer_id: FromPath[UUID], data: JSONBody[OfferQuoteIn], request: ApiRequest) -> QuoteOut:
    """Price an offer with its tax, without committing. A purchase of the quote accepts the offer, once."""
    quantities = tuple((one.number, one.quantity) for one in data.quantities)
    command = QuoteOffer(offer_id, data.billing_profile_id, quantities, data.coupon)
    return request.transact(lambda uow: QuoteOut.of(quote_offer(uow, command), language_of(request)))


@post(
    "/v1/offers/{offer_id:uuid}/decline",
    permission=BUY,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["buying"],
)
def decline(offer_id: FromPath[UUID], data: JSONBody[DeclineIn], request: ApiRequest) -> OfferOut:
    """Say no to an offer. The request goes on: the seller may make another. Done already, nothing changes."""
    command = DeclineOffer(offer_id, data.reason, data.text)

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of(get_offer(uow, decline_offer(uow, command).id, sells=False))

    return request.transact(work)


@post(
    "/v1/offers/{offer_id:uuid}/counter-offers",
    permission=BUY,
    refuses=[409, 410],
    sync_to_thread=True,
    tags=["buying"],
)
def counter(
    offer_id: FromPath[UUID], data: JSONBody[CounterOfferIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[OfferOut]:
    """Propose other figures for an open offer. It stays open until its seller answers with another, which supersedes it."""
    command = MakeCounterOffer(offer_id, data.proposed(), data.text)

    def work(uow: UnitOfWork) -> OfferOut:
        return OfferOut.of(get_offer(uow, make_counter_offer(uow, command).offer_id, sells=False))

    return idempotent_command(request, idempotency_key, data, work)


routes = [
    make,
    make_private,
    get_sold_offers,
    get_own_offers,
    withdraw,
    get_own_offer,
    get_sold_offer,
    download_sold_offer,
    download_own_offer,
    price_offer,
    decline,
    counter,
]
