"""Send documents on to an address outside, and take the link back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.invoice_forwards.models import InvoiceForward
from billing.invoices.draw_first import draw_first
from billing.invoices.models import Invoice
from billing.invoices.queries import is_visible
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.models import Person
from marketplace.input_text import checked_email
from marketplace.mail.compose import LOCALES, Proof, proof_params
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.parties.lookups import get_party

PURPOSE: Final = "invoice_forward"
"""What the token of a mail's link is signed for."""
PATH: Final = "/forwarded-invoices"
LASTS: Final = timedelta(days=14)
MOST: Final = 100
"""Documents in one mail."""
OF_ORGANIZATION: Final = Limit(50, timedelta(days=1))
"""Enough for a month's end; too few to send mail to the world in somebody's name."""
TO_ADDRESS: Final = Limit(10, timedelta(hours=1))
PERMISSION: Final = "billing.manage"
MAIL: Final = "invoices_forwarded"


@dataclass(frozen=True, slots=True)
class ForwardDocuments:
    """Which documents, to whom."""

    invoice_ids: Sequence[UUID]
    to_address: str


def forward_documents(uow: UnitOfWork, command: ForwardDocuments) -> InvoiceForward:
    """Mail a link by which its reader may have these documents for `LASTS`. What is not drawn yet is drawn first.

    Raises:
        Forbidden: `permission_missing`. NotFound: `invoice_not_found`, one is not to be seen.
        Conflict: `invoice_not_issued`, one has no number yet.
        Invalid: `email_invalid`; `forward_number`, none or too many.
        TooMany: `forwards_too_often`, of the organization or to the address.

    Locks: the counts.
    """
    uow.principal.require(PERMISSION)
    org_id = uow.principal.organization()
    address = checked_email(command.to_address, field="to")
    chosen = list(dict.fromkeys(command.invoice_ids))
    if not 1 <= len(chosen) <= MOST:
        raise Invalid("forward_number", field="invoice_ids", most=MOST)
    _require_issued(uow, chosen)
    with as_platform(uow):
        count_within(uow, TO_ADDRESS, "forwards_too_often", "forward_to", address)
        count_within(uow, OF_ORGANIZATION, "forwards_too_often", "forward_of", str(org_id))
    forward = InvoiceForward(
        id=uuid7(),
        org_id=org_id,
        person_id=uow.principal.person_id,
        to_address=address,
        invoice_ids=chosen,
        created_at=clock.now(),
        expires_at=clock.now() + LASTS,
    )
    uow.session.add(forward)
    audit.record(uow, "invoices.forwarded", subject_id=forward.id, documents=len(chosen))
    _mail(uow, forward)
    uow.flush()
    return forward


def revoke_forward(uow: UnitOfWork, forward_id: UUID) -> InvoiceForward:
    """Let the link open nothing any more. Revoked already, nothing changes.

    Raises:
        Forbidden: `permission_missing`. NotFound: `forward_not_found`.

    Locks: the row.
    """
    uow.principal.require(PERMISSION)
    forward = lock_row(uow.session, InvoiceForward, forward_id)
    if forward is None or forward.org_id != uow.principal.organization():
        raise NotFound("forward_not_found")
    if forward.revoked_at is None:
        forward.revoked_at = clock.now()
        audit.record(uow, "invoices.forward_revoked", subject_id=forward.id)
        uow.flush()
    return forward


def _require_issued(uow: UnitOfWork, chosen: Sequence[UUID]) -> None:
    rows = uow.session.execute(
        select(Invoice.id, Invoice.number, Invoice.pdf_key).where(Invoice.id.in_(chosen), is_visible(uow))
    ).all()
    if len(rows) < len(chosen):
        raise NotFound("invoice_not_found")
    if any(row.number is None for row in rows):
        raise Conflict("invoice_not_issued")
    for row in rows:
        if row.pdf_key is None:
            draw_first(uow, row.id)


def _mail(uow: UnitOfWork, forward: InvoiceForward) -> None:
    """In the sender's language: the reader's is not known, and whoever sends it knows whom they write to."""
    own = get_party(uow, forward.org_id)
    sender = uow.session.get(Person, forward.person_id) if forward.person_id else None
    locale = sender.locale if sender else own.locale
    proof = Proof(PURPOSE, str(forward.id), PATH, forward.expires_at, has_code=False)
    params = {
        "sender": sender.name if sender else own.display_name,
        "organization": own.legal_name,
        "count": str(len(forward.invoice_ids)),
        "days": str(LASTS.days),
    }
    queue_mail(
        uow,
        NewMail(forward.to_address, MAIL, locale if locale in LOCALES else LOCALES[0], proof_params(proof) | params),
    )
