"""Coupons and promotions of a seller: listed, made, ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.coupons.views import CouponDetailView, CouponItem, CouponsView, CouponTyped, CouponUseItem
from api.pages.frame import addresses
from api.pages.frame.choices import COMMON_CURRENCIES, Choice
from api.pages.frame.discounts import off_in_words
from api.pages.frame.phrases import failure
from api.pages.frame.prices import parse_amount
from api.pages.frame.seller_access import require_seller
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.videos.presenter import partners_of
from api.schema import run_command
from api.v1.coupons import CouponIn, CouponOut
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.catalog.queries import ListingView, PlanView, list_own_plans
from orders.coupons.make_coupon import PERMISSION, MakeCoupon, end_coupon, make_coupon
from orders.coupons.queries import (
    READ_USES,
    CouponUseView,
    CouponView,
    get_coupon,
    list_coupon_uses,
    list_coupons,
    to_coupon_view,
)

Answer = Response[str] | Response[bytes]
_PERCENT = re.compile(r"\d{1,3}(\.\d{1,4})?", re.ASCII)
_PPM_OF_PERCENT = 10_000
USUAL = timedelta(days=30)


@page(addresses.coupons.COUPONS, PERMISSION)
def show_coupons(page_request: Given[PageRequest]) -> Answer:
    """All of them, the newest first."""
    require_seller(page_request)
    return page_request.render(_coupons(page_request))


@form_post(addresses.coupons.COUPONS, PERMISSION)
def make(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make one; pressed twice it is one."""
    require_seller(page_request)
    typed = CouponTyped(**{one.name: form.values.get(one.name, "")[:5_000] for one in fields(CouponTyped)})
    try:
        command = _command(page_request, form, typed)

        def work(uow: UnitOfWork) -> CouponOut:
            return CouponOut.of(to_coupon_view(make_coupon(uow, command), 0))

        key = form.text("idempotency_key", most=255) or None
        asked = CouponIn.model_construct(**_as_asked(command))
        run_command(page_request.request, key, asked, work, route=f"POST {addresses.coupons.COUPONS}")
    except DomainError as refused:
        said = failure(page_request, refused)
        named = getattr(refused, "field", None) or ("code" if refused.code == "coupon_code_taken" else "")
        named = {"listing_ids": "product", "org_ids": "partners"}.get(named, named)
        wrong = {"error_field": named, "field_error": said} if named else {"error": said}
        view = replace(_coupons(page_request, typed), **wrong)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.coupons.COUPONS, notice="coupon_made")


