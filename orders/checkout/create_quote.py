"""Price what a buyer asks for, without committing anybody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from billing.tax.line_amounts import line_amounts
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from marketplace.catalog import sellable
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.sellable import Sellable
from marketplace.circles.access import require_buying_through
from marketplace.discovery import claims
from marketplace.live.access import get_visible_session
from marketplace.parties import lookups
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import Occasion, price_term
from marketplace.pricing.offered import is_one_figure
from marketplace.pricing.order_quantities import require_quantity
from marketplace.pricing.shapes import headline
from marketplace.pricing.tier_price import better_at_tier, partner_quantities
from marketplace.relations.tier_prices import PartnerPrice, ask_partner_prices, partner_prices
from orders.approval_rules.find_rule import ask_rules
from orders.checkout.approval_reasons import needed_approval
from orders.checkout.end_customers import for_end_customers
from orders.checkout.first_term import until_end_of
from orders.checkout.group_tax import taxed_together
from orders.checkout.in_instalments import in_instalments
from orders.checkout.line_tax import decide_tax, invoice_party
from orders.checkout.partner_price import better_lines, line_tier
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine, QuotedClaim, TrialTerms
from orders.checkout.quote_models import Quote
from orders.checkout.quote_row import quote_row
from orders.checkout.selling import require_separable, sale_parties, sold_by
from orders.coupons.price_coupons import ask_coupons
from orders.trials.take_trial import require_untried

QUOTE_TTL = timedelta(minutes=30)
MAX_LINES = 20
_ROOMS = ("live_session_id", "circle_id")
"""Where prices hold that hold nowhere else."""
_KEPT = (
    "kind",
    "category",
    "connector_id",
    "deadline_s",
    "refund_window_days",
    "data_kept_days",
    "renewal_lead_days",
    "contract_terms",
    "tax_included",
    "untaxed_price",
    "selling_model",
)
"""What a line keeps of its plan under the same name, besides what it costs."""


@dataclass(frozen=True, slots=True)
class QuoteItem:
    """A plan and how many of it (seats, or 1); for an end customer of the acting dealer, by its row's id."""

    plan_id: UUID
    quantity: int
    end_customer_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class CreateQuote:
    """What to price. `currency`, when given, must be the plans' own: there is no conversion.

    `billing_profile_id`: whom the invoice will name, which decides the tax; the default profile when None.
    """

    lines: tuple[QuoteItem, ...]
    currency: str | None = None
    context: Context = field(default_factory=Context)
    billing_profile_id: UUID | None = None
    trial: bool = False
    """Whether its only line is to be tried first."""
    coupon: str = ""
    """A seller's code, as it was typed."""
    align_with: UUID | None = None
    """The buyer's subscription with whose terms those of whatever recurs shall end, from a shorter first one on."""


def create_quote(uow: UnitOfWork, command: CreateQuote, *, most_lines: int = MAX_LINES) -> Quote:
    """Price the lines for the acting organization; the answer binds us for 30 minutes.

    Raises: Invalid `quantity_out_of_range`, `quantity_step`, `partner_minimum`, `partner_step`, `currencies_differ`,
    `too_many_lines`; Conflict `own_listing`, `trial_not_offered`, `trial_used`; NotFound `billing_profile_not_found`;
    Forbidden `not_on_allow_list`; as `better_lines`;
    Invalid `coupon_not_with_trial`: a trial costs nothing, and what follows it is at the price that is told now;
    Conflict `first_term_whole`, `alignment_unfit`, as `until_end_of`; as `for_end_customers`;
    NotFound `live_session_not_found`; as `require_buying_through`;
    what `marketplace.catalog.sellable.get_sellable` raises for plans that cannot be bought.
    """
    most = 1 if command.trial else most_lines
    if not 1 <= len(command.lines) <= most:
        raise Invalid("too_many_lines", field="lines", limit=most)
    if command.context.live_session_id is not None:
        get_visible_session(uow, command.context.live_session_id)
    if command.context.circle_id is not None:
        require_buying_through(uow, command.context.circle_id)
    _ask_ahead(uow, command)
    buyer = invoice_party(lookups.get_invoiced(uow, command.billing_profile_id))
    partner = partner_prices(uow, [item.plan_id for item in command.lines])
    plans = [_sold(uow, item.plan_id) for item in command.lines]
    lines = [
        price_line(uow, plan, buyer, item.quantity, command.context)
        for plan, item in zip(plans, command.lines, strict=True)
    ]
    lines = for_end_customers(uow, [item.end_customer_id for item in command.lines], lines, trial=command.trial)
    own = _at_partner_prices(uow, plans, lines, partner, buyer)
    if command.trial:
        lines, own = [_tried(uow, plans[0], own.get(0, lines[0]))], {}
    currencies = {line.currency for line in lines} | ({command.currency} if command.currency else set())
    if len(currencies) != 1:
        raise Invalid("currencies_differ", field="currency")
    if command.align_with is not None:
        lines = _aligned(uow, lines, command.align_with, buyer)
        shorter = {number: _aligned(uow, [line], command.align_with, buyer)[0] for number, line in own.items()}
        own = {number: _compared(line, lines[number]) for number, line in shorter.items()}
    if not command.trial:
        lines = [in_instalments(line) for line in better_lines(uow, lines, own, command.coupon, buyer)]
        lines = taxed_together(lines)
    elif command.coupon.strip():
        raise Invalid("coupon_not_with_trial", field="coupon", coupon=command.coupon.strip()[:32])
    return save_quote(uow, lines, buyer, command.context, expires_at=clock.now() + QUOTE_TTL)


