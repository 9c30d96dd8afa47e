"""The buyer's finance lets an issued invoice name another title, or the same with another name or tax identifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from billing.documents.parties import DocumentParty, postal_fields
from billing.invoices.correct_title import CorrectInvoiceTitle, TitleCorrection, correct_title, find_correction
from billing.invoices.models import Invoice, InvoiceLine
from billing.invoices.queries import visible_invoice
from billing.invoices.to_document import party_of
from billing.refunds.queries import awaits_red
from billing.tax.decision import TaxParty, tax_for
from billing.tax.rates import CHINA_GENERAL
from kernel import audit
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.input_text import line, optional_line
from marketplace.parties.lookups import InvoiceTitle, get_billing_profile, get_party
from marketplace.parties.places import MAX_ADDRESS
from marketplace.parties.tax_ids import checked_tax_id
from orders.order.locking import find_locked_order
from orders.order.models import Order, OrderLine

CORRECT = "billing.manage"
"""Who may have a title corrected."""


@dataclass(frozen=True, slots=True)
class CorrectTitle:
    """Either `billing_profile_id` names the title, or what is given of the rest takes the place of what the invoice says.

    A country is never changed by words alone: where the buyer is decides its tax, so that another place needs its profile.
    """

    invoice_id: UUID
    reason: str
    billing_profile_id: UUID | None = None
    legal_name: str = ""
    tax_id: str | None = None
    address: str | None = None


def correct_invoice_title(uow: UnitOfWork, command: CorrectTitle) -> TitleCorrection:
    """Have what is left of an invoice credited and issued once more to the right title. No money moves.

    Raises:
        NotFound: `invoice_not_found`, it is not the acting organization's; `billing_profile_not_found`.
        Conflict: as `billing.invoices.correct_title`; `billing_profile_retired`; `correction_changes_tax`: with the other title
            the sale would have borne another tax, which only a refund and a new purchase can change; `refund_awaits_red`: money
            of it goes back once its tax invoice is taken back.
        Invalid: `text_required`, `text_too_long`, those of `checked_tax_id`.

    Locks: the orders on the invoice by id, then the invoice: a refund of one of them comes before or after as a whole.
    Idempotent by: the invoice and the title.
    """
    original = visible_invoice(uow, command.invoice_id)
    if original.buyer_org_id != uow.principal.organization():
        raise NotFound("invoice_not_found")
    reason = line("reason", command.reason)
    buyer = _buyer(uow, original, command)
    sold = _orders_of(uow, original.id)
    for order_id, _ in sold:
        find_locked_order(uow, order_id)
    uow.session.refresh(original)
    if find_correction(uow, original.id) is None:
        if awaits_red(uow, [order_id for order_id, _ in sold]):
            raise Conflict("refund_awaits_red")
        _require_same_tax(uow, original, buyer, [at for _, at in sold])
    found = correct_title(uow, CorrectInvoiceTitle(original.id, buyer, reason))
    audit.record(uow, "invoice.title_corrected", subject_id=original.id)
    return found


def _buyer(uow: UnitOfWork, original: Invoice, command: CorrectTitle) -> DocumentParty:
    if command.billing_profile_id is not None:
        return party_of_title(get_billing_profile(uow, command.billing_profile_id))
    before = party_of(original.buyer)
    named = replace(before, legal_name=line("legal_name", command.legal_name or before.legal_name))
    if command.tax_id is not None:
        of_person = not before.tax_id and not command.tax_id
        named = replace(named, tax_id=checked_tax_id(before.country, command.tax_id, of_person=of_person) or "")
    if command.address is not None:
        address = optional_line("address", command.address, MAX_ADDRESS)
        named = replace(named, address_lines=(address,) if address else (), city="", postcode="", subdivision="")
    return named


def party_of_title(title: InvoiceTitle) -> DocumentParty:
    """A billing profile as a document names it."""
    return DocumentParty(
        legal_name=title.legal_name,
        country=title.country,
        tax_id=title.tax_id or "",
        phone=title.phone,
        email=title.email,
        **postal_fields(title),
    )


def _orders_of(uow: UnitOfWork, invoice_id: UUID) -> list[tuple[UUID, datetime]]:
    """The orders whose lines an invoice has, by id, and when they were placed."""
    rows = uow.session.execute(
        select(Order.id, Order.created_at)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(InvoiceLine, InvoiceLine.reference == OrderLine.id)
        .where(InvoiceLine.invoice_id == invoice_id)
        .distinct()
        .order_by(Order.id)
    )
    return [(row.id, row.created_at) for row in rows]


def _require_same_tax(uow: UnitOfWork, original: Invoice, buyer: DocumentParty, placed_at: Sequence[datetime]) -> None:
    """Whatever was sold, and on whichever of these days, both titles must bear the same tax. Raises Conflict."""
    seller, own = party_of(original.seller), get_party(uow, original.buyer_org_id)
    sold_by = get_party(uow, original.seller_org_id)
    sells = TaxParty(country=sold_by.country, tax_id=sold_by.tax_id or "")
    for at in placed_at:
        on = at.astimezone(ZoneInfo(sold_by.time_zone)).date()
        for category in CHINA_GENERAL:
            before, after = (
                tax_for(
                    sells, TaxParty(one.country, one.tax_id, registered_in=own.country), category, on, included=True
                )
                for one in (party_of(original.buyer), buyer)
            )
            if (before.rate_ppm, before.category) != (after.rate_ppm, after.category):
                raise Conflict("correction_changes_tax", seller=seller.legal_name, title=buyer.legal_name)
