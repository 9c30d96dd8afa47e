"""The title of an issued invoice is corrected: a credit note and another invoice, by one request."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import Out, Wire
from api.v1.invoices import InvoiceOut
from billing.invoices.queries import get_invoice
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid
from orders.invoicing.correct_title import CORRECT, CorrectTitle, correct_invoice_title


class InvoiceCorrectionIn(Wire):
    """The right title: one of the organization's billing profiles, or what is to stand in place of what the invoice says."""

    reason: Annotated[str, Field(max_length=200, description="Both sides read it; it stands on the credit note")]
    billing_profile_id: UUID | None = None
    legal_name: Annotated[str, Field(max_length=200)] = ""
    tax_id: Annotated[str, Field(max_length=40)] | None = None
    address: Annotated[str, Field(max_length=400)] | None = None


class InvoiceCorrectionOut(Out):
    """What came of it. Both documents get their numbers within moments; behind red tax invoices (数电票) where there are any."""

    original: InvoiceOut
    credit_note: Annotated[
        InvoiceOut, Meta(description="Takes back all that was left of the original; nothing is paid")
    ]
    invoice: Annotated[InvoiceOut, Meta(description="Stands in the original's place, with the right title")]


@post(
    "/v1/invoices/{invoice_id:uuid}/correction",
    permission=CORRECT,
    refuses=[404, 409],
    sync_to_thread=True,
    tags=["invoices"],
)
def correct_one(
    invoice_id: FromPath[UUID], data: JSONBody[InvoiceCorrectionIn], request: ApiRequest
) -> InvoiceCorrectionOut:
    """Have an invoice that the organization received issued once more to the right title. No money moves.

    Asked again with the same title, the answer is the first correction.
    """
    if data.billing_profile_id is not None and (data.legal_name or data.tax_id is not None or data.address is not None):
        raise Invalid("title_said_twice", field="billing_profile_id")
    command = CorrectTitle(invoice_id, data.reason, data.billing_profile_id, data.legal_name, data.tax_id, data.address)
    return request.transact(lambda uow: corrected(uow, command))


def corrected(uow: UnitOfWork, command: CorrectTitle) -> InvoiceCorrectionOut:
    """For the route and the page alike. Raises as `correct_invoice_title`."""
    found = correct_invoice_title(uow, command)
    uow.flush_outbox()
    original, note, invoice = (
        InvoiceOut.of(get_invoice(uow, one).row) for one in (command.invoice_id, found.note_id, found.invoice_id)
    )
    return InvoiceCorrectionOut(original=original, credit_note=note, invoice=invoice)


routes = [correct_one]
