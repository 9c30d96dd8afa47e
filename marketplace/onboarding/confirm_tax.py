"""A seller says that its tax details are right; one that came without an identifier may give it here."""

from __future__ import annotations

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.jobs.outbox import emit
from marketplace.onboarding.checklist import lock_checklist, mark_done
from marketplace.parties.events import TaxIdClaimed
from marketplace.parties.models import Organization
from marketplace.parties.tax_ids import checked_tax_id


def confirm_tax(uow: UnitOfWork, tax_id: str | None = None) -> None:
    """Mark the step done. Invoices name the identifier, so one that was registered is not changed here.

    Raises:
        NotFound: `onboarding_not_found`.
        Invalid: `tax_id_required`, `tax_id_invalid`.
        Conflict: `tax_id_registered`: another identifier is registered.

    Emits: TaxIdClaimed where none was registered; SellerOnboarded with the last step.
    Locks: the checklist, then the organization.
    """
    row = lock_checklist(uow, uow.principal.organization())
    organization = lock_row(uow.session, Organization, row.org_id)
    if organization is None:
        raise NotFound("organization_not_found")
    given = checked_tax_id(organization.country, tax_id or organization.tax_id)
    if organization.tax_id is not None and given != organization.tax_id:
        raise Conflict("tax_id_registered")
    if given is not None and organization.tax_id is None:
        organization.tax_id = given
        emit(uow, TaxIdClaimed(org_id=organization.id))
    mark_done(uow, row, "tax")
