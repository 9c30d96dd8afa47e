"""One subscription as a page shows it, with what a change of it would cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from api.pages.buy.quote_panel import quote_view
from api.pages.buy.views import QuotePanel, QuotePanelLine
from api.pages.frame.choices import Choice, department_choices, department_name
from api.pages.frame.partner_prices import tier_parts
from api.pages.frame.payment_methods import method_in_words, methods
from api.pages.frame.phrases import failure, money, priced
from api.pages.frame.site import PageRequest, parse_uuid_or_404
from api.pages.frame.untaxed import untaxed_off
from api.pages.subscriptions.life import life_of
from api.pages.subscriptions.views import ChangeForm, ChangePreview, SubscriptionItem, SubscriptionPage
from api.v1.departments import ASSIGN
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid
from kernel.ids import uuid7
from marketplace.catalog.queries import PlanView, get_listing
from marketplace.departments.queries import list_departments
from marketplace.parties.queries import list_billing_profiles
from marketplace.pricing.words import line_in_words
from orders.amendments.models import QuotedChange
from orders.checkout.approval_reasons import BUY
from orders.checkout.priced_line import PricedLine
from orders.checkout.quote_alignment import QuoteAlignment, quote_alignment
from orders.checkout.quote_amendment import QuoteAmendment, quote_amendment
from orders.checkout.quote_models import Quote
from orders.subscriptions.change_next_term import ChangeNextTerm, preview_next_term
from orders.subscriptions.queries import SubscriptionView, get_subscription, list_subscriptions
from orders.subscriptions.timeline import subscription_timeline

MOST_SEATS = 1_000_000
MOST_OTHERS = 100


@dataclass(frozen=True, slots=True)
class WantedChange:
    """A change as it was typed. `previewed`: its price, or what it makes of the next term, was asked for."""

    when: Literal["now", "next", "with"] = "now"
    quantity: str = ""
    plan_id: str = ""
    align_with: str = ""
    profile_id: str = ""
    method_id: str = ""
    po_number: str = ""
    previewed: bool = False

    def seats(self) -> int | None:
        """Raises Invalid `number_out_of_range`."""
        if not self.quantity:
            return None
        fits = self.quantity.isascii() and self.quantity.isdigit() and len(self.quantity) <= 7
        if not fits or not 1 <= int(self.quantity) <= MOST_SEATS:
            raise Invalid("number_out_of_range", field="quantity", least=1, most=MOST_SEATS)
        return int(self.quantity)

    def plan(self) -> UUID | None:
        """Raises NotFound `plan_not_found`."""
        return parse_uuid_or_404(self.plan_id, "plan_not_found") if self.plan_id else None

    def other(self) -> UUID:
        """The subscription to end with. Raises NotFound."""
        return parse_uuid_or_404(self.align_with)

    def profile(self) -> UUID | None:
        """Raises NotFound `billing_profile_not_found`."""
        return parse_uuid_or_404(self.profile_id, "billing_profile_not_found") if self.profile_id else None


def next_term_of(subscription_id: UUID, wanted: WantedChange) -> ChangeNextTerm:
    """The command of a change from the next term on. Raises as `WantedChange.seats`, `WantedChange.plan`."""
    return ChangeNextTerm(subscription_id, wanted.seats(), wanted.plan())


def shown(
    page_request: PageRequest, subscription_id: UUID, wanted: WantedChange, refused: DomainError | None = None
) -> SubscriptionPage:
    """The page, with the preview that was asked for. What cannot be done is said, and what was typed stays.

    Raises: NotFound.
    """
    may_buy = page_request.principal.may(BUY)

    def work(uow: UnitOfWork) -> SubscriptionPage:
        found = get_subscription(uow, subscription_id)
        may_change = may_buy and found.state == "active" and found.renewal_order_id is None
        offered, error = None, refused
        if may_change and wanted.previewed:
            offered, problem = _preview(page_request, uow, found, wanted)
            error = error or problem
        life = life_of(page_request, subscription_timeline(uow, subscription_id, "buyer"), "buyer")
        page = _page(page_request, found, _form(page_request, uow, found, wanted, open_=may_change))
        departments = list_departments(uow, archived=True)
        whose = next((one for one in departments if one.id == found.department_id), None)
        may_assign = page_request.principal.may(ASSIGN) and found.state != "ended"
        return replace(
            page,
            departments=department_choices(departments, page_request.language, found.department_id)
            if may_assign
            else (),
            department_id=str(whose.id) if whose else "",
            department=department_name(whose, page_request.language) if whose else "",
            may_change=may_change,
            may_pay=may_buy and found.state != "ended",
            offered=offered,
            life=life,
            error=failure(page_request, error) if error is not None else None,
            error_field=getattr(error, "field", None),
        )

    return page_request.transact(work)


def _preview(
    page_request: PageRequest, uow: UnitOfWork, found: SubscriptionView, wanted: WantedChange
) -> tuple[ChangePreview | None, DomainError | None]:
    try:
        with uow.session.begin_nested():
            if wanted.when == "next":
                after = preview_next_term(uow, next_term_of(found.id, wanted))
                return ChangePreview(next=_next_term(page_request, uow, after)), None
            if wanted.when == "with":
                quote = quote_alignment(uow, QuoteAlignment(found.id, wanted.other(), wanted.profile()))
            else:
                command = QuoteAmendment(found.id, wanted.seats(), wanted.plan(), wanted.profile())
                quote = quote_amendment(uow, command)
            uow.flush()
            aligned_to = QuotedChange.model_validate(quote.amends).aligned_to
            return ChangePreview(_panel(page_request, quote), str(uuid7()), aligned_to=aligned_to), None
    except DomainError as error:
        return None, error


def _panel(page_request: PageRequest, quote: Quote) -> QuotePanel:
    """The quote with its own lines in words."""
    line = PricedLine.model_validate(quote.lines[0])
    words = tuple(
        QuotePanelLine(
            line_in_words(part, line.interval, line.currency, page_request.language),
            money(part.amount_minor, line.currency),
            tier_parts(page_request, line.tier, line.currency),
        )
        for part in line.price_lines
    )
    panel = quote_view(page_request, quote)
    off, said = untaxed_off(page_request, line)
    less = (QuotePanelLine(said, off),) if off is not None else ()
    return replace(panel, lines=(*words, *less) if words else panel.lines)


def _next_term(page_request: PageRequest, uow: UnitOfWork, after: SubscriptionView) -> str:
    """What the next term would be, and what it would cost."""
    plan = _plan_name(page_request, uow, after)
    what = f"{plan} × {page_request.formats.number(after.next_quantity or after.quantity)}"
    price = price_words(page_request, after)
    return page_request.t("subscription.next_would_be", what=what, price=price) if price else what


def _plan_name(page_request: PageRequest, uow: UnitOfWork, found: SubscriptionView) -> str:
    if found.next_plan_id is not None:
        for plan in _plans(uow, found):
            if plan.id == found.next_plan_id:
                return page_request.pick(plan.name, plan.name_en)
    return page_request.pick(found.plan_name, found.plan_name_en)


def price_words(page_request: PageRequest, found: SubscriptionView) -> str:
    """What the next term costs: as it was told, or about what it would cost as its plan is priced today."""
    if found.next_gross_minor is not None and found.next_currency is not None:
        return page_request.formats.money(money(found.next_gross_minor, found.next_currency))
    if found.expected_minor is None or found.expected_currency is None:
        return ""
    amount = page_request.formats.money(money(found.expected_minor, found.expected_currency))
    if found.expected_tax_included:
        return page_request.t("subscription.about", amount=amount)
    return page_request.t("subscription.about_plus_tax", amount=amount)


def next_words(page_request: PageRequest, found: SubscriptionView) -> str:
    """What follows the paid term, in a sentence."""
    t, day = page_request.t, page_request.formats.day
    if found.state == "ended":
        return t("subscription.is_over")
    if found.state == "past_due":
        return t("subscription.is_unpaid")
    if found.renewal_order_id is not None:
        return t("subscription.being_paid")
    if found.contract_ends_at == found.ends_at:
        return t("subscription.contract_last", day=day(found.ends_at))
    if found.renews_at is None:
        return t("subscription.ends", day=day(found.ends_at))
    price = price_words(page_request, found)
    return t("subscription.charges", day=day(found.renews_at), price=price) if price else day(found.renews_at)


def item(page_request: PageRequest, found: SubscriptionView) -> SubscriptionItem:
    """One of the list."""
    return SubscriptionItem(
        id=str(found.id),
        listing_name=page_request.pick(found.title, found.title_en),
        plan_name=page_request.pick(found.plan_name, found.plan_name_en),
        seller_name=found.seller_name,
        state=found.state,
        used=found.seats_used,
        quantity=found.seats,
        ends_at=found.ends_at,
        next=next_words(page_request, found),
    )


def _page(page_request: PageRequest, found: SubscriptionView, form: ChangeForm) -> SubscriptionPage:
    one = item(page_request, found)
    changes = found.next_quantity is not None or found.next_plan_id is not None
    plan = next((plan.label for plan in form.plans if plan.id == str(found.next_plan_id)), one.plan_name)
    quantity = page_request.formats.number(found.next_quantity or found.quantity)
    return SubscriptionPage(
        id=one.id,
        listing_id=str(found.listing_id),
        listing_name=one.listing_name,
        plan_name=one.plan_name,
        seller_name=one.seller_name,
        state=one.state,
        used=one.used,
        quantity=one.quantity,
        ends_at=one.ends_at,
        next=one.next,
        next_is_told=found.next_gross_minor is not None,
        changes_to=f"{plan} × {quantity}" if changes and found.state != "ended" else "",
        auto_renew=found.auto_renew,
        renewal_order_id=str(found.renewal_order_id) if found.renewal_order_id else None,
        entitlement_id=str(found.entitlement_id),
        order_id=str(found.order_id),
        may_change=False,
        may_pay=False,
        form=form,
        offered=None,
        life=(),
        contract_ends_at=found.contract_ends_at,
        charged=method_in_words(page_request, found.gateway, found.payment_method, form.methods)
        if found.payment_method
        else "",
    )


def _stored(found: SubscriptionView, ways: Sequence[Choice]) -> str:
    """Of the ways to pay, the one that is charged; the first one where that is none of them."""
    stored = f"{found.gateway}:{found.payment_method}"
    return next((one.id for one in ways if one.id == stored), ways[0].id if ways else "")


def _plans(uow: UnitOfWork, found: SubscriptionView) -> tuple[PlanView, ...]:
    """What its listing sells for a term today; nothing where it is off sale."""
    try:
        return tuple(plan for plan in get_listing(uow, found.listing_id).plans if plan.term_months)
    except DomainError:
        return ()


def _others(page_request: PageRequest, uow: UnitOfWork, found: SubscriptionView) -> tuple[Choice, ...]:
    """What it may be made to end with: what is in use and ends at another moment. The end of a contract is not moved."""
    if found.contract_ends_at is not None:
        return ()
    return tuple(
        Choice(
            str(one.id),
            # Several of one product differ by their plans.
            f"{page_request.pick(one.title, one.title_en)} · {page_request.pick(one.plan_name, one.plan_name_en)}"
            f" · {one.seller_name}",
            page_request.formats.day(one.ends_at),
        )
        for one in list_subscriptions(uow, limit=MOST_OTHERS).items
        if one.state == "active" and one.ends_at != found.ends_at
    )


def _form(
    page_request: PageRequest, uow: UnitOfWork, found: SubscriptionView, wanted: WantedChange, *, open_: bool
) -> ChangeForm:
    plans = tuple(
        Choice(
            str(plan.id),
            page_request.pick(plan.name, plan.name_en),
            priced(page_request, plan.unit_price_minor, plan.currency, plan.price_unit),
        )
        for plan in (_plans(uow, found) if open_ or found.next_plan_id else ())
        if plan.code != found.plan_code
    )
    profiles = tuple(Choice(str(one.id), one.legal_name, one.tax_id or "") for one in list_billing_profiles(uow))
    ways = methods(page_request, page_request.services.gateways, uow)
    others = _others(page_request, uow, found) if open_ else ()
    return ChangeForm(
        when=wanted.when,
        quantity=wanted.quantity or str(found.quantity),
        plan_id=wanted.plan_id,
        plans=plans,
        align_with=wanted.align_with,
        others=others,
        profiles=profiles if open_ else (),
        profile_id=wanted.profile_id or (profiles[0].id if profiles else ""),
        methods=ways,
        method_id=wanted.method_id or _stored(found, ways),
        po_number=wanted.po_number,
    )
