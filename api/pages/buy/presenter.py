"""The purchase sheet as it is priced: of a card in a video, of a product, of an offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from api.pages.buy.end_customers import NOT_FOR_OTHERS, with_end_customers
from api.pages.buy.first_term import ends_of_others
from api.pages.buy.offer_lines import offered_plan, taken_of
from api.pages.buy.own_payer import with_payer
from api.pages.buy.partner_numbers import at_partner_price, partner_number
from api.pages.buy.quote_panel import quote_view
from api.pages.buy.views import BuySource, BuyView, PlanChoice
from api.pages.frame import addresses
from api.pages.frame.approval_words import category_name
from api.pages.frame.choices import Choice, department_choices
from api.pages.frame.payment_methods import methods
from api.pages.frame.phrases import failure, sentences
from api.pages.frame.prices import per_of, term_key
from api.pages.frame.site import PageRequest, parse_uuid_or_404
from api.pages.frame.translations import translations
from api.pages.offers.presenter import contract_in_words
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.queries import ListingView, PlanView, get_listing
from marketplace.catalog.sellable import off_sale
from marketplace.departments.queries import list_departments
from marketplace.discovery.cards import Card
from marketplace.discovery.feed import FeedItem, get_placed
from marketplace.parties.queries import list_billing_profiles
from marketplace.pricing.shapes import nearest_sold
from marketplace.relations.tier_prices import shown_prices
from orders.checkout import quote_models
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.priced_line import Context, PricedLine
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.offers.queries import OfferView, get_offer

_NO_TRIAL = ("trial_used", "trial_not_offered")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the visitor has chosen so far; None where nothing yet."""

    card: UUID | None = None
    """The placement that it is bought from; else the product is bought by itself."""
    listing: UUID | None = None
    offer: UUID | None = None
    """The offer that is accepted: its plan, quantity and price are chosen already."""
    taken: Mapping[str, str] = field(default_factory=dict)
    """Of an offer that leaves it open, how many seats of a line are taken, as typed: by the field's name, quantity_1."""
    second: int = 0
    share: str | None = None
    live: UUID | None = None
    """The live session in whose room it is bought, at `second`."""
    circle: UUID | None = None
    """The circle through which its member buys."""
    plan_id: str = ""
    quantity: int = 0
    billing_profile_id: str = ""
    payment_method_id: str = ""
    po_number: str = ""
    department_id: str = ""
    coupon: str = ""
    """A code, as it was typed."""
    align_with: str = ""
    """The buyer's subscription that it shall end with."""
    end_customer_id: str = ""
    """For whom a dealer orders it; empty: for the visitor's own organization."""
    trial: bool | None = None
    """Whether it is tried first; None: where the card offers that."""

    @property
    def profile_id(self) -> UUID | None:
        """The invoice title that was chosen; None for the default one."""
        chosen = self.billing_profile_id
        return parse_uuid_or_404(chosen, "billing_profile_not_found") if chosen else None

    @property
    def user_id(self) -> UUID | None:
        """The end customer that was chosen. Raises NotFound `end_customer_not_found`."""
        chosen = self.end_customer_id
        return parse_uuid_or_404(chosen, "end_customer_not_found") if chosen else None


@dataclass(frozen=True, slots=True)
class Offered:
    """What the sheet sells, and the card in a video or the offer that it is sold by, if it is."""

    listing: ListingView
    item: FeedItem | None = None
    card: Card | None = None
    offer: OfferView | None = None

    def is_trial(self, wanted: Wanted) -> bool:
        """Whether the visitor means to try it first."""
        by_card = self.card is not None and self.card.action == "trial"
        return self.offer is None and (by_card if wanted.trial is None else wanted.trial)

    def context(self, wanted: Wanted) -> Context:
        """Where the buyer stands."""
        if wanted.live is not None:
            return Context(live_session_id=wanted.live, second_ms=wanted.second * 1000)
        if self.item is None or self.card is None:
            return Context(circle_id=wanted.circle)
        return Context(
            video_id=self.item.id,
            placement_id=self.card.placement_id,
            second_ms=wanted.second * 1000,
            share=wanted.share,
        )