def _aligned(uow: UnitOfWork, lines: list[PricedLine], with_id: UUID, buyer: InvoiceParty) -> list[PricedLine]:
    """What recurs ends with the buyer's other subscription; what is bought once beside it stays."""
    time_zone = lookups.get_party(uow, uow.principal.organization()).time_zone
    if not any(line.term_months for line in lines):
        raise Conflict("first_term_whole")
    return [
        until_end_of(uow, line, with_id, buyer, time_zone=time_zone) if line.term_months else line for line in lines
    ]


def save_quote(
    uow: UnitOfWork,
    lines: list[PricedLine],
    buyer: InvoiceParty,
    context: Context,
    *,
    expires_at: datetime,
    offer_id: UUID | None = None,
) -> Quote:
    """Keep priced lines of one currency for the acting organization. Raises as `require_separable`."""
    require_separable(lines, of_offer=offer_id is not None)
    needed = needed_approval(uow, [line.agreed for line in lines], binding=False)
    # What goes on at a price that was agreed before asks no link to stand any more.
    links = sorted({line.tier.link_id for line in lines if line.tier is not None and line.tier.list_minor is not None})
    return uow.add(
        quote_row(
            lines,
            buyer,
            buyer_org_id=uow.principal.organization(),
            expires_at=expires_at,
            context=context,
            person_id=uow.principal.person_id,
            needs_approval=bool(needed.reasons),
            approval_reasons=[reason.stored() for reason in needed.reasons],
            approval_steps=[step.stored() for step in needed.steps],
            offer_id=offer_id,
            **({"partner_link_ids": links} if links else {}),
        )
    )


def _ask_ahead(uow: UnitOfWork, command: CreateQuote) -> None:
    """Everything that a price is made of, in one round trip."""
    lookups.ask_invoiced(uow, command.billing_profile_id)
    ask_partner_prices(uow, [item.plan_id for item in command.lines])
    for item in command.lines:
        sellable.ask_sellable(uow, item.plan_id)
        if not command.trial:
            ask_coupons(uow, item.plan_id, command.coupon)
        if command.context.video_id is not None:
            claims.ask_claims(uow, command.context.video_id, item.plan_id)
    ask_rules(uow)


def _sold(uow: UnitOfWork, plan_id: UUID) -> Sellable:
    plan = sellable.get_sellable(uow, plan_id, anew=True)
    if plan.seller_org_id == uow.principal.organization():
        raise Conflict("own_listing")
    return plan


def _at_partner_prices(
    uow: UnitOfWork,
    plans: Sequence[Sellable],
    lines: Sequence[PricedLine],
    partner: Mapping[UUID, PartnerPrice],
    buyer: InvoiceParty,
) -> dict[int, PricedLine]:
    """Of the lines those that a tier of the buyer has a price for, at it, by their places. Raises as `require_quantity`."""
    found: dict[int, PricedLine] = {}
    for number, (plan, line) in enumerate(zip(plans, lines, strict=True)):
        named, listed = partner.get(plan.plan_id), plan_price(plan)
        if named is not None:
            require_quantity(partner_quantities(listed, named.figures), line.quantity)
        price = better_at_tier(listed, named.figures, line.quantity) if named is not None else None
        if named is None or price is None:
            continue
        own = price_line(uow, plan, buyer, line.quantity, Context(), price=price)
        tier = line_tier(named, line.list_minor, listed)
        kept = {
            "claims": line.claims,
            "live_session_id": line.live_session_id,
            "circle_id": line.circle_id,
            "end_customer": line.end_customer,
            "tier": tier,
        }
        found[number] = own.model_copy(update=kept)
    return found


