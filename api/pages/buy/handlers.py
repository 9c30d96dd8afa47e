"""The purchase sheet: of a card in a video or of a product, as a fragment and as a page that works without scripts."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.buy.presenter import Wanted, find_offered, priced_sheet
from api.pages.buy.views import OwnProductView
from api.pages.frame import addresses
from api.pages.frame.payment_methods import leads_payer, parse_method
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.offers.presenter import find_wrong_quantity
from api.v1.purchases import PurchaseIn, buy
from kernel.errors import DomainError, Gone, Invalid, NotFound
from marketplace.catalog.queries import ListingView
from marketplace.leads.models import KINDS as LEAD_KINDS
from orders.checkout import quote_models
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.priced_line import PricedLine
from orders.coupons.make_coupon import said_code
from orders.offers.queries import OfferView, get_offer
from orders.queries import get_quote


@page("/buy/{placement_id:uuid}", SIGNED_IN)
def show_sheet(placement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sheet of a card with its price. `part=sheet` answers the fragment that the player puts in place."""
    wanted = replace(
        _asked(page_request),
        card=placement_id,
        second=page_request.query_number("second"),
        share=page_request.query("share", most=64) or None,
    )
    return _not_bought(page_request, wanted) or _shown(page_request, wanted)


@page("/products/{listing_id:uuid}/buy", SIGNED_IN)
def show_product_sheet(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sheet of a product, bought without a video; otherwise as that of a card."""
    live = page_request.query("live", most=36)
    wanted = replace(_asked(page_request), listing=listing_id, second=page_request.query_number("second"))
    wanted = replace(wanted, live=parse_uuid_or_404(live, "live_session_not_found") if live else None)
    wanted = replace(wanted, circle=_circle(page_request.query("circle", most=36)))
    return _not_bought(page_request, wanted) or _shown(page_request, wanted)


@form_post("/buy/{placement_id:uuid}", SIGNED_IN)
def submit_sheet(
    placement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """`action=quote` prices anew, `action=pay` buys what was priced: never anything else than the page showed."""
    wanted = replace(
        _filled_in(form),
        card=placement_id,
        second=form.number("second", most=86_400),
        share=form.text("share", most=64) or None,
    )
    return _not_bought(page_request, wanted, status=409) or _submit(page_request, form, wanted)


@form_post("/products/{listing_id:uuid}/buy", SIGNED_IN)
def submit_product_sheet(
    listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """As the sheet of a card, without a video."""
    live = form.text("live", most=36)
    wanted = replace(_filled_in(form), listing=listing_id, circle=_circle(form.text("circle", most=36)))
    if live:
        session_id = parse_uuid_or_404(live, "live_session_not_found")
        wanted = replace(wanted, live=session_id, second=form.number("second", most=86_400))
    return _not_bought(page_request, wanted, status=409) or _submit(page_request, form, wanted)


def _circle(named: str) -> UUID | None:
    """The circle through which it is bought. Raises NotFound `circle_not_found`."""
    return parse_uuid_or_404(named, "circle_not_found") if named else None


@page("/offers/{offer_id:uuid}/buy", SIGNED_IN)
def show_offer_sheet(offer_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sheet of an offer, at its own price. What cannot be accepted any more says so in its request, or on its page."""
    offer = _offer(page_request, offer_id)
    if not offer.is_open:
        own = addresses.offer(str(offer.id))
        return page_request.redirect(addresses.request(str(offer.lead_id)) if offer.lead_id else own)
    typed = {name: page_request.query(name, most=10) for name in _names_of(offer)}
    if (wrong := find_wrong_quantity(page_request, offer, typed)) is not None:
        return page_request.render(wrong, status=422)
    return _shown(page_request, Wanted(offer=offer.id, taken=typed))


@form_post("/offers/{offer_id:uuid}/buy", SIGNED_IN)
def submit_offer_sheet(
    offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """As the sheet of a card; paying accepts the offer."""
    offer = _offer(page_request, offer_id)
    typed = {name: form.values.get(name, "")[:10] for name in _names_of(offer)}
    if (wrong := find_wrong_quantity(page_request, offer, typed)) is not None:
        return page_request.render(wrong, status=422)
    return _submit(page_request, form, replace(_filled_in(form), offer=offer.id, taken=typed))


def _offer(page_request: PageRequest, offer_id: UUID) -> OfferView:
    with page_request.work() as uow:
        return get_offer(uow, offer_id, sells=False, countered=False)


def _names_of(offer: OfferView) -> list[str]:
    """The fields that say how many are taken of each line."""
    return [f"quantity_{line.number}" for line in offer.lines]


def _asked(page_request: PageRequest) -> Wanted:
    return Wanted(
        plan_id=page_request.query("plan", most=36),
        quantity=page_request.query_number("quantity", most=1_000_000),
        coupon=page_request.query("coupon", most=32),
        end_customer_id=page_request.query("end_customer", most=36),
        trial={"0": False, "1": True}.get(page_request.query("trial", most=1)),
    )


def _shown(page_request: PageRequest, wanted: Wanted) -> Response[str]:
    part = "sheet" if page_request.query("part") == "sheet" else None
    return page_request.render(priced_sheet(page_request, wanted), part=part)


def _filled_in(form: Form) -> Wanted:
    return Wanted(
        plan_id=form.text("plan_id", most=36),
        billing_profile_id=form.text("billing_profile_id", most=36),
        payment_method_id=form.text("payment_method_id", most=200),
        po_number=form.text("po_number", most=64),
        department_id=form.text("department_id", most=36),
        coupon=form.text("coupon", most=32),
        align_with=form.text("align_with", most=36),
        end_customer_id=form.text("end_customer_id", most=36),
        trial=form.text("trial", most=1) == "1",
    )


def _submit(page_request: PageRequest, form: Form, wanted: Wanted) -> Response[str] | Response[bytes]:
    try:
        if wanted.offer is None:
            wanted = replace(wanted, quantity=form.number("quantity", least=1, most=1_000_000))
    except Invalid as refused:
        view = priced_sheet(page_request, wanted, error=failure(page_request, refused), error_field=refused.field)
        return page_request.render(view, status=refused.status)
    if form.text("action") != "pay":
        return page_request.render(priced_sheet(page_request, wanted))
    quote_id = parse_uuid_or_404(form.text("quote_id"))
    with page_request.work() as uow:
        same = _is_for(get_quote(uow, quote_id), wanted)
    if not same:
        return page_request.render(
            priced_sheet(page_request, wanted, error=page_request.t("buy.price_changed")), status=409
        )
    try:
        begins_unpaid = wanted.trial and not wanted.payment_method_id
        gateway, token = (None, None) if begins_unpaid else parse_method(wanted.payment_method_id)
        bought = buy(
            page_request.request,
            PurchaseIn(
                quote_id=quote_id,
                billing_profile_id=parse_uuid_or_404(wanted.billing_profile_id, "billing_profile_not_found")
                if wanted.billing_profile_id or gateway != BY_PAYER
                else None,
                gateway=gateway,
                payment_method=token,
                po_number=wanted.po_number or None,
                department_id=parse_uuid_or_404(wanted.department_id, "department_not_found")
                if wanted.department_id
                else None,
            ),
            form.text("idempotency_key", most=255) or None,
        )
    except Gone as refused:
        return page_request.render(
            priced_sheet(page_request, wanted, error=failure(page_request, refused)), status=refused.status
        )
    except NotFound:
        raise
    except DomainError as refused:
        field = getattr(refused, "field", None)
        return page_request.render(
            priced_sheet(page_request, wanted, error=failure(page_request, refused), error_field=field),
            status=refused.status,
        )
    order_id = json.loads(bought.body)["orders"][0]["id"]
    led = gateway is not None and leads_payer(page_request.services.gateways, gateway)
    # Where nothing is to be confirmed or paid elsewhere, that address leads to the order.
    return page_request.redirect(addresses.order_confirm(order_id) if led else addresses.order(order_id))


def _not_bought(
    page_request: PageRequest, wanted: Wanted, *, status: int = 200
) -> Response[str] | Response[bytes] | None:
    """Where a card's demo, quote or advice is asked for; of one's own product, why it is not bought; None of any other."""
    with page_request.work() as uow:
        offered = find_offered(uow, wanted)
    card, listing = offered.card, offered.listing
    if card is not None and card.action in LEAD_KINDS:
        return page_request.redirect(
            addresses.product_ask(str(listing.id), card.action, str(card.placement_id), wanted.second)
        )
    return own_product(page_request, listing, status=status)


def own_product(page_request: PageRequest, listing: ListingView, *, status: int = 200) -> Response[str] | None:
    """What is said where the visitor's own organization sells it; None where it does not."""
    if listing.org_id != page_request.principal.org_id:
        return None
    in_sheet = page_request.query("part") == "sheet"
    view = OwnProductView(
        str(listing.id),
        page_request.pick(listing.title, listing.title_en),
        listing.seller_name,
        may_edit=page_request.principal.may("catalog.write"),
        in_sheet=in_sheet,
    )
    return page_request.render(view, status=status, part="own" if in_sheet else None)


def _is_for(quote: quote_models.Quote, wanted: Wanted) -> bool:
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    chosen = [(wanted.plan_id, wanted.quantity)]
    # Of an offer nothing is chosen: its quote has the lines that it has.
    same = wanted.offer is not None or [(str(line.plan_id), line.quantity) for line in lines] == chosen
    same = same and quote.offer_id == wanted.offer
    same = same and (not wanted.coupon or said_code(wanted.coupon) in {line.coupon for line in lines})
    same = same and {str(line.first_term.with_id) for line in lines if line.first_term and line.first_term.with_id} == (
        {wanted.align_with} - {""}
    )
    named = {str(line.end_customer.end_customer_id) for line in lines if line.end_customer}
    same = same and named == ({wanted.end_customer_id} - {""})
    same = same and (lines[0].trial is not None) == bool(wanted.trial)
    return same and quote.invoice_party["billing_profile_id"] == (wanted.billing_profile_id or None)


routes = [
    show_sheet,
    submit_sheet,
    show_product_sheet,
    submit_product_sheet,
    show_offer_sheet,
    submit_offer_sheet,
]