def find_offered(uow: UnitOfWork, wanted: Wanted) -> Offered:
    """Raises NotFound(`placement_not_found`, `listing_not_found`, `offer_not_found`),
    Conflict(`listing_suspended`, `listing_paused`, `plan_withdrawn`).
    """
    if wanted.card is not None:
        item, card = get_placed(uow, wanted.card)
        return Offered(get_listing(uow, card.listing_id), item, card)
    if wanted.offer is not None:
        offer = get_offer(uow, wanted.offer, sells=False, countered=False)
        return Offered(get_listing(uow, offer.lines[0].listing_id), offer=offer)
    listing = get_listing(uow, wanted.listing) if wanted.listing else None
    if listing is None:
        raise NotFound("listing_not_found")
    if listing.state != "published":
        raise off_sale(listing.state)
    if not listing.plans:
        raise Conflict("plan_withdrawn")
    return Offered(listing)


def priced_sheet(
    page_request: PageRequest, wanted: Wanted, *, error: str | None = None, error_field: str | None = None
) -> BuyView:
    """The sheet with a quote of its own. Raises as `find_offered`, `create_quote`, `quote_offer`."""

    def work(uow: UnitOfWork) -> BuyView:
        offered = find_offered(uow, wanted)
        own = shown_prices(uow, [offered.listing.id]) if offered.offer is None else {}
        number = partner_number(_plan_of(wanted, offered).id, wanted.quantity, own) if own else wanted.quantity
        quote, refused = _quoted(uow, replace(wanted, quantity=number), offered)
        wrong = refused.field if isinstance(refused, Invalid) else None
        said = failure(page_request, refused) if refused is not None else None
        titles = list_billing_profiles(uow)
        profiles = tuple(Choice(str(one.id), one.legal_name, one.tax_id or "") for one in titles)
        departments = department_choices(list_departments(uow), page_request.language)
        others = ends_of_others(page_request, uow, quote)
        view = _view(page_request, wanted, offered, quote, profiles, departments, error or said, error_field or wrong)
        if own:
            view = replace(view, plans=tuple(at_partner_price(page_request, one, own) for one in view.plans))
        view = replace(view, others=others, align_with=wanted.align_with)
        view = with_end_customers(uow, view, wanted.end_customer_id)
        view = with_payer(page_request, uow, view, error or said)
        return _without_trial(view) if refused is not None and refused.code in _NO_TRIAL else view

    return page_request.transact(work)


def _without_trial(view: BuyView) -> BuyView:
    """To whom the trial was just refused it is not promised again."""
    claims = tuple(
        replace(one, verdict="trial_used") if one.verdict == "no_trial" else one for one in view.quote.claims
    )
    return replace(view, quote=replace(view.quote, claims=claims))


def _quoted(uow: UnitOfWork, wanted: Wanted, offered: Offered) -> tuple[quote_models.Quote, DomainError | None]:
    """The price of the trial that is wanted, or with the code that was typed; where there is none, that without, and why."""
    trial = offered.is_trial(wanted)
    try:
        return _quote(uow, wanted, offered, trial=trial), None
    except Conflict as refused:
        if refused.code in ("first_term_whole", "alignment_unfit"):
            return _quote(uow, replace(wanted, align_with=""), offered, trial=trial), refused
        if refused.code in NOT_FOR_OTHERS:
            return _quote(uow, replace(wanted, end_customer_id=""), offered, trial=trial), refused
        if refused.code not in _NO_TRIAL:
            raise
        return _quote(uow, wanted, offered), refused
    except Invalid as refused:
        if refused.field != "coupon":
            raise
        return _quote(uow, replace(wanted, coupon=""), offered, trial=trial), refused


def _quote(uow: UnitOfWork, wanted: Wanted, offered: Offered, *, trial: bool = False) -> quote_models.Quote:
    if offered.offer is not None:
        taken = taken_of(offered.offer, wanted.taken)
        return quote_offer(uow, QuoteOffer(offered.offer.id, wanted.profile_id, taken, wanted.coupon))
    plan = _plan_of(wanted, offered)
    quantity = nearest_sold(plan_price(plan), wanted.quantity)
    return create_quote(
        uow,
        CreateQuote(
            (QuoteItem(plan.id, quantity, wanted.user_id),),
            context=offered.context(wanted),
            billing_profile_id=wanted.profile_id,
            trial=trial,
            coupon=wanted.coupon,
            align_with=parse_uuid_or_404(wanted.align_with) if wanted.align_with else None,
        ),
    )


