"""What sellers offer to a circle, on its page, and the form by which a member offers something of their seller's."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from uuid import UUID

from api.pages.circles.views import CircleOfferItem, CircleOfferTyped, CirclePage
from api.pages.coupons.handlers import ppm_of_percent
from api.pages.frame import addresses
from api.pages.frame.choices import Choice
from api.pages.frame.discounts import off_in_words
from api.pages.frame.site import Form, PageRequest, parse_uuid_or_404
from kernel import clock
from kernel.errors import Invalid
from marketplace.catalog.queries import list_listings_by_id, list_own_listings
from orders.coupons.circle_offers import OfferToCircle, circle_offers
from orders.coupons.make_coupon import PERMISSION

MOST_LISTINGS = 100


@dataclass(frozen=True, slots=True)
class _Offered:
    items: tuple[CircleOfferItem, ...]
    products: tuple[Choice, ...]


def with_offers(page_request: PageRequest, view: CirclePage, circle_id: UUID) -> CirclePage:
    """The page with what is offered, for members; to whoever keeps a seller's catalogue with the form, too."""
    if not view.circle.role:
        return view
    found = _offered(page_request, circle_id)
    return replace(view, offers=found.items, own_products=found.products)


def _offered(page_request: PageRequest, circle_id: UUID) -> _Offered:
    signed_in = page_request.signed_in
    sells = signed_in is not None and signed_in.organization.is_seller and page_request.principal.may(PERMISSION)
    with page_request.work() as uow:
        offers = circle_offers(uow, circle_id)
        shown = list_listings_by_id(uow, {one.listing_id for one in offers})
        own = list_own_listings(uow, limit=MOST_LISTINGS).items if sells else ()
    items = tuple(
        CircleOfferItem(
            str(one.id),
            page_request.pick(shown[one.listing_id].title, shown[one.listing_id].title_en),
            one.seller_name,
            off_in_words(page_request, one.percent_ppm, one.amount_minor, one.currency),
            one.left,
            one.places,
            one.starts_at,
            one.ends_at,
            addresses.with_query(addresses.product_buy(str(one.listing_id)), circle=str(circle_id))
            if one.starts_at <= clock.now()
            else "",
            one.may_end,
        )
        for one in offers
        if one.listing_id in shown
    )
    choices = tuple(
        Choice(str(one.id), page_request.pick(one.title, one.title_en)) for one in own if one.state == "published"
    )
    return _Offered(items, choices)


def typed_offer(form: Form) -> CircleOfferTyped:
    """What was typed of one."""
    return CircleOfferTyped(**{one.name: form.values.get(one.name, "")[:200] for one in fields(CircleOfferTyped)})


def offer_of(form: Form, typed: CircleOfferTyped, circle_id: UUID) -> OfferToCircle:
    """As the command takes it. Raises Invalid `coupon_value`, `coupon_window`."""
    return OfferToCircle(
        circle_id,
        parse_uuid_or_404(typed.listing_id, "listing_not_found"),
        typed.offer_name,
        _day(typed.starts_on, "starts_on"),
        _day(typed.ends_on, "ends_on"),
        percent_ppm=ppm_of_percent(typed.percent),
        places=form.number("places", least=1, most=1_000_000) if typed.places else None,
    )


def _day(text: str, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Invalid("coupon_window", field=field, days=730) from error
