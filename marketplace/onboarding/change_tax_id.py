"""An organization corrects its tax identifier, as long as nobody has verified it."""

from __future__ import annotations

from sqlalchemy import select, update

from kernel import audit
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.onboarding.checklist import find_locked_checklist
from marketplace.onboarding.models import LEGAL_PROOF, LegalProof
from marketplace.parties.events import TaxIdClaimed
from marketplace.parties.models import BillingProfile, Organization
from marketplace.parties.tax_ids import checked_tax_id


def change_tax_id(uow: UnitOfWork, tax_id: str) -> None:
    """Register another identifier. Invoice titles that named the old one name the new one; the same again changes nothing.

    A document that waits was about the old one, so it is looked at no more: another is handed in.

    Raises:
        NotFound: `organization_not_found`.
        Invalid: those of `checked_tax_id`.
        Conflict: `circle_is_no_company`; `tax_id_verified`: proved to be the organization's: only the platform changes it.

    Emits: TaxIdClaimed. Locks: the checklist if it sells, the organization, then the document.
    """
    org_id = uow.principal.organization()
    find_locked_checklist(uow, org_id)
    organization = lock_row(uow.session, Organization, org_id)
    if organization is None:
        raise NotFound("organization_not_found")
    if organization.kind == "circle":
        raise Conflict("circle_is_no_company")
    given = checked_tax_id(organization.country, tax_id)
    if given == organization.tax_id:
        return
    if organization.tax_id_verified_at is not None:
        raise Conflict("tax_id_verified")
    old, organization.tax_id = organization.tax_id, given
    uow.flush()
    if old is not None:
        titles = update(BillingProfile).where(
            BillingProfile.org_id == org_id,
            BillingProfile.tax_id == old,
            BillingProfile.country == organization.country,
        )
        uow.session.execute(titles.values(tax_id=given))
    waiting = select(LegalProof).where(LegalProof.org_id == org_id, LegalProof.state == "submitted").with_for_update()
    for proof in uow.session.scalars(waiting):
        LEGAL_PROOF.move(uow, proof, "superseded", org_ids=[org_id], reason="tax_id_changed")
    if given is not None:
        emit(uow, TaxIdClaimed(org_id=org_id))
    audit.record(uow, "organization.tax_id_changed", subject_id=org_id)
    uow.flush()
