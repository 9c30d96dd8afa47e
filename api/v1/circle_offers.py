"""What sellers offer to the members of circles."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import CurrencyIn, KeyHeader, MoneyOut, Out, ShortText, StrictInt, Wire, idempotent_command
from kernel.db.uow import UnitOfWork
from orders.coupons.circle_offers import CircleOffer, OfferToCircle, circle_offers, end_circle_offer, offer_to_circle
from orders.coupons.make_coupon import MOST_NAMED, MOST_USES, PERMISSION


class CircleOfferIn(Wire):
    """A product of one's own. Of `percent_ppm` and `amount` (minor units of `currency`, off an order) one."""

    listing_id: UUID
    name: ShortText
    starts_on: Annotated[date, Field(examples=["2026-12-01"])]
    ends_on: Annotated[date, Field(examples=["2026-12-31"])]
    percent_ppm: Annotated[StrictInt, Field(ge=1, le=1_000_000, examples=[150_000])] | None = None
    amount: Annotated[StrictInt, Field(ge=1)] | None = None
    currency: CurrencyIn | None = None
    plan_codes: Annotated[list[ShortText], Field(max_length=MOST_NAMED)] = Field(default_factory=list)
    places: Annotated[StrictInt, Field(ge=1, le=MOST_USES, examples=[20])] | None = Field(
        default=None, description="Orders in all; null for any number"
    )


class CircleOfferOut(Out):
    """An offer. It holds for quotes with `circle_id`, of members who act for the organization that they joined for."""

    id: UUID
    circle_id: UUID
    seller_org_id: UUID
    seller_name: str
    listing_id: UUID
    name: str
    percent_ppm: int | None
    amount: MoneyOut | None
    plan_codes: Annotated[Sequence[str], Meta(description="Empty: all plans")]
    places: Annotated[int | None, Meta(description="Orders in all; null for any number")]
    left: int | None
    starts_at: datetime
    ends_at: datetime
    may_end: Annotated[bool, Meta(description="Whether one is its seller, or leads the circle")]

    @classmethod
    def of(cls, row: CircleOffer) -> CircleOfferOut:
        """From the query's row."""
        amount = (
            MoneyOut(amount=row.amount_minor, currency=row.currency or "") if row.amount_minor is not None else None
        )
        return cls.of_row(row, amount=amount)


@get(
    "/v1/circles/{circle_id:uuid}/offers",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def get_circle_offers(circle_id: FromPath[UUID], request: ApiRequest) -> list[CircleOfferOut]:
    """What is offered to a circle now or is to come, for its members; what ends first comes first."""
    with request.transaction() as uow:
        return [CircleOfferOut.of(one) for one in circle_offers(uow, circle_id)]


@post(
    "/v1/circles/{circle_id:uuid}/offers",
    permission=PERMISSION,
    refuses=[403, 404, 409],
    sync_to_thread=True,
    tags=["circles"],
)
def post_circle_offer(
    circle_id: FromPath[UUID], data: JSONBody[CircleOfferIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[CircleOfferOut]:
    """Offer a product of one's own to a circle that one is in for its seller."""
    values = data.model_dump(exclude={"amount", "plan_codes"})
    command = OfferToCircle(circle_id, **values, amount_minor=data.amount, plan_codes=tuple(data.plan_codes))

    def work(uow: UnitOfWork) -> CircleOfferOut:
        made = offer_to_circle(uow, command)
        return next(CircleOfferOut.of(one) for one in circle_offers(uow, circle_id) if one.id == made.id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/circle-offers/{circle_offer_id:uuid}/end",
    permission=SIGNED_IN,
    refuses=[403, 404],
    status_code=204,
    sync_to_thread=True,
    tags=["circles"],
)
def post_circle_offer_end(circle_offer_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let nobody be quoted at it any more; quotes that were given hold. Its seller, or a leader of the circle."""
    request.transact(lambda uow: end_circle_offer(uow, circle_offer_id).id)


routes = [get_circle_offers, post_circle_offer, post_circle_offer_end]
