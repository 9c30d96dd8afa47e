"""The invoice and the credit note as pure values: what the XML and the paper are both drawn from.

A document that exists is a valid one: every sum has been checked. It holds copies of all legal fields, reads no clock
and no database, and two equal documents give the same files, byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from billing.documents.lines import DocumentLine, TaxCategory, TaxSubtotal, tax_breakdown
from billing.documents.parties import DocumentParty, Period, cleaned
from kernel.errors import Invalid
from kernel.money import exponent

_TEXT_LIMITS: Final = {
    "number": 60,
    "fiscal_number": 40,
    "order_ref": 80,
    "purchase_order": 80,
    "cost_centre": 80,
    "payment_ref": 140,
    "payment_terms": 300,
    "remarks": 2000,
    "issuer": 120,
    "drawer": 60,
    "verification_url": 500,
}
LINES_MAX: Final = 2000


class DocumentKind(StrEnum):
    """What the document does to the buyer's account: an invoice charges, a credit note gives back."""

    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"


class Language(StrEnum):
    """The language of labels; names and descriptions stay as they were agreed."""

    ZH = "zh-CN"
    EN = "en"
    BILINGUAL = "bilingual"


@dataclass(frozen=True, slots=True)
class OriginalInvoice:
    """What a credit note takes back, and why. `confirmation_number` is the Chinese 红字发票信息确认单编号."""

    number: str
    issued_on: date
    confirmation_number: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        cleaned(self, {"number": 60, "confirmation_number": 40, "reason": 500})
        if not self.number:
            raise Invalid("credit_note_needs_original", field="original")


@dataclass(frozen=True, slots=True)
class AccountingTax:
    """The document's tax in the currency in which its seller accounts for VAT (EN 16931 BT-6, BT-111), and by which rate."""

    currency: str
    tax_minor: int
    rate: str
    """As published, with its source and day: `EUR 1 = USD 1.0873 (ECB, 2026-11-20)`."""

    def __post_init__(self) -> None:
        cleaned(self, {"rate": 200})


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """An invoice or credit note. Amounts are minor units of `currency`, positive for both kinds.

    Raises:
        Invalid: a text too long, no lines, sums that do not add up, a credit note without original or the reverse.
    """

    kind: DocumentKind
    number: str
    issued_on: date
    currency: str
    language: Language
    seller: DocumentParty
    buyer: DocumentParty
    lines: tuple[DocumentLine, ...]
    net_minor: int
    tax_minor: int
    gross_minor: int
    sandbox: bool
    """Issued without a tax authority: marked on every page as no tax document."""
    fiscal_number: str = ""
    """The number a tax gateway gave (数电票号码, 20 digits), where one did."""
    delivered_on: date | None = None
    period: Period | None = None
    paid_minor: int = 0
    """Paid by the buyer; of a credit note, paid back to it."""
    carried_over: bool = False
    """Of a credit note: nothing is paid back, what was paid counts for the document that stands in the original's place."""
    due_on: date | None = None
    payment_terms: str = ""
    order_ref: str = ""
    purchase_order: str = ""
    cost_centre: str = ""
    """What the buyer's books call whose spending it is."""
    payment_ref: str = ""
    original: OriginalInvoice | None = None
    remarks: str = ""
    issuer: str = ""
    """Which gateway issued it, as shown at the foot."""
    drawer: str = ""
    """开票人: the person or system that drew it up."""
    verification_url: str = ""
    accounting_tax: AccountingTax | None = None
    """Where the tax is accounted for in another currency than the document's."""

    def __post_init__(self) -> None:
        cleaned(self, _TEXT_LIMITS)
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        if not 1 <= len(self.lines) <= LINES_MAX:
            raise Invalid("document_line_count", field="lines", limit=LINES_MAX)
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        if self.verification_url and not re.match(r"https?://[^\s]+$", self.verification_url):
            raise Invalid("verification_url_not_http", field="verification_url")
        if (self.kind is DocumentKind.CREDIT_NOTE) != (self.original is not None):
            raise Invalid("credit_note_needs_original", field="original")
        self._check_sums()
        self._check_tax_mixture()

    @property
    def is_fiscal(self) -> bool:
        """Whether its issuer's law calls it an invoice: in China only what the tax authority numbered is one.

        Source: 中华人民共和国发票管理办法, article 3 (2023).
        """
        return self.seller.country != "CN" or bool(self.fiscal_number)

    def _check_sums(self) -> None:
        for field in ("net_minor", "tax_minor", "gross_minor"):
            if sum(getattr(line, field) for line in self.lines) != getattr(self, field):
                raise Invalid("document_total_differs", field=field)
        if self.gross_minor < 0:
            raise Invalid("document_total_negative", field="gross_minor")
        if not 0 <= self.paid_minor <= self.gross_minor:
            raise Invalid("document_paid_out_of_range", field="paid_minor")
        accounting = self.accounting_tax
        if accounting and (accounting.currency == self.currency or accounting.tax_minor < 0):
            raise Invalid("document_accounting_tax_wrong", field="accounting_tax")

    def _check_tax_mixture(self) -> None:
        """What is outside the scope of VAT has a document of its own (EN 16931 BR-O-11 to BR-O-14)."""
        categories = {line.tax_category for line in self.lines}
        if TaxCategory.OUT_OF_SCOPE in categories and len(categories) > 1:
            raise Invalid("document_mixes_out_of_scope", field="lines")

    @property
    def is_credit_note(self) -> bool:
        """Whether the paper shows its amounts negative and in red."""
        return self.kind is DocumentKind.CREDIT_NOTE

    @property
    def breakdown(self) -> tuple[TaxSubtotal, ...]:
        """Sums per tax category and rate."""
        return tax_breakdown(self.lines)

    @property
    def due_minor(self) -> int:
        """What is still to be paid; of a credit note, to be paid back."""
        return self.gross_minor - self.paid_minor

    @property
    def supplied_on(self) -> date:
        """The day of supply: as stated, else the day of issue, since an invoice follows delivery here."""
        return self.delivered_on or self.issued_on
