"""What was delivered is invoiced to the buyer by whoever sold it, the seller or the platform, from the order's own copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Uuid, bindparam, case, cast, select
from sqlalchemy.orm import aliased

from billing.bank.models import BankTransfer
from billing.bank.sandbox_bank import was_played
from billing.credit_lines.models import ON_ACCOUNT
from billing.documents.parties import DocumentParty, postal_fields
from billing.invoices.issue_invoice import ISSUED, IssueInvoice, LineToInvoice, ask_invoice, issue_invoice
from billing.invoices.models import Invoice
from billing.payments.models import PaymentAllocation
from billing.tax.decision import reason_in_words
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.money import to_decimal
from marketplace.catalog.selling_model import RESELLER
from marketplace.departments.models import Department
from marketplace.parties.models import PLATFORM_ORG_ID, BillingProfile, Organization
from marketplace.parties.postal_address import ADDRESS_PARTS
from marketplace.pricing.engine import PriceLine
from marketplace.pricing.words import LANGUAGES, Language, line_in_words
from orders.checkout.models import Purchase
from orders.invoicing.unbilled import invoice_reference, wait_for_month
from orders.order.models import Order, OrderLine, SubscriptionTerm
from orders.order.span import Span
from orders.order.untaxed import untaxed_of

MOST_WORDS = 350
"""Of a line's explanation in one language; the document's description has room for a thousand characters."""


@dataclass(frozen=True, slots=True)
class KeptAddress:
    """An address as a purchase keeps it: on one line, and in its parts where they are known."""

    address: str
    street: str = ""
    city: str = ""
    post_code: str = ""
    subdivision: str = ""


UNITS = {"per_seat": ("席 / seat", "C62"), "flat": ("套 / set", "C62"), "one_off": ("项 / job", "C62")}
"""Words beside the quantity, and its UN/ECE Recommendation 20 code (C62: one)."""


_title = aliased(BillingProfile)
_buyer = aliased(Organization)
_ISSUER = case((Order.selling_model == RESELLER, PLATFORM_ORG_ID), else_=Order.seller_org_id)
_PARTIES = Read(
    select(
        Purchase,
        Organization,
        BillingProfile,
        Department,
        BankTransfer,
        PaymentAllocation.credit_minor,
        _title.id,
        _title.monthly_invoice,
        _buyer.time_zone,
        was_played(Purchase.gateway, Order.buyer_org_id, Order.payment_id).label("played"),
    )
    .join(Order, Order.purchase_id == Purchase.id)
    .join(_buyer, _buyer.id == Order.buyer_org_id)
    .join(
        _title,
        (_title.org_id == Purchase.buyer_org_id) & (_title.id == cast(Purchase.billing_profile["id"].astext, Uuid)),
        isouter=True,
    )
    .join(Organization, Organization.id == _ISSUER)
    .join(
        BillingProfile,
        (BillingProfile.org_id == Organization.id) & BillingProfile.is_default,
        isouter=True,
    )
    .join(
        Department,
        (Department.org_id == Purchase.buyer_org_id) & (Department.id == Purchase.department_id),
        isouter=True,
    )
    .join(
        BankTransfer,
        (BankTransfer.payer_org_id == Order.buyer_org_id)
        & (BankTransfer.payment_id == Order.payment_id)
        & (BankTransfer.gateway == ON_ACCOUNT),
        isouter=True,
    )
    .join(
        PaymentAllocation,
        (PaymentAllocation.payment_id == BankTransfer.payment_id) & (PaymentAllocation.reference == Order.id),
        isouter=True,
    )
    .where(Order.id == bindparam("order_id")),
    lasting=True,
)


def ask_parties(uow: UnitOfWork, order_id: UUID) -> None:
    """Ask ahead what `invoice_order` reads, for an order that is locked."""
    uow.ask_ahead(_PARTIES, order_id=order_id)
    ask_invoice(uow, order_id)


def department_of(uow: UnitOfWork, order_id: UUID) -> UUID | None:
    """Whose spending an order is."""
    purchase: Purchase = uow.find(_PARTIES, order_id=order_id).Purchase
    return purchase.department_id


def invoice_order(
    uow: UnitOfWork, order: Order, lines: Sequence[OrderLine], term: SubscriptionTerm | Span | None
) -> UUID | None:
    """Issue the invoice for a delivered order, of the seller, or of the platform where that sold it. Free orders have none.
    Idempotent by the order.

    `term` is the first term that the invoice pays for, or the rest of one. Where its title chose one invoice a month, an
    order that is paid waits for that; one that is owed has its own, which names the transfer that is awaited.
    """
    if order.gross_minor == 0:
        return None
    purchase, issuer, profile, department, owed, credit_minor, title_id, monthly, time_zone, played = uow.find(
        _PARTIES, order_id=order.id
    )
    is_owed = owed is not None and owed.state == "awaited"
    if monthly and not is_owed and uow.find(ISSUED, reference=order.id) is None:
        wait_for_month(uow, order, title_id, time_zone, _period(term, issuer.time_zone))
        return None
    return issue_invoice(
        uow,
        IssueInvoice(
            reference=order.id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=issuer.id,
            buyer=invoiced_party(purchase),
            seller=seller_party(issuer, profile),
            currency=order.currency,
            lines=[invoice_line(line) for line in lines],
            order_number=order.number,
            paid_minor=credit_minor if is_owed else order.gross_minor,
            due_on=_day_before(owed.deadline_at, issuer.time_zone) if is_owed else None,
            po_number=order.po_number or "",
            cost_centre=department.code if department else "",
            payment_reference=owed.remark_code if is_owed else str(order.payment_id),
            period=_period(term, issuer.time_zone),
            sandbox=played,
            issuer_time_zone=issuer.time_zone,
        ),
    )


def invoice_of(uow: UnitOfWork, order_id: UUID) -> UUID | None:
    """The invoice that stands for an order, numbered or not, with the title as it was corrected last.

    None before activation, for a free order, after a failed delivery, and until its month's is issued where it waits for that.
    """
    standing = (
        Invoice.reference == invoice_reference(order_id),
        Invoice.kind == "invoice",
        Invoice.superseded_at.is_(None),
    )
    return uow.session.scalar(select(Invoice.id).where(*standing))


def invoiced_party(purchase: Purchase) -> DocumentParty:
    """Whom a purchase is invoiced to, as it keeps the title."""
    title = purchase.billing_profile
    return DocumentParty(
        legal_name=title["legal_name"],
        country=title["country"],
        tax_id=title["tax_id"] or "",
        phone=title.get("phone") or "",  # purchases of before have none
        email=title["email"] or "",
        **postal_fields(_kept_address(title)),
    )


def _kept_address(title: dict[str, Any]) -> KeptAddress:
    """As the purchase keeps it; purchases of before know it on one line."""
    return KeptAddress(title["address"] or "", *(title.get(name) or "" for name in ADDRESS_PARTS))


def seller_party(organization: Organization, profile: BillingProfile | None) -> DocumentParty:
    """A seller, or the platform, as its invoices name it: by its registration, and by its default profile if it has one."""
    return DocumentParty(
        legal_name=organization.legal_name,
        country=organization.country,
        tax_id=organization.tax_id or "",
        phone=profile.phone if profile else "",
        email=profile.email if profile else "",
        **postal_fields(profile),
    )


def invoice_line(line: OrderLine) -> LineToInvoice:
    """A price of several parts is one set, explained part by part: a quantity of seats times a unit price is not what it is."""
    unit, unit_code = UNITS.get(line.pricing, UNITS["flat"])
    plan = line.plan
    parts = [PriceLine.model_validate(part) for part in line.price_lines]
    explained = [_explained(parts, line, language) for language in LANGUAGES if parts]
    return LineToInvoice(
        reference=line.id,
        name=f"{plan['title']} · {plan['plan_name']}",
        description="\n".join([f"{plan['title_en']} · {plan['plan_name_en']}{_noted(line)}", *explained]),
        quantity=Decimal(1 if parts else line.quantity),
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_category=line.tax_category,
        tax_reason=reason_in_words(line.tax_reason),
        unit=unit,
        unit_code=unit_code,
    )


def _explained(parts: Sequence[PriceLine], line: OrderLine, language: Language) -> str:
    """As much as the document has room for, a part a line: where the brackets do not fit, each part with its amount."""
    full = "\n".join(line_in_words(part, line.interval, line.currency, language) for part in parts)
    if len(full) <= MOST_WORDS:
        return full
    brief = [part.model_copy(update={"brackets": ()}) for part in parts if part.amount_minor]
    return "\n".join(line_in_words(part, line.interval, line.currency, language) for part in brief)[:MOST_WORDS]


def _noted(line: OrderLine) -> str:
    """What there is to know of its price, in words of both languages."""
    return f"{_tier(line)}{_discount(line)}{untaxed_of(line.plan).on_paper}{_contract(line)}"


def _tier(line: OrderLine) -> str:
    """At whose price it was sold, in words of both languages, and what the plan would have cost where that is known."""
    tier = line.plan.get("tier")
    if not tier:
        return ""
    said = f" · 伙伴价 Partner price ({tier['name']} {tier['name_en']})"
    if tier["name"] == tier["name_en"]:
        said = f" · 伙伴价 Partner price ({tier['name']})"
    if tier["list_minor"] is None:
        return said
    currency = line.currency.strip()
    return f"{said}, 目录价 List {to_decimal(tier['list_minor'], currency)} {currency}"


def _discount(line: OrderLine) -> str:
    """What was taken off, in words of both languages: the line's own amounts are those after it."""
    if not line.plan.get("coupon"):
        return ""
    currency = line.currency.strip()
    before, off = (to_decimal(minor, currency) for minor in (line.list_minor, line.discount_minor))
    return f" · 原价 List {before} {currency}, 优惠 Discount −{off} ({line.plan['coupon']})"


def _contract(line: OrderLine) -> str:
    """After how many terms it ends for good, in words of both languages."""
    terms = line.plan.get("contract_terms")
    return f" · 合同共 {terms} 期 Contract of {terms} terms" if terms else ""


def _day_before(instant: datetime, time_zone: str) -> date:
    """The last whole day before an instant by which something has to be there."""
    return (instant - timedelta(seconds=1)).astimezone(ZoneInfo(time_zone)).date()


def _period(term: SubscriptionTerm | Span | None, time_zone: str) -> tuple[date, date] | None:
    """The term as days where the issuer keeps its books; half-open."""
    if term is None:
        return None
    zone = ZoneInfo(time_zone)
    return term.starts_at.astimezone(zone).date(), term.ends_at.astimezone(zone).date()
