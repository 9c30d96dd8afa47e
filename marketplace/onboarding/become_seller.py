"""An organization that is here already begins to sell."""

from __future__ import annotations

from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Forbidden, NotFound
from marketplace.onboarding.models import SellerOnboarding
from marketplace.parties.models import Organization


def become_seller(uow: UnitOfWork) -> None:
    """Give the acting organization a seller's checklist. One that sells already keeps the one it has.

    Raises:
        NotFound: `organization_not_found`. Forbidden: `seller_refused`: the platform itself sells nothing.
        Conflict: `circle_is_no_company`.

    Locks: the organization.
    """
    organization = lock_row(uow.session, Organization, uow.principal.organization())
    if organization is None:
        raise NotFound("organization_not_found")
    if organization.is_platform:
        raise Forbidden("seller_refused")
    if organization.kind == "circle":
        raise Conflict("circle_is_no_company")
    if organization.is_seller:
        return
    organization.is_seller = True
    uow.session.add(SellerOnboarding(org_id=organization.id, created_at=clock.now()))
    audit.record(uow, "organization.became_seller", subject_id=organization.id)
    uow.flush()
