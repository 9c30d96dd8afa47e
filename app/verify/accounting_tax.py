"""The tax of foreign-currency documents in the currency in which their seller accounts for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import select

from app.verify.rule import Example, Reading
from billing.invoices.models import Invoice
from billing.reference_rates.conversion import PublishedRate, convert
from kernel.db.uow import UnitOfWork

_PAGE = 1_000


def _wrong(uow: UnitOfWork) -> Iterator[Example]:
    """Documents whose tax is another at the rates that they keep; the notes of an original are one amount together."""
    notes: dict[UUID, list[Invoice]] = defaultdict(list)
    said = select(Invoice).where(Invoice.accounting_tax.is_not(None)).execution_options(yield_per=_PAGE)
    for invoice in uow.session.scalars(said):
        if invoice.original_invoice_id is not None:
            notes[invoice.original_invoice_id].append(invoice)
        elif (wanted := _converted(invoice, invoice.tax_minor)) != _said(invoice):
            yield _example(invoice, wanted)
    for credited in notes.values():
        wanted = _converted(credited[0], sum(note.tax_minor for note in credited))
        if wanted != sum(_said(note) or 0 for note in credited):
            yield _example(credited[0], wanted)


def _said(invoice: Invoice) -> int | None:
    return (invoice.accounting_tax or {}).get("tax_minor")


def _converted(invoice: Invoice, tax_minor: int) -> int | None:
    kept = invoice.accounting_tax or {}
    try:
        rates = [PublishedRate.of_json(one) for one in kept["rates"]]
        return convert(tax_minor, invoice.currency.strip(), kept["currency"], rates)
    except (KeyError, ValueError, ArithmeticError):
        return None


def _example(invoice: Invoice, wanted: int | None) -> Example:
    rates = "; ".join(str(one) for one in (invoice.accounting_tax or {}).get("rates", []))
    return {
        "invoice_id": str(invoice.id),
        "number": invoice.number,
        "tax_minor": invoice.tax_minor,
        "said_minor": _said(invoice),
        "wanted_minor": wanted,
        "rates": rates,
    }


RULES = (
    Reading(
        "invoices.accounting_tax",
        "外币单据折算的税额等于税额乘以其保留的汇率；同一发票的红字单据合计亦然。",
        "The tax that a foreign-currency document says in its seller's currency is its tax at the rates that it keeps, and so is "
        "that of an invoice's credit notes together.",
        _wrong,
    ),
)
