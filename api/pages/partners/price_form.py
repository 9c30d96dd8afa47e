"""The form of a tier's price: a share off, a unit price, or own figures in the plan's price editor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from api.pages.coupons.handlers import ppm_of_percent
from api.pages.frame.phrases import failure
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from api.pages.listings.price_form import price_of, price_values
from api.pages.offers.form import own_price
from api.pages.partners.views import TypedPrice
from kernel.errors import DomainError, Invalid
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.offered import is_one_figure
from marketplace.relations.partner_queries import list_tier_prices
from marketplace.relations.save_tier import SetTierPrice, find_price_on_sale

_PREFIX = "own_1-"
"""What the names of the price editor's fields begin with."""
LONGEST = 9
"""Digits of a number that may be in range."""
_OWN = "own."
"""What a field of the price editor begins with in a refusal."""


def typed_price(page_request: PageRequest, form: Form) -> TypedPrice:
    """What was typed, as it was."""
    product, percent, unit_price = (
        form.text(name, most=most) for name, most in (("product", 200), ("percent", 20), ("unit_price", 30))
    )
    own = {name.removeprefix(_PREFIX): value for name, value in form.values.items() if name.startswith(_PREFIX)}
    least, step = (form.text(name, most=10) for name in ("min_quantity", "quantity_step"))
    return TypedPrice(product, percent, unit_price, least, step, own_price(page_request, "", own) if own else None)


def with_editor(page_request: PageRequest, tier_id: UUID, typed: TypedPrice) -> TypedPrice:
    """With the price editor closed where it was open, else open with the tier's own figures for the plan in it, or the plan's.

    Raises: Invalid `tier_price_one_plan` for all plans of a product, and of a plan whose price is one figure.
    """
    if typed.own is not None:
        return replace(typed, own=None)
    listing_id, code = _product(typed)
    with page_request.work() as uow:
        price = find_price_on_sale(uow, listing_id, code)
        if price is None or is_one_figure(price):
            raise Invalid("tier_price_one_plan", field="product")
        for one in list_tier_prices(uow, tier_id):
            if (one.listing_id, one.plan_code) == (listing_id, code) and one.price is not None:
                price = PlanPrice.model_validate(one.price)
    return replace(typed, percent="", unit_price="", own=own_price(page_request, "", price_values(price)))


def command_of(page_request: PageRequest, tier_id: UUID, typed: TypedPrice) -> SetTierPrice:
    """What it means. Raises Invalid `tier_price_value`; of the price editor as `price_of`, at `own.` and its field."""
    listing_id, code = _product(typed)
    numbers: dict[str, Any] = {name: _number(getattr(typed, name)) for name in ("min_quantity", "quantity_step")}
    if not typed.unit_price and typed.own is None:
        return SetTierPrice(tier_id, listing_id, code or None, _ppm(typed.percent), **numbers)
    with page_request.work() as uow:
        price = find_price_on_sale(uow, listing_id, code)
    if typed.own is not None:
        if price is None:
            raise Invalid("tier_price_unfit", field="product")
        try:
            own = price_of(Form(typed.own.form.values, {}), price.currency)
        except Invalid as refused:
            raise Invalid(refused.code, field=f"{_OWN}{refused.field}", **refused.params) from refused
        return SetTierPrice(tier_id, listing_id, code or None, price=own, **numbers)
    minor = parse_amount(typed.unit_price, price.currency) if price is not None else None
    if minor is None:
        raise Invalid("tier_price_value", field="unit_price")
    return SetTierPrice(tier_id, listing_id, code or None, _ppm(typed.percent), minor, **numbers)


def _number(typed: str) -> int:
    """Nothing typed is one; what is no number is out of range, as the field says."""
    if not typed:
        return 1
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= LONGEST else 0


def _ppm(percent: str) -> int | None:
    """Raises Invalid `tier_price_value`."""
    try:
        return ppm_of_percent(percent)
    except Invalid as refused:
        raise Invalid("tier_price_value", field="percent") from refused


def with_wrong(page_request: PageRequest, typed: TypedPrice, refused: DomainError) -> tuple[TypedPrice, str]:
    """The form with what is wrong said at its field: in the price editor there, else the name of the form's own field."""
    named = getattr(refused, "field", None) or "percent"
    if typed.own is None:
        return typed, {"discount_ppm": "percent", "price": "percent"}.get(named, named)
    if not named.startswith(_OWN):
        return typed, named if named in ("product", "min_quantity", "quantity_step") else "price"
    said = {named.removeprefix(_OWN): failure(page_request, refused)}
    return replace(typed, own=own_price(page_request, "", typed.own.form.values, said)), ""


def _product(typed: TypedPrice) -> tuple[UUID, str]:
    """The product, and the code of the plan; empty for all of its plans."""
    listing, _, code = typed.product.partition(":")
    return parse_uuid_or_404(listing, "listing_not_found"), code
