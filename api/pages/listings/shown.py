"""A version as buyers will meet it: the card in a video, the purchase sheet, the description, the line of the invoice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from markupsafe import Markup

from api.media_addresses import image_address
from api.pages.frame.addresses import terms_pdf
from api.pages.frame.phrases import explained, failure, figure, money, sentences
from api.pages.frame.prices import Per, per_of, term_key
from api.pages.frame.site import PageRequest
from billing.tax.line_amounts import line_amounts
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from kernel.money import Money
from kernel.text import render_markdown
from marketplace.catalog.plan_price import plan_price
from marketplace.catalog.queries import ListingView, PlanView
from marketplace.parties.lookups import Party
from marketplace.pricing.engine import Priced, price_term
from orders.checkout.line_tax import decide_tax
from orders.checkout.priced_line import InvoiceParty
from orders.checkout.selling import sale_parties


@dataclass(frozen=True, slots=True)
class ShownAmounts:
    """What the fewest seats of a plan come to for a company of its issuer's own country.

    `discount`: what a promotion takes off the list price, negative; None: nothing.
    """

    list_price: Money
    net: Money
    tax: Money
    tax_ppm: int
    gross: Money
    discount: Money | None = None


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan as the purchase sheet offers it. `refusal` says why no amounts can be told."""

    id: str
    name: str
    term: str
    price: Money
    per: Per
    tax_included: bool
    quantity: int
    most: int
    sold_by_seat: bool
    features: tuple[str, ...]
    limits: tuple[tuple[str, str], ...]
    invoice_line: str
    amounts: ShownAmounts | None
    refusal: str | None = None
    trial_days: int = 0
    trial_needs_method: bool = False
    renewal_lead_days: int = 0
    contract_terms: int = 0
    untaxed_price: str = "whole"
    step: int = 1
    """Seats are sold in packs of so many."""
    sentences: tuple[str, ...] = ()
    """What each component of the price costs, where it has several."""
    parts: tuple[str, ...] = ()
    """How the list price of the fewest seats comes about, part by part."""


@dataclass(frozen=True, slots=True)
class ShownImage:
    """A picture: its addresses, how large it is, and what it shows."""

    id: str
    src: str
    srcset: str
    width: int
    height: int
    alt: str


@dataclass(frozen=True, slots=True)
class ShownListing:
    """A version as its readers see it; descriptions by language, where there is one."""

    name: str
    seller_name: str
    kind: str
    category: str
    summary: str
    descriptions: tuple[tuple[str, str], ...]
    refund_days: int
    data_kept_days: int
    issuer_name: str
    """Who invoices it: the seller, or the platform that sells it."""
    plans: tuple[ShownPlan, ...]
    images: tuple[ShownImage, ...] = ()
    terms_version: str = ""
    terms: tuple[tuple[str, str], ...] = ()
    """The terms of sale by language, as HTML."""
    terms_pdf: str = ""
    """Name of their document."""
    terms_pdf_address: str = ""


@dataclass(frozen=True, slots=True)
class ShownOff:
    """What is off a plan's price at the moment, at the fewest seats that the reader may order of it; None: as it is sold."""

    minor: int = 0
    quantity: int | None = None


def shown_listing(
    page_request: PageRequest, uow: UnitOfWork, view: ListingView, off: Mapping[UUID, ShownOff] = MappingProxyType({})
) -> ShownListing:
    """How a version will be met. `off`: what is off at the moment, by the plan."""
    parties = sale_parties(uow, view.selling_model, view.org_id)
    terms = view.terms or {}
    return ShownListing(
        name=page_request.pick(view.title, view.title_en),
        seller_name=view.seller_name,
        kind=view.kind,
        category=view.category,
        summary=page_request.pick(view.summary, view.summary_en),
        descriptions=_in_languages(page_request, view.description, view.description_en),
        refund_days=view.refund_window_days,
        data_kept_days=view.data_kept_days,
        issuer_name=parties.issuer.legal_name,
        plans=tuple(
            _plan(page_request, view, plan, parties.issuer, off.get(plan.id, ShownOff()))
            for plan in view.plans
            if plan.state == "active"
        ),
        images=shown_images(page_request, view),
        terms_version=str(terms.get("version", "")),
        terms=_in_languages(page_request, str(terms.get("text", "")), str(terms.get("text_en", ""))),
        terms_pdf=str(terms.get("pdf_name") or ""),
        terms_pdf_address=terms_pdf(view.id, view.version_id),
    )


