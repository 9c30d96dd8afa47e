"""Who claims a tax identifier is compared with who claimed it before; a second one is for the platform to look into.

Whoever registers learns nothing of it: an answer that depended on what is registered already would tell anybody, number by
number, who trades here.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, follows
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.parties.events import TaxIdClaimed, TaxIdDisputed
from marketplace.parties.models import TAX_ID_DISPUTE, Organization, TaxIdDispute

UNDECIDED = ("open", "evidence_asked")


@follows(TaxIdClaimed)
def compare_claims(uow: UnitOfWork, fact: Payload) -> None:
    """Open a dispute when somebody else claims the identifier too, unless one is open."""
    organization = uow.session.get(Organization, UUID(fact["org_id"]))
    if organization is None or organization.tax_id is None:
        return
    lock_tax_id(uow, organization.country, organization.tax_id)
    if len(claimants_of(uow, organization.country, organization.tax_id)) > 1:
        _open(uow, organization.country, organization.tax_id)


def lock_tax_id(uow: UnitOfWork, country: str, tax_id: str) -> None:
    """Let nobody else compare or decide claims to it until the transaction ends: of two newcomers one sees the other."""
    uow.flush()
    uow.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"tax_id/{country}/{tax_id}", 0))))


def claimants_of(uow: UnitOfWork, country: str, tax_id: str) -> Sequence[Organization]:
    """Every organization that claims it, the first registered first, freshly read."""
    statement = (
        select(Organization)
        .where(Organization.country == country, Organization.tax_id == tax_id)
        .order_by(Organization.created_at, Organization.id)
        .execution_options(populate_existing=True)
    )
    return uow.session.scalars(statement).all()


def _open(uow: UnitOfWork, country: str, tax_id: str) -> None:
    known = select(TaxIdDispute.id).where(
        TaxIdDispute.country == country, TaxIdDispute.tax_id == tax_id, state_in(TaxIdDispute.state, *UNDECIDED)
    )
    if uow.session.scalar(known) is not None:
        return
    row = TaxIdDispute(id=uuid7(), country=country, tax_id=tax_id, party_ids=[], created_at=clock.now())
    TAX_ID_DISPUTE.begin(uow, row, org_ids=[])
    uow.session.add(row)
    emit(uow, TaxIdDisputed(dispute_id=row.id))
    uow.flush()
