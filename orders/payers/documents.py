"""Invoices and credit notes of what a payer pays: the payer reads and downloads them as their buyer does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.fapiao.archive import with_fapiaos
from billing.invoices.files import FilesFound, StoredFile, files_of_documents, find_file
from billing.invoices.models import Invoice
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from marketplace.payers.agree import PERMISSION
from orders.checkout.payer_models import PayerCharge
from orders.order.models import Order


@dataclass(frozen=True, slots=True)
class PayerDocumentRow:
    """A document of an order that the payer pays. `is_drawn`: its file is there."""

    id: UUID
    kind: str
    number: str
    issued_on: date
    gross_minor: int
    currency: str
    is_drawn: bool


def documents_of(uow: UnitOfWork, purchase_ids: Collection[UUID]) -> dict[UUID, list[PayerDocumentRow]]:
    """By purchase, its numbered documents that name its orders alone. The caller has seen to whose they are."""
    rows = uow.session.execute(
        select(Order.purchase_id, Invoice)
        .join(Invoice, Invoice.reference == Order.id)
        .where(Order.purchase_id.in_(purchase_ids), Invoice.number.is_not(None), Invoice.issued_on.is_not(None))
        .order_by(Invoice.issued_on, Invoice.id)
    )
    found: dict[UUID, list[PayerDocumentRow]] = {}
    for purchase_id, one in rows:
        assert one.number is not None and one.issued_on is not None  # noqa: PT018, S101 - asked for
        row = PayerDocumentRow(
            one.id, one.kind, one.number, one.issued_on, one.gross_minor, one.currency.strip(), one.pdf_key is not None
        )
        found.setdefault(purchase_id, []).append(row)
    return found


def files_of_month(uow: UnitOfWork, month: date, org_id: UUID | None = None) -> FilesFound:
    """The files of all documents of what the acting organization paid of a month's limits, with their tax invoices; `org_id`: for
    one organization alone. What was paid counts to the month in which it was ordered, however late its documents come.

    Raises Forbidden `permission_missing` without billing.manage.
    """
    uow.principal.require(PERMISSION)
    paid = select(PayerCharge.purchase_id).where(
        PayerCharge.payer_org_id == uow.principal.organization(),
        PayerCharge.state == "approved",
        PayerCharge.month == month,
    )
    if org_id is not None:
        paid = paid.where(PayerCharge.org_id == org_id)
    purchase_ids = uow.session.scalars(paid).all()
    # Documents are their two sides' to read; those of what was paid are the payer's as well.
    with as_platform(uow):
        found = documents_of(uow, purchase_ids)
        return with_fapiaos(uow, files_of_documents(uow, [one.id for rows in found.values() for one in rows]))


def find_payer_file(uow: UnitOfWork, charge_id: UUID, invoice_id: UUID, form: Literal["pdf", "xml"]) -> StoredFile:
    """Where the file of a document is that belongs to a purchase which the acting organization pays.

    Raises: Forbidden `permission_missing` without billing.manage; NotFound `payer_charge_not_found`, `invoice_not_found`,
    `invoice_has_no_xml`; Conflict `invoice_file_not_ready`, it has not been drawn yet.
    """
    uow.principal.require(PERMISSION)
    charge = uow.session.get(PayerCharge, charge_id)
    if charge is None or charge.payer_org_id != uow.principal.organization() or charge.state != "approved":
        raise NotFound("payer_charge_not_found")
    with as_platform(uow):
        documents = documents_of(uow, [charge.purchase_id]).get(charge.purchase_id, [])
        known = next((one for one in documents if one.id == invoice_id), None)
        drawn = known is not None and known.is_drawn
        found = find_file(uow, invoice_id, form) if drawn else None
    if known is None:
        raise NotFound("invoice_not_found")
    if found is None:
        raise Conflict("invoice_file_not_ready")
    return found
