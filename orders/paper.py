"""What was delivered is invoiced: the seller's invoice to the buyer, from the order's own copies."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.documents.parties import Party
from billing.invoices.issue_invoice import IssueInvoice, LineToInvoice, issue_invoice
from billing.invoices.models import Invoice
from billing.tax.reasons import reason_in_words
from kernel.db.uow import UnitOfWork
from marketplace import public
from orders.agreements.models import Order, OrderLine, Subscription, SubscriptionTerm
from orders.agreements.rows import lines_of
from orders.purchases.models import Purchase

UNITS = {"per_seat": ("席 / seat", "C62"), "flat": ("套 / set", "C62"), "one_off": ("项 / job", "C62")}
"""Words beside the quantity, and its UN/ECE Recommendation 20 code (C62: one)."""


def invoice_order(uow: UnitOfWork, order: Order) -> UUID | None:
    """Ask for the invoice of a delivered order. Free orders have none. Idempotent by the order."""
    if order.gross_minor == 0:
        return None
    purchase = uow.session.get_one(Purchase, order.purchase_id)
    lines = lines_of(uow, order.id)
    return issue_invoice(
        uow,
        IssueInvoice(
            reference=order.id,
            buyer_org_id=order.buyer_org_id,
            seller_org_id=order.seller_org_id,
            buyer=_buyer(purchase),
            seller=_seller(uow, order.seller_org_id),
            currency=order.currency,
            lines=[_line(line) for line in lines],
            order_number=order.number,
            paid_minor=order.gross_minor,
            po_number=order.po_number or "",
            payment_reference=str(order.payment_id),
            period=_period(uow, order, lines),
            sandbox=purchase.gateway == "sandbox",
        ),
    )


def invoice_of(uow: UnitOfWork, order_id: UUID) -> UUID | None:
    """The invoice of an order, numbered or not; None before activation, for a free order, and after a failed delivery."""
    return uow.session.scalar(select(Invoice.id).where(Invoice.reference == order_id, Invoice.kind == "invoice"))


def _buyer(purchase: Purchase) -> Party:
    title = purchase.billing_profile
    return Party(
        legal_name=title["legal_name"],
        country=title["country"],
        tax_id=title["tax_id"] or "",
        address_lines=(title["address"],) if title["address"] else (),
        email=title["email"] or "",
    )


def _seller(uow: UnitOfWork, org_id: UUID) -> Party:
    organization = public.party(uow, org_id)
    profile = public.find_default_billing_profile(uow, org_id)
    return Party(
        legal_name=organization.legal_name,
        country=organization.country,
        tax_id=organization.tax_id or "",
        address_lines=(profile.address,) if profile and profile.address else (),
        email=profile.email if profile else "",
    )


def _line(line: OrderLine) -> LineToInvoice:
    unit, unit_code = UNITS[line.pricing]
    plan = line.plan
    return LineToInvoice(
        reference=line.id,
        name=f"{plan['title']} · {plan['plan_name']}",
        description=f"{plan['title_en']} · {plan['plan_name_en']}",
        quantity=Decimal(line.quantity),
        net_minor=line.net_minor,
        tax_minor=line.tax_minor,
        gross_minor=line.gross_minor,
        tax_rate_ppm=line.tax_rate_ppm,
        tax_category=line.tax_category,
        tax_reason=reason_in_words(line.tax_reason),
        unit=unit,
        unit_code=unit_code,
    )


def _period(uow: UnitOfWork, order: Order, lines: list[OrderLine]) -> tuple[date, date] | None:
    """The first term that the invoice pays for, as days where the seller keeps its books; half-open."""
    term = uow.session.scalars(
        select(SubscriptionTerm)
        .join(Subscription, Subscription.id == SubscriptionTerm.subscription_id)
        .where(Subscription.order_line_id.in_([line.id for line in lines]), SubscriptionTerm.number == 1)
        .order_by(SubscriptionTerm.starts_at)
        .limit(1)
    ).first()
    if term is None:
        return None
    zone = ZoneInfo(public.party(uow, order.seller_org_id).time_zone)
    return term.starts_at.astimezone(zone).date(), term.ends_at.astimezone(zone).date()
