"""What both syntaxes of EN 16931 say alike: its codes and figures, and what it cannot carry.

The BT and BG numbers beside the syntaxes' elements are the business terms of EN 16931-1.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from billing.documents.lines import TaxCategory, TaxSubtotal
from billing.documents.model import InvoiceDocument
from kernel.money import PPM, exponent, to_decimal

GUIDELINE: Final = "urn:cen.eu:en16931:2017"
INVOICED_OBJECT: Final = "130"  # UNTDID 1001: what a line is about, in the seller's own numbering
INVOICE_CODE: Final = "380"  # UNTDID 1001, commercial invoice
CREDIT_NOTE_CODE: Final = "381"  # UNTDID 1001, credit note: amounts are positive
BANK_TRANSFER: Final = "30"  # UNTDID 4461, credit transfer
_DIGITS: Final = 2
_REASONS: Final = {
    TaxCategory.EXEMPT: ("Exempt from tax", ""),
    TaxCategory.REVERSE_CHARGE: ("Reverse charge", "VATEX-EU-AE"),
    TaxCategory.OUT_OF_SCOPE: ("Not subject to VAT", "VATEX-EU-O"),
}
_SANDBOX_NOTE: Final = "SANDBOX – not a tax document / 沙箱 · 非税务发票"
_NOT_FISCAL_NOTE: Final = "Not a tax invoice / 非税务发票"


def en16931_violation(document: InvoiceDocument) -> str | None:
    """Why EN 16931 cannot carry this document, as an error code; None when it can.

    Some rules of the standard are narrower than the law of some countries: a seller has an identifier, for VAT where it
    applies (BR-CO-26, BR-S-02 and its like); amounts have at most two digits after the point (BR-DEC-*; a Kuwaiti dinar
    has three); and the tax of a rate may differ from rate × net by less than one major unit (BR-CO-17), which a long
    invoice in a currency without minor units can exceed.
    """
    seller = document.seller
    if not seller.tax_id and (vat_applies(document) or not seller.registration_id):
        return "en16931_seller_id_missing"
    surplus = 10 ** max(exponent(document.currency) - _DIGITS, 0)
    amounts = [document.paid_minor, *(line.net_minor for line in document.lines)]
    amounts += [amount for group in document.breakdown for amount in (group.net_minor, group.tax_minor)]
    if any(amount % surplus for amount in amounts):
        return "en16931_amount_too_fine"
    major = 10 ** exponent(document.currency)
    if any(abs(g.tax_minor * PPM - g.net_minor * g.rate_ppm) >= major * PPM for g in document.breakdown):
        return "en16931_tax_rounding_too_wide"
    return None


def vat_applies(document: InvoiceDocument) -> bool:
    """Whether it is within the scope of VAT, as a whole or not at all."""
    return document.lines[0].tax_category is not TaxCategory.OUT_OF_SCOPE


def amount_text(amount_minor: int, currency: str) -> str:
    """With the currency's digits, two at most."""
    value = to_decimal(amount_minor, currency)
    # A third digit is known to be zero here (`en16931_violation`).
    digits = min(exponent(currency), _DIGITS)
    return f"{value:.{digits}f}"


def decimal_text(value: Decimal) -> str:
    """A decimal without exponent or idle zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent_text(rate_ppm: int) -> str:
    """A rate as per cent, two digits where they suffice."""
    return f"{Decimal(rate_ppm).scaleb(-4):.2f}" if rate_ppm % 100 == 0 else decimal_text(Decimal(rate_ppm).scaleb(-4))


def exemption_of(subtotal: TaxSubtotal) -> tuple[str, str]:
    """Why a group bears no tax, in words and as a VATEX code (BT-120, BT-121); empty where the standard wants neither."""
    words, code = _REASONS.get(subtotal.category, ("", ""))
    return (subtotal.reason or words if words else ""), code


def notes_of(document: InvoiceDocument) -> list[str]:
    """What is said about the document as a whole (BT-22), without empty ones."""
    notes = [_SANDBOX_NOTE] if document.sandbox else [] if document.is_fiscal else [_NOT_FISCAL_NOTE]
    if document.fiscal_number:
        notes.append(f"数电票号码: {document.fiscal_number}")
    if document.original:
        notes.append(document.original.reason)
    if document.accounting_tax:
        notes.append(document.accounting_tax.rate)
    notes.append(document.remarks)
    return [note for note in notes if note]