def _plan_of(wanted: Wanted, offered: Offered) -> PlanView:
    plans = offered.listing.plans
    plan = next((one for one in plans if str(one.id) == wanted.plan_id), None)
    return plan or next((one for one in plans if offered.card and one.id == offered.card.plan_id), plans[0])


def _view(
    page_request: PageRequest,
    wanted: Wanted,
    offered: Offered,
    quote: quote_models.Quote,
    profiles: tuple[Choice, ...],
    departments: tuple[Choice, ...],
    error: str | None,
    error_field: str | None,
) -> BuyView:
    listing, offer = offered.listing, offered.offer
    line = PricedLine.model_validate(quote.lines[0])
    pays = line.trial is None or line.trial.converts
    ways = methods(page_request, page_request.services.gateways, currency=quote.currency)
    if not profiles:
        error = error or page_request.t("buy.no_billing_profile")
    if not ways and pays:
        error = error or page_request.t("buy.no_payment_method")
    return BuyView(
        address=_address(offered),
        listing_id=str(listing.id),
        listing_name=page_request.pick(listing.title, listing.title_en),
        seller_name=listing.seller_name,
        plans=tuple(
            offered_plan(page_request, one, dict(taken_of(offer, wanted.taken)), among=len(offer.lines))
            for one in offer.lines
        )
        if offer
        else tuple(_plan(page_request, one) for one in listing.plans if one.trial_days or line.trial is None),
        plan_id=str(line.plan_id),
        quantity=line.quantity,
        trial=line.trial is not None,
        pays=pays,
        offer_id=str(offer.id) if offer else "",
        back=addresses.offer(str(offer.id)) if offer else "",
        offer_terms=offer.terms if offer else "",
        offer_contract=contract_in_words(page_request, offer) if offer else "",
        taken=taken_of(offer, wanted.taken) if offer else (),
        quote=quote_view(page_request, quote),
        billing_profiles=profiles,
        billing_profile_id=quote.invoice_party["billing_profile_id"] or "",
        payment_methods=ways,
        payment_method_id=wanted.payment_method_id or (ways[0].id if ways else ""),
        idempotency_key=str(uuid7()),
        source=_source(page_request, wanted, offered),
        category=category_name(page_request, listing.category),
        po_number=wanted.po_number,
        departments=departments,
        department_id=wanted.department_id,
        coupon=wanted.coupon,
        live=(str(wanted.live), wanted.second) if wanted.live is not None else None,
        circle=str(wanted.circle or ""),
        terms_version=str(listing.terms["version"]) if listing.terms else "",
        reliability=listing.reliability,
        response_time=listing.response_time,
        error=error,
        error_field=error_field,
    )


def _source(page_request: PageRequest, wanted: Wanted, offered: Offered) -> BuySource | None:
    """The card, and the second, from which it is bought."""
    item, card = offered.item, offered.card
    if item is None or card is None:
        return None
    title = page_request.pick(item.title, item.title_en)
    return BuySource(str(card.placement_id), str(item.id), title, wanted.second, wanted.share)


def _plan(page_request: PageRequest, plan: PlanView) -> PlanChoice:
    return PlanChoice(
        id=str(plan.id),
        name=page_request.pick(plan.name, plan.name_en),
        term=_term_words(page_request, plan),
        price=Money(plan.unit_price_minor, plan.currency),
        per=per_of(plan.price_unit, plan.pricing),
        min_quantity=plan.min_seats,
        max_quantity=plan.max_seats,
        sold_by_seat=plan.sold_by_seat,
        step=_step(plan),
        sentences=sentences(page_request, plan),
    )


def _term_words(page_request: PageRequest, plan: PlanView) -> str:
    """For how long, until when at the most, and how early a further term is charged."""
    parts, words = (
        [page_request.t(f"term.by_{term_key(plan.term_months)}", n=plan.term_months)],
        translations(page_request.language),
    )
    if plan.contract_terms:
        parts.append(words.count("plan.contract_terms", plan.contract_terms))
    if plan.renewal_lead_days > 1:
        parts.append(words.count("plan.renewal_lead", plan.renewal_lead_days))
    return " · ".join(parts)


def _step(plan: PlanView) -> int:
    seats = plan_price(plan).seats
    return seats.step if seats else 1


def _address(offered: Offered) -> str:
    if offered.offer is not None:
        return addresses.offer(str(offered.offer.id), "/buy")
    if offered.card is not None:
        return addresses.buy(str(offered.card.placement_id))
    return addresses.product_buy(str(offered.listing.id))
