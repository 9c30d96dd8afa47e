"""The purchase sheet: of a card in a video or of a product, as a fragment and as a page that works without scripts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.buy.views import BuySource, BuyView, NotHereView, PlanChoice, QuotePanel, QuotePanelLine
from api.pages.feed.views import FeedClaim, verdict_of
from api.pages.frame import addresses
from api.pages.frame.approval_words import category_name, reason_sentence, steps_sentence
from api.pages.frame.choices import Choice
from api.pages.frame.payment_methods import methods, parse_method
from api.pages.frame.phrases import failure
from api.pages.frame.prices import per_of, term_key
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.v1.purchases import PurchaseIn, buy
from billing.tax.decision import note_in_words
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.catalog.queries import ListingView, PlanView, get_listing
from marketplace.discovery.cards import Card
from marketplace.discovery.feed import FeedItem, get_placed
from marketplace.leads.models import KINDS as LEAD_KINDS
from marketplace.parties.queries import list_billing_profiles
from orders.approval_rules.steps import steps_from
from orders.checkout import quote_models
from orders.checkout.approval_reasons import reasons_of
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.priced_line import Context, PricedLine
from orders.queries import get_quote


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the visitor has chosen so far; None where nothing yet."""

    card: UUID | None = None
    """The placement that it is bought from; else the product is bought by itself."""
    listing: UUID | None = None
    second: int = 0
    share: str | None = None
    plan_id: str = ""
    quantity: int = 0
    billing_profile_id: str = ""
    payment_method_id: str = ""
    po_number: str = ""

    @property
    def profile_id(self) -> UUID | None:
        """The invoice title that was chosen; None for the default one."""
        chosen = self.billing_profile_id
        return parse_uuid_or_404(chosen, "billing_profile_not_found") if chosen else None


