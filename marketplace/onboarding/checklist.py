"""The seller's checklist: what is missing of it, and how a step becomes done. The only place that decides either.

Whatever a seller may do only with a finished checklist asks `missing_steps` here.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.onboarding.events import SellerOnboarded
from marketplace.onboarding.models import SellerOnboarding

Step = Literal["legal", "tax", "bank", "agreement", "connector"]
STEPS: tuple[Step, ...] = ("legal", "tax", "bank", "agreement", "connector")
"""In the order in which they are shown: what waits for somebody else comes first."""


def missing_steps(row: SellerOnboarding) -> tuple[Step, ...]:
    """What is still to do, in the order of the checklist. An agreement that is no longer in force has to be accepted anew."""
    done = {
        "legal": row.legal_done_at is not None,
        "bank": row.bank_done_at is not None,
        "tax": row.tax_done_at is not None,
        "agreement": row.agreement_done_at is not None and row.agreement_version == AGREEMENT_VERSION,
        "connector": row.connector_done_at is not None,
    }
    return tuple(step for step in STEPS if not done[step])


def lock_checklist(uow: UnitOfWork, org_id: UUID) -> SellerOnboarding:
    """The checklist, locked. Raises NotFound(`onboarding_not_found`): the organization is no seller."""
    row = find_locked_checklist(uow, org_id)
    if row is None:
        raise NotFound("onboarding_not_found")
    return row


def find_locked_checklist(uow: UnitOfWork, org_id: UUID) -> SellerOnboarding | None:
    """The checklist, locked; None of an organization that does not sell."""
    uow.flush()
    return uow.session.scalar(
        select(SellerOnboarding)
        .where(SellerOnboarding.org_id == org_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def mark_done(uow: UnitOfWork, row: SellerOnboarding, step: Step) -> None:
    """Write down that a step is done; done again, with the newer time. Emits: SellerOnboarded with the last one."""
    now = clock.now()
    setattr(row, f"{step}_done_at", now)
    if row.completed_at is None and not missing_steps(row):
        row.completed_at = now
        emit(uow, SellerOnboarded(org_id=row.org_id))
    audit.record(uow, "onboarding.step_completed", subject_id=row.org_id, step=step)
    uow.flush()


def reopen_identity(uow: UnitOfWork, row: SellerOnboarding) -> None:
    """The identifier turned out to be another's: who the seller is, and its tax details, have to be shown anew."""
    row.legal_done_at = row.tax_done_at = None
    audit.record(uow, "onboarding.reopened", subject_id=row.org_id)
    uow.flush()


def pass_connector_test(uow: UnitOfWork, org_id: UUID) -> None:
    """A test of the seller's connector passed. Raises NotFound(`onboarding_not_found`). Locks: the checklist."""
    mark_done(uow, lock_checklist(uow, org_id), "connector")