def _in_languages(page_request: PageRequest, chinese: str, english: str) -> tuple[tuple[str, str], ...]:
    """A text in its languages, the reader's first, as HTML."""
    languages = (("zh-CN", chinese), ("en", english))
    return tuple(
        (language, Markup(render_markdown(text)))  # noqa: S704 - rendered and cleaned there
        for language, text in sorted(languages, key=lambda one: one[0] != page_request.language)
        if text.strip()
    )


def shown_images(page_request: PageRequest, view: ListingView) -> tuple[ShownImage, ...]:
    """A version's pictures, the one that stands for the product first."""
    found = []
    for one in view.images:
        small, large = (image_address(view.id, one["id"], width) for width in (480, 1600))
        alt = page_request.pick(one["alt"], one["alt_en"])
        srcset = f"{small} 480w, {large} 1600w"
        found.append(ShownImage(one["id"], small, srcset, one["width"], one["height"], alt))
    return tuple(found)


def _plan(page_request: PageRequest, view: ListingView, plan: PlanView, issuer: Party, off: ShownOff) -> ShownPlan:
    amounts, refusal = None, None
    price, quantity = plan_price(plan), off.quantity or plan.min_seats
    priced = price_term(price, quantity)
    try:
        amounts = _amounts(view, plan, issuer, priced, off.minor)
    except DomainError as error:
        refusal = failure(page_request, error)
    pick = page_request.pick
    limits = [
        (pick(one["zh"], one["en"]), figure(page_request, one["value"], one.get("unit")))
        for one in plan.features
        if one.get("value") is not None
    ]
    if plan.included_seats:
        limits.insert(0, (page_request.t("claim.included_seats"), page_request.formats.number(plan.included_seats)))
    name, title = pick(plan.name, plan.name_en), pick(view.title, view.title_en)
    return ShownPlan(
        id=str(plan.id),
        name=name,
        term=page_request.t(f"term.{term_key(plan.term_months)}", n=plan.term_months),
        price=money(plan.unit_price_minor, plan.currency),
        per=per_of(plan.price_unit, plan.pricing),
        tax_included=plan.tax_included,
        untaxed_price=plan.untaxed_price,
        quantity=quantity,
        most=plan.max_seats,
        sold_by_seat=plan.sold_by_seat,
        features=tuple(pick(one["zh"], one["en"]) for one in plan.features if one.get("value") is None),
        limits=tuple(limits),
        invoice_line=f"{title} · {name}",
        amounts=amounts,
        refusal=refusal,
        trial_days=plan.trial_days,
        trial_needs_method=plan.trial_needs_method,
        renewal_lead_days=plan.renewal_lead_days,
        contract_terms=plan.contract_terms,
        step=price.seats.step if price.seats else 1,
        sentences=sentences(page_request, plan),
        parts=explained(page_request, priced.lines, plan.interval, plan.currency) if plan.price is not None else (),
    )


def _amounts(view: ListingView, plan: PlanView, issuer: Party, priced: Priced, off_minor: int) -> ShownAmounts:
    buyer = InvoiceParty(
        billing_profile_id=None,
        legal_name=issuer.legal_name,
        country=issuer.country,
        tax_id=issuer.tax_id,
        registered_in=issuer.country,
    )
    decision = decide_tax(
        issuer, buyer, view.tax_category, clock.now(), included=plan.tax_included, untaxed=plan.untaxed_price
    )
    found = line_amounts(priced.amount_minor, off_minor, decision)
    return ShownAmounts(
        money(found.list_minor, plan.currency),
        money(found.net_minor, plan.currency),
        money(found.tax_minor, plan.currency),
        decision.rate_ppm,
        money(found.gross_minor, plan.currency),
        money(-off_minor, plan.currency) if off_minor else None,
    )
