"""Coupons and promotions, made and ended by the seller; a buyer names one's code where it asks for a quote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.auth import PUBLIC
from api.request import ApiRequest
from api.schema import (
    CurrencyIn,
    KeyHeader,
    MoneyOut,
    Out,
    PageOut,
    Paging,
    ShortText,
    StrictInt,
    Wire,
    idempotent_command,
    linked,
    list_page,
)
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from marketplace.catalog.queries import get_listing
from orders.coupons.make_coupon import MOST_NAMED, MOST_USES, PERMISSION, MakeCoupon, end_coupon, make_coupon
from orders.coupons.promotions import PromotionView, promotions_of
from orders.coupons.queries import READ_USES, CouponView, get_coupon, list_coupon_uses, list_coupons, to_coupon_view

Uses = Annotated[StrictInt, Field(ge=1, le=MOST_USES)]


class CouponIn(Wire):
    """Of `percent_ppm` and `amount` (minor units of `currency`) one. Without a `code` it is a promotion, which needs no naming.

    Empty lists: all products, all their plans, all organizations. The days are whole ones of the seller's calendar.
    """

    name: ShortText
    code: Annotated[str, Field(max_length=32, examples=["LAUNCH-20"])] = ""
    percent_ppm: Annotated[StrictInt, Field(ge=1, le=1_000_000, examples=[200_000])] | None = None
    amount: Annotated[StrictInt, Field(ge=1)] | None = None
    currency: CurrencyIn | None = None
    listing_ids: Annotated[list[UUID], Field(max_length=MOST_NAMED)] = Field(default_factory=list)
    plan_codes: Annotated[list[ShortText], Field(max_length=MOST_NAMED)] = Field(default_factory=list)
    org_ids: Annotated[list[UUID], Field(max_length=MOST_NAMED)] = Field(default_factory=list)
    most_uses: Uses | None = Field(default=None, description="Orders in all")
    most_per_org: Uses | None = None
    with_offers: bool = Field(
        default=False, description="Whether it is taken off the price of an offer or a partner, too"
    )
    every_term: bool = Field(
        default=False, description="Whether it comes off each renewal, too; else off the first term alone"
    )
    starts_on: Annotated[date, Field(examples=["2026-12-01"])]
    ends_on: Annotated[date, Field(examples=["2026-12-31"])]

    def command(self) -> MakeCoupon:
        """As the command takes it."""
        values: dict[str, Any] = self.model_dump(exclude={"amount"})
        named = {name: tuple(values[name]) for name in ("listing_ids", "plan_codes", "org_ids")}
        return MakeCoupon(**values | named, amount_minor=self.amount)


class CouponOut(Out):
    """A coupon; without a `code` a promotion. `uses`: orders that hold it, those that ended unpaid not among them."""

    id: UUID
    code: str | None
    name: str
    percent_ppm: int | None
    amount: MoneyOut | None
    listing_ids: Sequence[UUID]
    plan_codes: Sequence[str]
    org_ids: Sequence[UUID]
    most_uses: int | None
    most_per_org: int | None
    with_offers: bool
    every_term: bool
    starts_at: datetime
    ends_at: datetime
    state: Annotated[str, Meta(description="`waits`, `running`, `over` or `ended`", examples=["running"])]
    uses: int

    @classmethod
    def of(cls, row: CouponView) -> CouponOut:
        """From the query's row."""
        return cls.of_row(row, amount=_amount(row))


class CouponUseOut(Out):
    """A use of a coupon by an order that was paid."""

    id: UUID
    order_id: UUID
    order_number: str
    order_state: str
    buyer_org_id: UUID
    buyer_name: str
    discount: MoneyOut
    created_at: datetime


class PromotionOut(Out):
    """A promotion that holds now, of the plans that it names, or of all. `amount` is off a whole order."""

    id: UUID
    name: str
    percent_ppm: int | None
    amount: MoneyOut | None
    plan_codes: Sequence[str]
    every_term: Annotated[bool, Meta(description="Whether it comes off renewals, too; else off the first term alone")]
    ends_at: datetime

    @classmethod
    def of(cls, row: PromotionView) -> PromotionOut:
        """From the query's row."""
        return cls.of_row(row, amount=_amount(row))


def _amount(row: CouponView | PromotionView) -> MoneyOut | None:
    return MoneyOut.of_money(Money(row.amount_minor, row.currency)) if row.amount_minor and row.currency else None


@get("/v1/listings/{listing_id:uuid}/promotions", permission=PUBLIC, sync_to_thread=True, tags=["catalogue"])
def get_promotions(listing_id: FromPath[UUID], request: ApiRequest) -> list[PromotionOut]:
    """What is off a product at the moment for whoever asks, and until when. A quote takes what takes most off by itself."""
    with request.transaction() as uow:
        get_listing(uow, listing_id)
        return [PromotionOut.of(one) for one in promotions_of(uow, [listing_id]).get(listing_id, ())]


@get("/v1/seller/coupons/{coupon_id:uuid}", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_one_coupon(coupon_id: FromPath[UUID], request: ApiRequest) -> CouponOut:
    """One of the seller's coupons or promotions."""
    with request.transaction() as uow:
        return CouponOut.of(get_coupon(uow, coupon_id))


@get("/v1/seller/coupons/{coupon_id:uuid}/uses", permission=READ_USES, sync_to_thread=True, tags=["seller"])
def get_coupon_uses(
    coupon_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[CouponUseOut]]:
    """Who used it, in orders that were paid, the newest first."""
    with request.transaction() as uow:
        found = list_coupon_uses(uow, coupon_id, cursor=paging.cursor, limit=paging.limit)
    return linked(found, CouponUseOut.of_row, request.scope["path"], limit=paging.limit)


@get("/v1/seller/coupons", permission=PERMISSION, sync_to_thread=True, tags=["seller"])
def get_coupons(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[CouponOut]]:
    """The seller's coupons and promotions, the newest first."""
    return list_page(request, paging, list_coupons, CouponOut.of)


@post("/v1/seller/coupons", permission=PERMISSION, refuses=[409], sync_to_thread=True, tags=["seller"])
def post_coupon(data: JSONBody[CouponIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[CouponOut]:
    """Make a coupon or a promotion. What it says never changes: end it and make another."""

    def work(uow: UnitOfWork) -> CouponOut:
        return CouponOut.of(to_coupon_view(make_coupon(uow, data.command()), 0))

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/seller/coupons/{coupon_id:uuid}/end",
    permission=PERMISSION,
    status_code=204,
    sync_to_thread=True,
    tags=["seller"],
)
def post_coupon_end(coupon_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let nobody be quoted with it any more; quotes that were given hold. Ended already, nothing changes."""
    request.transact(lambda uow: end_coupon(uow, coupon_id).id)


routes = [get_promotions, get_coupons, get_one_coupon, get_coupon_uses, post_coupon, post_coupon_end]
