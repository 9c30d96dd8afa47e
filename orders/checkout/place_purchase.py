"""Accept a quote: one purchase, one order per seller, everything financial copied for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, func, select

from billing.gateways.call import Submission
from billing.shares.terms import ask_terms, terms_for
from billing.store_credit.move_credit import ask_credit
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Gone, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from marketplace.access.models import Member, Person
from marketplace.catalog import sellable
from marketplace.departments.models import Department
from marketplace.departments.queries import DepartmentRow, department_row
from marketplace.parties import lookups
from marketplace.parties.models import Organization
from marketplace.payers.billable import require_billable
from orders.amendments.amend import place_amendment
from orders.amendments.models import QuotedChange
from orders.approval_rules.find_rule import ask_rules
from orders.approval_rules.steps import steps_from
from orders.checkout.approval_reasons import APPROVAL_WAITS, needed_approval, reasons_of
from orders.checkout.attribute_line import ask_touchpoints, attribute_line
from orders.checkout.end_customers import require_agreed
from orders.checkout.line_tax import invoice_party, lines_for
from orders.checkout.models import PURCHASE, Purchase
from orders.checkout.order_rows import line_row, order_row, profile_as_kept
from orders.checkout.payer_charges import payer_title
from orders.checkout.payer_models import BY_PAYER
from orders.checkout.priced_line import Context, InvoiceParty, PricedLine, by_order, coupons_of, totals
from orders.checkout.quote_models import Quote
from orders.checkout.request_payment import payment_waits, request_payment
from orders.checkout.sale_deal import ENDED_BEFORE, sale_of
from orders.checkout.views import PurchaseView, steps_shown
from orders.coupons.take_coupons import take_coupons
from orders.offers.accept_offer import accept_offer
from orders.offers.models import Offer
from orders.order.events import ApprovalRequested, PurchasePlaced
from orders.order.models import ORDER, Attribution, Order, OrderLine, SaleTerms, Subscription
from orders.order.views import LineView, line_view, order_view
from orders.trials.take_trial import require_untried, take_trial


@dataclass(frozen=True, slots=True)
class PlacePurchase:
    """Which quote, for whom the invoice is made out, how it is paid. `method_token` is the gateway's, never a card number."""

    quote_id: UUID
    billing_profile_id: UUID | None
    """None: of what the payer pays and is invoiced (`gateway` `payer`, its agreement's id as the method)."""
    gateway: str
    method_token: str
    po_number: str | None = None
    department_id: UUID | None = None
    """Whose spending it is; None: of the department of who asks for it, of a change as its subscription."""
    pay_at_once: bool = False
    """Whether whoever commits this runs its submission (`Runner.run_prepared`)."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A purchase just placed. `submission` calls the gateway for its payment, the caller's to run where it is leased."""

    purchase: Purchase
    quote: Quote
    requested_by_name: str | None
    orders: list[Order]
    lines: list[tuple[OrderLine, Attribution | None]]
    submission: Submission | None
    department: DepartmentRow | None = None

    def view(self) -> PurchaseView:
        """What a query would show of it."""
        lines: dict[UUID, list[LineView]] = {}
        for line, credit in self.lines:
            lines.setdefault(line.order_id, []).append(line_view(line, credit))
        purchase = self.purchase
        return PurchaseView(
            id=purchase.id,
            state=purchase.state,
            currency=purchase.currency,
            net_minor=purchase.net_minor,
            tax_minor=purchase.tax_minor,
            gross_minor=purchase.gross_minor,
            po_number=purchase.po_number,
            department=self.department,
            billing_profile=purchase.billing_profile,
            gateway=purchase.gateway,
            requested_by=purchase.requested_by,
            requested_by_name=self.requested_by_name,
            approval_reasons=reasons_of(purchase.approval_reasons),
            approval_steps=steps_shown(steps_from(purchase.approval_steps)),
            decided_by_name=None,
            decision=None,
            decision_reason=None,
            decided_at=None,
            deadline_at=purchase.deadline_at,
            created_at=purchase.created_at,
            context=self.quote.context,
            orders=tuple(order_view(order, lines[order.id]) for order in self.orders),
        )


