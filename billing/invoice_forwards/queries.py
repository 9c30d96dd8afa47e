"""Reads of what was sent on: an organization's list, and what a link opens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from billing.invoice_forwards.forward_documents import PURPOSE
from billing.invoice_forwards.models import InvoiceForward
from billing.invoices.files import FilesFound, StoredFile, files_of_documents, find_file
from billing.invoices.models import Invoice
from billing.invoices.queries import InvoiceRow, to_row
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Gone, Invalid, NotFound
from kernel.paging import Page, cut, newest_first
from kernel.signing import BadToken, TokenExpired, TokenSigner
from marketplace.access.models import Person
from marketplace.parties.lookups import get_party

ForwardState = Literal["open", "expired", "revoked"]


@dataclass(frozen=True, slots=True)
class ForwardRow:
    """What was sent on, by whom and to whom, and whether its link still opens it."""

    id: UUID
    to_address: str
    sent_by: str | None
    """Name of a person; None: a key."""
    documents: int
    numbers: tuple[str, ...]
    state: ForwardState
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ForwardedDocuments:
    """What a link opens."""

    organization: str
    """Who sent them on."""
    expires_at: datetime
    documents: tuple[InvoiceRow, ...]


def list_forwards(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[ForwardRow]:
    """What the acting organization sent on, newest first."""
    statement = select(InvoiceForward).where(InvoiceForward.org_id == uow.principal.organization())
    rows = uow.session.scalars(
        newest_first(statement, InvoiceForward.created_at, InvoiceForward.id, cursor, limit)
    ).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(forward_rows(uow, *page.items), page.next_cursor)


def forward_rows(uow: UnitOfWork, *forwards: InvoiceForward) -> list[ForwardRow]:
    """As a list shows them."""
    people = {one.person_id for one in forwards if one.person_id is not None}
    names = {row[0]: row[1] for row in uow.session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))}
    ids = {invoice_id for one in forwards for invoice_id in one.invoice_ids}
    numbers = {
        row[0]: row[1] or ""
        for row in uow.session.execute(select(Invoice.id, Invoice.number).where(Invoice.id.in_(ids)))
    }
    return [
        ForwardRow(
            one.id,
            one.to_address,
            names.get(one.person_id) if one.person_id else None,
            len(one.invoice_ids),
            tuple(numbers[invoice_id] for invoice_id in one.invoice_ids if invoice_id in numbers),
            _state(one),
            one.created_at,
            one.expires_at,
            one.revoked_at,
        )
        for one in forwards
    ]


def read_forwarded(uow: UnitOfWork, signer: TokenSigner, token: str) -> ForwardedDocuments:
    """What a link opens. The unit of work is the platform's own. Raises as `_open`."""
    forward = _open(uow, signer, token)
    found = {row.id: row for row in uow.session.scalars(select(Invoice).where(Invoice.id.in_(forward.invoice_ids)))}
    return ForwardedDocuments(
        get_party(uow, forward.org_id).legal_name,
        forward.expires_at,
        tuple(to_row(found[invoice_id]) for invoice_id in forward.invoice_ids if invoice_id in found),
    )


def forwarded_files(uow: UnitOfWork, signer: TokenSigner, token: str) -> FilesFound:
    """The files of everything that a link opens. The unit of work is the platform's own. Raises as `_open`."""
    return files_of_documents(uow, _open(uow, signer, token).invoice_ids)


def forwarded_pdf(uow: UnitOfWork, signer: TokenSigner, token: str, invoice_id: UUID) -> StoredFile:
    """One document of it as PDF. The unit of work is the platform's own.

    Raises: as `_open`, `find_file`; NotFound(`invoice_not_found`): it is not one of those that were sent on.
    """
    if invoice_id not in _open(uow, signer, token).invoice_ids:
        raise NotFound("invoice_not_found")
    return find_file(uow, invoice_id, "pdf")


def _open(uow: UnitOfWork, signer: TokenSigner, token: str) -> InvoiceForward:
    """Raises Invalid(`link_invalid`): no link of ours; Gone(`forward_over`): its time is over, or it was revoked."""
    try:
        forward = uow.session.get(InvoiceForward, UUID(str(signer.open_token(PURPOSE, token)["id"])))
    except TokenExpired:
        raise Gone("forward_over") from None
    except (BadToken, KeyError, ValueError):
        raise Invalid("link_invalid") from None
    if forward is None:
        raise Invalid("link_invalid")
    if _state(forward) != "open":
        raise Gone("forward_over")
    return forward


def _state(forward: InvoiceForward) -> ForwardState:
    if forward.revoked_at is not None:
        return "revoked"
    return "open" if clock.now() < forward.expires_at else "expired"