@page("/seller/coupons/{coupon_id:uuid}", PERMISSION)
def show_coupon(coupon_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What it says, and who used it."""
    require_seller(page_request)
    here = addresses.coupons.coupon(str(coupon_id))
    with page_request.work() as uow:
        one = get_coupon(uow, coupon_id)
        titles = _titles(page_request, list_own_plans(uow))
        found = None
        if page_request.principal.may(READ_USES):
            found = list_coupon_uses(uow, coupon_id, cursor=page_request.query("cursor", most=200) or None)
    uses = None if found is None else tuple(_use(use) for use in found.items)
    more = addresses.next_page(here, found.next_cursor) if found is not None else None
    return page_request.render(CouponDetailView(_item(page_request, one, titles), uses, more))


@form_post("/seller/coupons/{coupon_id:uuid}/end", PERMISSION)
def end(coupon_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """End it: pressed twice, it is ended."""
    del form
    page_request.transact(lambda uow: end_coupon(uow, coupon_id).id)
    return page_request.redirect(addresses.coupons.COUPONS)


def _coupons(page_request: PageRequest, typed: CouponTyped | None = None) -> CouponsView:
    with page_request.work() as uow:
        found = list_coupons(uow, cursor=page_request.query("cursor", most=200) or None)
        own = list_own_plans(uow)
    titles = _titles(page_request, own)
    products = [Choice("", page_request.t("coupons.all_products")), *(Choice(*one) for one in titles.items())]
    today = clock.today(page_request.time_zone)
    usual = CouponTyped(currency="CNY", starts_on=today.isoformat(), ends_on=(today + USUAL).isoformat())
    return CouponsView(
        tuple(_item(page_request, one, titles) for one in found.items),
        tuple(products),
        typed or usual,
        idempotency_key=str(uuid7()),
        next_address=addresses.next_page(addresses.coupons.COUPONS, found.next_cursor),
        currencies=COMMON_CURRENCIES,
    )


def _titles(page_request: PageRequest, own: Sequence[tuple[ListingView, PlanView]]) -> dict[str, str]:
    """What a coupon may be for, by how the form names it: a product, or one plan of it."""
    found: dict[str, str] = {}
    for listing, plan in own:
        title = page_request.pick(listing.title, listing.title_en)
        found.setdefault(str(listing.id), title)
        found[f"{listing.id}:{plan.code}"] = f"{title} · {page_request.pick(plan.name, plan.name_en)}"
    return found


def _for(one: CouponView, titles: Mapping[str, str]) -> tuple[str, ...]:
    """In words what it is for; a product or plan that is no more by its code."""
    named = [f"{listing_id}:{code}" for listing_id in one.listing_ids for code in one.plan_codes]
    named = named or [str(listing_id) for listing_id in one.listing_ids] or list(one.plan_codes)
    return tuple(titles.get(each, each) for each in named)


def _use(one: CouponUseView) -> CouponUseItem:
    return CouponUseItem(
        one.order_number,
        addresses.trace(str(one.order_id)),
        one.buyer_name,
        addresses.seller_customer(str(one.buyer_org_id)),
        one.order_state,
        Money(one.discount_minor, one.currency),
        one.created_at,
    )


def _item(page_request: PageRequest, one: CouponView, titles: Mapping[str, str]) -> CouponItem:
    return CouponItem(
        name=one.name,
        code=one.code or "",
        off=off_in_words(page_request, one.percent_ppm, one.amount_minor, one.currency),
        uses=one.uses,
        most_uses=one.most_uses,
        most_per_org=one.most_per_org,
        named=len(one.org_ids),
        with_offers=one.with_offers,
        state=one.state,
        starts_at=one.starts_at,
        until=one.ends_at - timedelta(seconds=1),
        address=addresses.coupons.coupon(str(one.id)),
        every_term=one.every_term,
        products=_for(one, titles),
        end=addresses.coupons.coupon_end(str(one.id)) if one.state in {"running", "waits"} else "",
    )


def _command(page_request: PageRequest, form: Form, typed: CouponTyped) -> MakeCoupon:
    listing, _, plan_code = typed.product.partition(":")
    return MakeCoupon(
        typed.name,
        _day(typed.starts_on, "starts_on"),
        _day(typed.ends_on, "ends_on"),
        code=typed.code,
        percent_ppm=ppm_of_percent(typed.percent),
        amount_minor=_amount(typed),
        currency=typed.currency or None,
        listing_ids=(parse_uuid_or_404(listing, "listing_not_found"),) if listing else (),
        plan_codes=(plan_code,) if plan_code else (),
        org_ids=tuple(partners_of(page_request, form)),
        most_uses=form.number("most_uses", least=1, most=1_000_000) if typed.most_uses else None,
        most_per_org=form.number("most_per_org", least=1, most=1_000_000) if typed.most_per_org else None,
        with_offers=typed.with_offers == "yes",
        every_term=typed.every_term == "yes",
    )


def _as_asked(command: MakeCoupon) -> dict[str, Any]:
    """As the API would be asked: what tells one sending of the form from another."""
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(command).items()}
    return {**values, "amount": values.pop("amount_minor")}


def _amount(typed: CouponTyped) -> int | None:
    if not typed.amount:
        return None
    if typed.currency not in COMMON_CURRENCIES:
        raise Invalid("coupon_value", field="amount")
    found = parse_amount(typed.amount, typed.currency)
    if found is None:
        raise Invalid("coupon_value", field="amount")
    return found


def ppm_of_percent(percent: str) -> int | None:
    """A share as it is typed, in parts per million; None where nothing was. Raises Invalid `coupon_value`."""
    plain = percent.removesuffix("%").strip()
    if not plain:
        return None
    if not _PERCENT.fullmatch(plain):
        raise Invalid("coupon_value", field="percent")
    return int(Decimal(plain) * _PPM_OF_PERCENT)


def _day(typed: str, field: str) -> date:
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise Invalid("validation_failed", field=field) from error


routes = [show_coupons, make, show_coupon, end]