def place_purchase(uow: UnitOfWork, command: PlacePurchase) -> Placed:
    """Place the purchase of a quote for the acting organization.

    The amounts are the quote's, whatever a plan costs by now; the tax is that of the party whom the invoice names.
    Of an amendment's quote the subscription is changed once the purchase is paid.

    Raises: NotFound, Conflict `price_changed` as `lines_for`, of an amendment's quote as `place_amendment`, Gone `quote_expired`,
    Conflict `quote_used`, `plan_withdrawn`, `listing_suspended`, `trial_used`, Invalid `payment_method_missing`,
    `department_unknown`, Forbidden `not_on_allow_list`; as `payment_waits`, `take_coupons`,
    as `require_agreed`, of what a payer pays `payer_title` and `start_by_payer`, of an offer's quote `accept_offer`.
    Emits: PurchasePlaced, ApprovalRequested, OfferAccepted.
    Locks: the quote; the end customers; the buyer's credit; as `needed_approval`; the offer; its coupons.
    Idempotent by the quote: it can be used once.
    """
    found = _take_quote(uow, command)
    quote, department = found.Quote, _department(uow, found, command)
    profile = _title(uow, command)
    lines = lines_for(uow, quote, invoice_party(profile))
    net, tax, gross = totals(lines)
    context, now = Context.model_validate(quote.context), clock.now()
    _ask_ahead(uow, found, lines, now)
    require_agreed(uow, lines, anew=quote.amends is None)
    for line in lines:
        sellable.require_still_sold(uow, line.plan_id, anew=quote.offer_id is None and quote.amends is None)
    # Asked again: the quote may be a colleague's, and the right to buy or the rule may have changed since.
    needed = needed_approval(uow, [line.agreed for line in lines], binding=True)
    waits, paid_within = bool(needed.reasons), payment_waits(uow, command.gateway, quote.currency)
    purchase = Purchase(
        id=uuid7(),
        buyer_org_id=quote.buyer_org_id,
        quote_id=quote.id,
        currency=quote.currency,
        net_minor=net,
        tax_minor=tax,
        gross_minor=gross,
        billing_profile=profile_as_kept(profile),
        po_number=plain_text(command.po_number or "") or None,
        department_id=department.id if department else None,
        requested_by=uow.principal.accountable_id,
        gateway=command.gateway,
        method_token=_method(command, lines),
        approval_reasons=[reason.stored() for reason in needed.reasons],
        approval_steps=[step.stored() for step in needed.steps],
        deadline_at=now + (APPROVAL_WAITS if waits else paid_within),
        created_at=now,
    )
    PURCHASE.begin(uow, purchase, "pending_approval" if waits else "pending_payment", org_ids=[purchase.buyer_org_id])
    uow.add(purchase)
    placed = Placed(purchase, quote, found.requested_by_name, [], [], None, department)
    offer = accept_offer(uow, quote.offer_id) if quote.offer_id is not None else None
    for group in by_order(lines):
        _place_order(uow, placed, group, context, found, offer)
    _take_trial(uow, placed, lines[0], invoice_party(profile))
    take_coupons(uow, placed.orders, coupons_of(by_order(lines)))
    emit(uow, PurchasePlaced(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id, needs_approval=waits))
    if waits:
        emit(uow, ApprovalRequested(purchase_id=purchase.id, buyer_org_id=purchase.buyer_org_id))
        return placed
    submission = request_payment(uow, purchase, placed.orders, leased=command.pay_at_once)
    return replace(placed, submission=submission)


def _title(uow: UnitOfWork, command: PlacePurchase) -> lookups.InvoiceTitle:
    """Raises NotFound `billing_profile_not_found`, as `get_billing_profile`, as `payer_title`; Conflict `payer_needed` of an
    organization that no invoice can name.
    """
    title = payer_title(uow, command.method_token) if command.gateway == BY_PAYER else None
    if title is not None:
        return title
    if command.billing_profile_id is None:
        require_billable(uow, uow.principal.organization())
        raise NotFound("billing_profile_not_found")
    return lookups.get_billing_profile(uow, command.billing_profile_id)


def ask_place_purchase(uow: UnitOfWork, command: PlacePurchase) -> None:
    """Ask ahead for `place_purchase` what its command names."""
    uow.ask_ahead(_QUOTE, **_named(uow, command))
    if command.billing_profile_id is not None:
        lookups.ask_billing_profile(uow, command.billing_profile_id)
    ask_rules(uow)


def _ask_ahead(uow: UnitOfWork, found: Any, lines: list[PricedLine], at: datetime) -> None:
    """What the quote names, in one round trip."""
    quote: Quote = found.Quote
    for line in lines:
        sellable.ask_still_sold(uow, line.plan_id)
        ask_touchpoints(uow, quote.buyer_org_id, line, at)
        ask_terms(uow, sale_of(quote.buyer_org_id, line, found.ended), at)
    ask_credit(uow, quote.buyer_org_id, quote.currency, {line.seller_org_id for line in lines})


_asker = bindparam("requested_by", type_=Uuid)
_QUOTE = Read(
    select(
        Quote,
        Department,
        select(Person.name).where(Person.id == _asker).scalar_subquery().label("requested_by_name"),
        Organization.legal_name.label("buyer_name"),
        ENDED_BEFORE.label("ended"),
    )
    .select_from(Quote)
    .join(Organization, Organization.id == Quote.buyer_org_id)
    .join(
        Member,
        (Member.org_id == Quote.buyer_org_id) & (Member.person_id == _asker) & Quote.amends.is_(None),
        isouter=True,
    )
    .join(
        Department,
        (Department.org_id == Quote.buyer_org_id)
        & (Department.id == func.coalesce(bindparam("department_id", type_=Uuid), Member.department_id)),
        isouter=True,
    )
    .where(Quote.id == bindparam("quote_id"))
    .with_for_update(of=Quote, key_share=True)
)
"""With the department that was chosen, else, but for changes, that of who asks."""
_OF_CHANGED = Read(
    select(Department)
    .join(
        Subscription, (Subscription.buyer_org_id == Department.org_id) & (Subscription.department_id == Department.id)
    )
    .where(Subscription.id == bindparam("subscription_id"))
)
"""That of the subscription which is changed. Asked apart: joined by what the quote says, all subscriptions would be read."""


