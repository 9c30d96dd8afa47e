"""An organization proves who it is by a small transfer from its own bank account, in place of a document."""

from __future__ import annotations

import secrets
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.onboarding.checklist import find_locked_checklist
from marketplace.onboarding.events import LegalProofSubmitted
from marketplace.onboarding.models import LEGAL_PROOF, LegalProof
from marketplace.parties.models import Organization

MOST_MINOR = 99
"""Less than one unit of most currencies; the exact amount and the reference tell whose transfer it is."""
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_LENGTH = 8


def request_transfer(uow: UnitOfWork, currency: str) -> LegalProof:
    """Say what to transfer: a small amount of `currency`, with a reference. The platform then says whether it came.

    It takes the place of a document that waits. While a transfer waits, that one is answered.

    Raises: NotFound `organization_not_found`; Conflict `transfer_without_tax_id`, `identity_verified`: there is nothing
    to prove.
    Emits: LegalProofSubmitted. Locks: the checklist if it sells, the organization, then the proof that waits.
    """
    find_locked_checklist(uow, uow.principal.organization())
    organization = lock_row(uow.session, Organization, uow.principal.organization())
    if organization is None:
        raise NotFound("organization_not_found")
    if organization.tax_id is None:
        raise Conflict("transfer_without_tax_id")
    if organization.tax_id_verified_at is not None:
        raise Conflict("identity_verified")
    waiting = find_waiting_proof(uow, organization.id)
    if waiting is not None:
        if waiting.transfer_reference is not None and waiting.tax_id == organization.tax_id:
            return waiting
        LEGAL_PROOF.move(uow, waiting, "superseded", org_ids=[waiting.org_id])
        uow.flush()
    row = LegalProof(
        id=uuid7(),
        org_id=organization.id,
        tax_id=organization.tax_id,
        file_key="",
        file_name="",
        media_type="",
        size_bytes=0,
        sha256="",
        transfer_reference=f"CM{''.join(secrets.choice(_SIGNS) for _ in range(_LENGTH))}",
        transfer_minor=1 + secrets.randbelow(MOST_MINOR),
        currency=currency,
        submitted_by=uow.principal.accountable_id,
        reviewed_by=None,
        reviewed_at=None,
        reason="",
        created_at=clock.now(),
    )
    LEGAL_PROOF.begin(uow, row, org_ids=[row.org_id])
    uow.session.add(row)
    emit(uow, LegalProofSubmitted(proof_id=row.id, org_id=row.org_id))
    uow.flush()
    return row


def find_waiting_proof(uow: UnitOfWork, org_id: UUID) -> LegalProof | None:
    """What the platform has yet to decide about, locked."""
    return uow.session.scalar(
        select(LegalProof).where(LegalProof.org_id == org_id, LegalProof.state == "submitted").with_for_update()
    )