@page("/buy/{placement_id:uuid}", SIGNED_IN)
def show_sheet(placement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sheet of a card with its price. `part=sheet` answers the fragment that the player puts in place."""
    wanted = replace(
        _asked(page_request),
        card=placement_id,
        second=page_request.query_number("second"),
        share=page_request.query("share", most=64) or None,
    )
    if (ask := _asked_of_seller(page_request, wanted)) is not None:
        return page_request.redirect(ask)
    if (elsewhere := _not_here(page_request, wanted)) is not None:
        return page_request.render(elsewhere)
    return _shown(page_request, wanted)


@page("/products/{listing_id:uuid}/buy", SIGNED_IN)
def show_product_sheet(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The sheet of a product, bought without a video; otherwise as that of a card."""
    return _shown(page_request, replace(_asked(page_request), listing=listing_id))


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
    if (ask := _asked_of_seller(page_request, wanted)) is not None:
        return page_request.redirect(ask)
    if (elsewhere := _not_here(page_request, wanted)) is not None:
        return page_request.render(elsewhere, status=409)
    return _submit(page_request, form, wanted)


@form_post("/products/{listing_id:uuid}/buy", SIGNED_IN)
def submit_product_sheet(
    listing_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[str] | Response[bytes]:
    """As the sheet of a card, without a video."""
    return _submit(page_request, form, replace(_filled_in(form), listing=listing_id))


def _asked(page_request: PageRequest) -> Wanted:
    return Wanted(
        plan_id=page_request.query("plan", most=36), quantity=page_request.query_number("quantity", most=1_000_000)
    )


def _shown(page_request: PageRequest, wanted: Wanted) -> Response[str]:
    part = "sheet" if page_request.query("part") == "sheet" else None
    return page_request.render(_priced(page_request, wanted), part=part)


def _filled_in(form: Form) -> Wanted:
    return Wanted(
        plan_id=form.text("plan_id", most=36),
        billing_profile_id=form.text("billing_profile_id", most=36),
        payment_method_id=form.text("payment_method_id", most=200),
        po_number=form.text("po_number", most=64),
    )


def _submit(page_request: PageRequest, form: Form, wanted: Wanted) -> Response[str] | Response[bytes]:
    try:
        wanted = replace(wanted, quantity=form.number("quantity", least=1, most=1_000_000))
    except Invalid as refused:
        view = _priced(page_request, wanted, error=failure(page_request, refused), error_field=refused.field)
        return page_request.render(view, status=refused.status)
    if form.text("action") != "pay":
        return page_request.render(_priced(page_request, wanted))
    quote_id = parse_uuid_or_404(form.text("quote_id"))
    with page_request.work() as uow:
        same = _is_for(get_quote(uow, quote_id), wanted)
    if not same:
        return page_request.render(_priced(page_request, wanted, error=page_request.t("buy.price_changed")), status=409)
    try:
        gateway, token = parse_method(wanted.payment_method_id)
        bought = buy(
            page_request.request,
            PurchaseIn(
                quote_id=quote_id,
                billing_profile_id=parse_uuid_or_404(wanted.billing_profile_id, "billing_profile_not_found"),
                gateway=gateway,
                payment_method=token,
                po_number=wanted.po_number or None,
            ),
            form.text("idempotency_key", most=255) or None,
        )
    except Gone as refused:
        return page_request.render(
            _priced(page_request, wanted, error=failure(page_request, refused)), status=refused.status
        )
    except NotFound:
        raise
    except DomainError as refused:
        field = getattr(refused, "field", None)
        return page_request.render(
            _priced(page_request, wanted, error=failure(page_request, refused), error_field=field),
            status=refused.status,
        )
    return page_request.redirect(addresses.order(json.loads(bought.body)["orders"][0]["id"]))


def _asked_of_seller(page_request: PageRequest, wanted: Wanted) -> str | None:
    """Where a card's demo, quote or advice is asked for; None of a card for something else."""
    if wanted.card is None:
        return None
    with page_request.work() as uow:
        _, card = get_placed(uow, wanted.card)
    if card.action not in LEAD_KINDS:
        return None
    return addresses.product_ask(str(card.listing_id), card.action, str(card.placement_id), wanted.second)


def _not_here(page_request: PageRequest, wanted: Wanted) -> NotHereView | None:
    """What to say of a card that offers a trial; None of any other."""
    if wanted.card is None:
        return None
    with page_request.work() as uow:
        item, card = get_placed(uow, wanted.card)
    if card.action != "trial":
        return None
    return NotHereView(
        video_id=str(item.id),
        video_title=page_request.pick(item.title, item.title_en),
        second=wanted.second,
        listing_id=str(card.listing_id),
        listing_name=page_request.pick(card.title, card.title_en),
        plan_name=page_request.pick(card.plan_name, card.plan_name_en),
        seller_name=card.seller_name,
    )


def _is_for(quote: quote_models.Quote, wanted: Wanted) -> bool:
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    same_lines = [(str(line.plan_id), line.quantity) for line in lines] == [(wanted.plan_id, wanted.quantity)]
    return same_lines and quote.invoice_party["billing_profile_id"] == (wanted.billing_profile_id or None)


def _priced(
    page_request: PageRequest, wanted: Wanted, *, error: str | None = None, error_field: str | None = None
) -> BuyView:
    def work(uow: UnitOfWork) -> BuyView:
        offered = _offered(uow, wanted)
        plans = offered.listing.plans
        plan = next((one for one in plans if str(one.id) == wanted.plan_id), None)
        plan = plan or next((one for one in plans if offered.card and one.id == offered.card.plan_id), plans[0])
        quantity = min(max(wanted.quantity, plan.min_seats), plan.max_seats)
        command = CreateQuote(
            (QuoteItem(plan.id, quantity),), context=offered.context(wanted), billing_profile_id=wanted.profile_id
        )
        quote = create_quote(uow, command)
        titles = list_billing_profiles(uow)
        profiles = tuple(Choice(str(one.id), one.legal_name, one.tax_id or "") for one in titles)
        return _view(page_request, wanted, offered, plan, quantity, quote, profiles, error, error_field)

    return page_request.transact(work)


@dataclass(frozen=True, slots=True)
class _Offered:
    """What the sheet sells, and the card in a video that it is sold from, if it is."""

    listing: ListingView
    item: FeedItem | None = None
    card: Card | None = None

    def context(self, wanted: Wanted) -> Context:
        """Where the buyer stands."""
        if self.item is None or self.card is None:
            return Context()
        return Context(
            video_id=self.item.id,
            placement_id=self.card.placement_id,
            second_ms=wanted.second * 1000,
            share=wanted.share,
        )


def _offered(uow: UnitOfWork, wanted: Wanted) -> _Offered:
    """Raises NotFound(`placement_not_found`, `listing_not_found`), Conflict(`listing_suspended`, `plan_withdrawn`)."""
    if wanted.card is not None:
        item, card = get_placed(uow, wanted.card)
        return _Offered(get_listing(uow, card.listing_id), item, card)
    listing = get_listing(uow, wanted.listing) if wanted.listing else None
    if listing is None:
        raise NotFound("listing_not_found")
    if listing.state != "published":
        raise Conflict("listing_suspended")
    if not listing.plans:
        raise Conflict("plan_withdrawn")
    return _Offered(listing)


def _view(  # noqa: PLR0913, PLR0917 - what was read, once each
    page_request: PageRequest,
    wanted: Wanted,
    offered: _Offered,
    plan: PlanView,
    quantity: int,
    quote: quote_models.Quote,
    profiles: tuple[Choice, ...],
    error: str | None,
    error_field: str | None,
) -> BuyView:
    listing, item, card = offered.listing, offered.item, offered.card
    ways = methods(page_request, page_request.services.gateways)
    if not profiles:
        error = error or page_request.t("buy.no_billing_profile")
    if not ways:
        error = error or page_request.t("buy.no_payment_method")
    return BuyView(
        address=addresses.buy(str(card.placement_id)) if card else addresses.product_buy(str(listing.id)),
        listing_id=str(listing.id),
        listing_name=page_request.pick(listing.title, listing.title_en),
        seller_name=listing.seller_name,
        plans=tuple(_plan(page_request, one) for one in listing.plans),
        plan_id=str(plan.id),
        quantity=quantity,
        quote=quote_view(page_request, quote),
        billing_profiles=profiles,
        billing_profile_id=quote.invoice_party["billing_profile_id"] or "",
        payment_methods=ways,
        payment_method_id=wanted.payment_method_id or (ways[0].id if ways else ""),
        idempotency_key=str(uuid7()),
        source=BuySource(
            placement_id=str(card.placement_id),
            video_id=str(item.id),
            video_title=page_request.pick(item.title, item.title_en),
            second=wanted.second,
            share=wanted.share,
        )
        if item and card
        else None,
        category=category_name(page_request, listing.category),
        po_number=wanted.po_number,
        terms_version=str(listing.terms["version"]) if listing.terms else "",
        error=error,
        error_field=error_field,
    )


def quote_view(page_request: PageRequest, quote: quote_models.Quote) -> QuotePanel:
    """A quote with its lines as sentences."""
    lines = [PricedLine.model_validate(line) for line in quote.lines]
    return QuotePanel(
        id=str(quote.id),
        lines=tuple(
            QuotePanelLine(_line_text(page_request, line), Money(_agreed_minor(line), line.currency)) for line in lines
        ),
        net=Money(quote.net_minor, quote.currency),
        tax=Money(quote.tax_minor, quote.currency),
        tax_ppm=lines[0].tax_rate_ppm,
        gross=Money(quote.gross_minor, quote.currency),
        expires_at=quote.expires_at,
        claims=tuple(
            FeedClaim(
                claim.second_ms // 1000, page_request.pick(claim.text, claim.text_en), verdict_of(claim.kind, claim.ok)
            )
            for line in lines
            for claim in line.claims
        ),
        needs_approval=quote.needs_approval,
        approval_reasons=tuple(
            reason_sentence(page_request, one, quote.currency) for one in reasons_of(quote.approval_reasons)
        ),
        approval_steps=steps_sentence(page_request, steps_from(quote.approval_steps)),
        tax_note=next(filter(None, (note_in_words(line.tax_reason, page_request.language) for line in lines)), None),
    )


def _agreed_minor(line: PricedLine) -> int:
    """What price times seats comes to after discount: with the tax where the price contains it."""
    return line.gross_minor if line.tax_included else line.net_minor


def _line_text(page_request: PageRequest, line: PricedLine) -> str:
    if line.pricing != "per_seat":
        return page_request.pick(line.plan_name, line.plan_name_en)
    price = page_request.formats.price(Money(line.unit_price_minor, line.currency))
    period = page_request.t(f"term.{term_key(line.term_months)}", n=line.term_months)
    return page_request.t("buy.line", price=price, quantity=page_request.formats.number(line.quantity), term=period)


def _plan(page_request: PageRequest, plan: PlanView) -> PlanChoice:
    return PlanChoice(
        id=str(plan.id),
        name=page_request.pick(plan.name, plan.name_en),
        term=page_request.t(f"term.by_{term_key(plan.term_months)}", n=plan.term_months),
        price=Money(plan.unit_price_minor, plan.currency),
        per=per_of(plan.price_unit),
        min_quantity=plan.min_seats,
        max_quantity=plan.max_seats,
        sold_by_seat=plan.pricing == "per_seat",
    )


routes = [show_sheet, submit_sheet, show_product_sheet, submit_product_sheet]