def _compared(own: PricedLine, listed: PricedLine) -> PricedLine:
    """A line at a tier's price says what the same would cost at the plan's: of a shorter first term, as much less. Pure."""
    assert own.tier is not None  # noqa: S101 - it is at one
    return own.model_copy(update={"tier": own.tier.model_copy(update={"list_minor": listed.list_minor})})


def _tried(uow: UnitOfWork, plan: Sellable, line: PricedLine) -> PricedLine:
    """Raises Conflict `trial_not_offered`, `trial_used`."""
    if not plan.trial_days:
        raise Conflict("trial_not_offered")
    require_untried(uow, uow.principal.organization(), plan.listing_id)
    return tried(line, days=plan.trial_days, converts=plan.trial_needs_method)


def tried(line: PricedLine, *, days: int, converts: bool) -> PricedLine:
    """The line as a trial, for which nothing is paid: its whole price is what is taken off. Pure."""
    free = {"discount_minor": line.list_minor, "net_minor": 0, "tax_minor": 0, "gross_minor": 0}
    return line.model_copy(
        update={**free, "trial": TrialTerms(days=days, converts=converts, after=in_instalments(line))}
    )


def price_line(
    uow: UnitOfWork,
    plan: Sellable,
    buyer: InvoiceParty,
    quantity: int,
    context: Context,
    *,
    price: PlanPrice | None = None,
    occasion: Occasion = "new",
) -> PricedLine:
    """A plan at one quantity for whom the invoice will name, at its own price or at `price`, which was agreed on.

    It is the line of a whole term: `in_instalments` makes of it what is paid first.

    Raises: as `tax_for`, `price_term`.
    """
    unit_price_minor = plan.unit_price_minor if price is None else headline(price).unit_price_minor
    price = plan_price(plan) if price is None else price
    priced = price_term(price, quantity, occasion)
    explained = plan.price is not None or not is_one_figure(price) or price.instalments > 1
    parties, now = sale_parties(uow, plan.selling_model, plan.seller_org_id), clock.now()
    decision = decide_tax(
        parties.issuer, buyer, plan.tax_category, now, included=plan.tax_included, untaxed=plan.untaxed_price
    )
    amounts = line_amounts(priced.amount_minor, 0, decision)
    return PricedLine(
        seller_org_id=plan.seller_org_id,
        seller_name=parties.seller.legal_name,
        seller_time_zone=parties.seller.time_zone,
        listing_id=plan.listing_id,
        listing_version_id=plan.listing_version_id,
        plan_id=plan.plan_id,
        title=plan.title,
        title_en=plan.title_en,
        plan_code=plan.plan_code,
        plan_name=plan.plan_name,
        plan_name_en=plan.plan_name_en,
        features=list(plan.features),
        pricing=plan.pricing,
        interval=plan.interval,
        term_months=plan.term_months,
        quantity=quantity,
        currency=plan.currency,
        unit_price_minor=unit_price_minor,
        price=price.model_dump(mode="json") if explained else None,
        price_lines=list(priced.lines) if explained else [],
        taxed_as=plan.tax_category,
        list_minor=amounts.list_minor,
        discount_minor=amounts.discount_minor,
        net_minor=amounts.net_minor,
        tax_rate_ppm=decision.rate_ppm,
        tax_category=decision.category,
        tax_reason=decision.reason_code,
        home_rate_ppm=decision.home_rate_ppm,
        tax_minor=amounts.tax_minor,
        gross_minor=amounts.gross_minor,
        **{name: getattr(plan, name) for name in _KEPT},
        **sold_by(parties, plan.tax_category, now) | {name: getattr(context, name) for name in _ROOMS},
        claims=_claims(uow, plan, context),
    )


def _claims(uow: UnitOfWork, plan: Sellable, context: Context) -> list[QuotedClaim]:
    """What the video says of the plan, each held against the plan as it is sold now."""
    if context.video_id is None:
        return []
    return [
        QuotedClaim(
            second_ms=claim.at_ms,
            kind=claim.kind,
            value_int=claim.value_int,
            value_text=claim.value_text,
            currency=claim.currency,
            unit=claim.unit,
            text=claim.text,
            text_en=claim.text_en,
            ok=claim.ok,
        )
        for claim in claims.claims_of(uow, context.video_id, plan.plan_id)
    ]