def _named(uow: UnitOfWork, command: PlacePurchase) -> dict[str, UUID | None]:
    return {
        "quote_id": command.quote_id,
        "requested_by": uow.principal.accountable_id,
        "department_id": command.department_id,
    }


def _department(uow: UnitOfWork, found: Any, command: PlacePurchase) -> DepartmentRow | None:
    """An archived one is named by what changes a subscription of it alone. Raises Invalid(`department_unknown`)."""
    department: Department | None = found.Department
    chosen = command.department_id is not None
    if found.Quote.amends and not chosen:
        department = uow.find(_OF_CHANGED, subscription_id=UUID(found.Quote.amends["subscription_id"]))
    if department is not None and (department.archived_at is None or (found.Quote.amends and not chosen)):
        return department_row(department)
    if chosen:
        raise Invalid("department_unknown", field="department_id")
    return None


def _take_quote(uow: UnitOfWork, command: PlacePurchase) -> Any:
    found = uow.find(_QUOTE, **_named(uow, command))
    quote: Quote | None = found.Quote if found is not None else None
    if quote is None or quote.buyer_org_id != uow.principal.organization():
        raise NotFound("not_found")
    if quote.used_at is not None:
        raise Conflict("quote_used")
    if quote.expires_at <= clock.now():
        raise Gone("quote_expired")
    quote.used_at = clock.now()
    return found


def _method(command: PlacePurchase, lines: list[PricedLine]) -> str:
    """How it is paid. A trial that ends unless it is bought keeps no method. Raises Invalid(`payment_method_missing`)."""
    trial = lines[0].trial
    if trial is not None and not trial.converts:
        return ""
    if not command.method_token:
        raise Invalid("payment_method_missing", field="payment_method")
    return command.method_token


def _take_trial(uow: UnitOfWork, placed: Placed, line: PricedLine, buyer: InvoiceParty) -> None:
    """A quote with a trial in it has no other line."""
    if line.trial is None:
        return
    ((row, _),) = placed.lines
    # Asked again: it may have been bought since the quote was given.
    require_untried(uow, row.buyer_org_id, row.listing_id)
    take_trial(
        uow,
        row,
        days=line.trial.days,
        converts=line.trial.converts,
        full_line=line.trial.after.model_dump(mode="json"),
        invoice_party=buyer.model_dump(mode="json"),
    )


def _place_order(
    uow: UnitOfWork,
    placed: Placed,
    lines: list[PricedLine],
    context: Context,
    found: Any,
    offer: Offer | None,
) -> None:
    purchase = placed.purchase
    order = order_row(purchase, lines, found.buyer_name)
    if offer is not None:
        order.lead_id, order.offer_id = offer.lead_id, offer.id
    change = QuotedChange.model_validate(placed.quote.amends) if placed.quote.amends else None
    if change is not None:
        order.subscription_id = change.subscription_id
    ORDER.begin(uow, order, purchase.state, org_ids=order.parties)
    uow.add(order)
    placed.orders.append(order)
    if change is not None:
        _place_change(uow, placed, order, change, lines)
        return
    for line in lines:
        placed.lines.append(_place_line(uow, order, line, context, found.ended))


def _place_change(uow: UnitOfWork, placed: Placed, order: Order, change: QuotedChange, lines: list[PricedLine]) -> None:
    """Whom it is owed to, and who gets what of it, is as in the sale that began the subscription: copied when it is paid."""
    (line,) = lines
    row = uow.add(line_row(uuid7(), order, line))
    place_amendment(uow, change, row)
    placed.lines.append((row, None))


def _place_line(
    uow: UnitOfWork, order: Order, line: PricedLine, context: Context, ended: list[UUID]
) -> tuple[OrderLine, Attribution]:
    line_id = uuid7()
    credit, channel_id = attribute_line(uow, line_id, order, line, context)
    sale = sale_of(order.buyer_org_id, line, ended)
    terms = terms_for(uow, sale, credit.promoter_org_id, order.created_at, channel_id=channel_id)
    row = line_row(line_id, order, line)
    uow.add(row)
    uow.add(credit)
    uow.add(
        SaleTerms(
            id=uuid7(),
            order_line_id=line_id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            commission_ppm=terms.commission_ppm,
            promoter_org_id=credit.promoter_org_id,
            promoter_ppm=terms.promoter_ppm,
            promoter_conflict=terms.conflict,
            promotion=terms.promotion.stored() if terms.promotion is not None else None,
            deal_type=sale.deal_type,
            policy_version=terms.policy_version,
            hold_days=terms.hold_days,
        )
    )
    return row, credit
