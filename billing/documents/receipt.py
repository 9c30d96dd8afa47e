"""A receipt (收据) for a payment as a pure value: who paid what, how and for which orders. Never numbered as an invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, cleaned
from kernel.errors import Invalid
from kernel.money import exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """One order's part of the payment, tax included."""

    order_number: str
    seller_name: str
    amount_minor: int

    def __post_init__(self) -> None:
        cleaned(self, {"order_number": 80, "seller_name": 300})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptDocument:
    """What was received of one payer, in minor units of one currency.

    Raises:
        Invalid: a text too long, no number, an unknown currency, an amount that is not the sum of its lines.
    """

    number: str
    issued_on: date
    """The day on which the money was received, where its payer is."""
    currency: str
    language: Language
    seller: DocumentParty
    """Who received it: the platform."""
    payer: DocumentParty
    lines: tuple[ReceiptLine, ...]
    amount_minor: int
    credit_minor: int
    """Of it what the payer's credit with the sellers paid; the rest was money."""
    paid_by: str
    """The gateway, as people call it."""
    payment_ref: str
    sandbox: bool

    def __post_init__(self) -> None:
        cleaned(self, {"number": 60, "paid_by": 120, "payment_ref": 140})
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
        if sum(line.amount_minor for line in self.lines) != self.amount_minor or self.amount_minor <= 0:
            raise Invalid("document_total_differs", field="amount_minor")
        if not 0 <= self.credit_minor <= self.amount_minor:
            raise Invalid("document_paid_out_of_range", field="credit_minor")
