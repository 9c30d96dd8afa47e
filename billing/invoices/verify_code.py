"""What anyone may check of a document who holds it, by the code that is printed on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from billing.invoices.models import Invoice
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Verified:
    """What anyone holding the document may check: that it is ours and unchanged in what matters."""

    number: str
    kind: str
    issued_on: date
    seller_name: str
    currency: str
    gross_minor: int
    sandbox: bool


def verify_code(uow: UnitOfWork, code: str) -> Verified:
    """The document behind a printed verification code. Raises NotFound(`invoice_not_found`)."""
    invoice = uow.session.scalar(select(Invoice).where(Invoice.verification_code == code, Invoice.state == "issued"))
    if invoice is None or invoice.number is None or invoice.issued_on is None:
        raise NotFound("invoice_not_found")
    return Verified(
        invoice.number,
        invoice.kind,
        invoice.issued_on,
        str(invoice.seller["legal_name"]),
        invoice.currency,
        invoice.gross_minor,
        invoice.sandbox,
    )
