"""A request for a bank transfer (付款通知书) as a pure value: what to send, where to, by which code. No tax document."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from billing.documents.model import Language
from billing.documents.parties import DocumentParty, cleaned
from kernel.errors import Invalid
from kernel.money import exponent


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferDocument:
    """What a payer is asked to send. Either the remark code or the virtual account names the payment.

    Raises:
        Invalid: a text too long, no number, an unknown currency, an amount that is not positive.
    """

    number: str
    """The remark code."""
    issued_on: date
    due_on: date
    """The last day on which the money is waited for."""
    currency: str
    language: Language
    seller: DocumentParty
    """Whose account it is: the platform."""
    payer_name: str
    amount_minor: int
    holder: str
    bank_name: str
    account_number: str
    bank_code: str
    is_virtual: bool
    """The account is this payment's own: no remark is needed."""
    description: str
    overdue_days: int = 0
    """Of a letter about what should have come already; 0: a request."""
    is_last: bool = False
    """Whether no letter follows it."""
    sandbox: bool = False
    """The account is one to which nobody can send money."""

    def __post_init__(self) -> None:
        cleaned(
            self,
            {"number": 60, "payer_name": 300, "holder": 200, "bank_name": 200, "bank_code": 40, "description": 1000},
        )
        if not self.number:
            raise Invalid("document_needs_number", field="number")
        if self.amount_minor <= 0:
            raise Invalid("amount_not_positive", field="amount_minor")
        try:
            exponent(self.currency)
        except ValueError as error:
            raise Invalid("currency_unknown", field="currency") from error
