"""The tax of a foreign-currency document in the currency in which its seller accounts for VAT, frozen when it is issued."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, select

from billing.invoices.models import Invoice
from billing.reference_rates.conversion import PublishedRate, convert
from billing.reference_rates.queries import find_rates
from billing.tax.accounting_currency import vat_currency
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork

RATE_WAITS: Final = timedelta(hours=1)
"""Until a document that waits for a rate looks again."""
BILLS: Final = frozenset(["CN"])
"""Countries in which this document is a bill and no invoice of the law: it is issued without a rate rather than late."""


def say_accounting_tax(uow: UnitOfWork, invoice: Invoice, original: Invoice | None) -> None:
    """Write the tax down in the seller's own currency where the document is in another, by the latest rate that is known.

    A credit note goes by the rates of its original, and all of them together take back what that said, to the last unit. What
    was written stays; where no rate is known, nothing is written.

    Locks: of a credit note, its original.

    Source: Directive 2006/112/EC, articles 91 and 230 (the latest rate published when the tax becomes chargeable).
    """
    if invoice.accounting_tax is not None or invoice.tax_minor == 0:
        return
    if original is not None:
        if original.accounting_tax is not None:
            invoice.accounting_tax = _credited(uow, invoice, original, original.accounting_tax)
        return
    currency = _wanted(invoice)
    if currency is None:
        return
    rates = find_rates(uow, invoice.currency.strip(), currency, clock.today())
    if rates is not None:
        invoice.accounting_tax = {
            "currency": currency,
            "tax_minor": convert(invoice.tax_minor, invoice.currency.strip(), currency, rates),
            "rates": [one.as_json() for one in rates],
        }


def awaits_rate(invoice: Invoice) -> bool:
    """Whether the law wants the tax in another currency besides, and no rate was known when that was last looked for."""
    if invoice.accounting_tax is not None or invoice.tax_minor == 0 or invoice.kind == "credit_note":
        return False
    return invoice.seller["country"] not in BILLS and _wanted(invoice) is not None


def _wanted(invoice: Invoice) -> str | None:
    currency = vat_currency(invoice.seller["country"], clock.today())
    return None if currency == invoice.currency.strip() else currency


def _credited(uow: UnitOfWork, note: Invoice, original: Invoice, kept: dict[str, Any]) -> dict[str, Any]:
    rates = [PublishedRate.of_json(one) for one in kept["rates"]]
    # Of two notes the second has to see what the first takes back.
    lock_row(uow.session, Invoice, original.id)
    before = select(func.coalesce(func.sum(Invoice.tax_minor), 0)).where(
        Invoice.original_invoice_id == original.id, Invoice.id != note.id, Invoice.accounting_tax.is_not(None)
    )
    credited = int(uow.session.scalar(before) or 0)
    currency = original.currency.strip()
    # What all of them take back, less what those before have: the last one takes the rest of the rounding.
    tax_minor = convert(credited + note.tax_minor, currency, kept["currency"], rates) - convert(
        credited, currency, kept["currency"], rates
    )
    return {"currency": kept["currency"], "tax_minor": tax_minor, "rates": kept["rates"]}
