"""The seller's checklist, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.jobs.outbox import emit
from marketplace.input_text import line
from marketplace.parties.events import SellerOnboarded
from marketplace.parties.models import Organization, SellerOnboarding
from marketplace.parties.save_billing_profile import masked
from marketplace.parties.tax_ids import checked_tax_id

Step = Literal["legal", "bank", "tax", "agreement", "connector"]
STEPS: tuple[Step, ...] = ("legal", "bank", "tax", "agreement", "connector")
AGREEMENT_VERSION = "2026-11"
"""The seller agreement in force. A new one is accepted anew."""


@dataclass(frozen=True, slots=True)
class CompleteOnboardingStep:
    """One step done. bank: holder, name and account; agreement: the version accepted; the others need nothing more.

    `org_id` is given by the platform's own jobs (a connector's test passed); people act for their organization.
    """

    step: Step
    bank_holder: str = ""
    bank_name: str = ""
    bank_account: str = ""
    agreement_version: str = ""
    org_id: UUID | None = None


def complete_onboarding_step(uow: UnitOfWork, command: CompleteOnboardingStep) -> SellerOnboarding:
    """Mark a step done. Done again, it stays done, with the newer details.

    Raises:
        NotFound: `onboarding_not_found`: the organization is no seller.
        Invalid: `agreement_outdated`, `bank_account_invalid`, `text_required`, `tax_id_required`, `tax_id_invalid`.
        Forbidden: `connector_untested`: only a passed test of a connector marks that step.

    Emits: SellerOnboarded with the last step. Locks: the checklist.
    """
    org_id = command.org_id if command.org_id and uow.principal.is_platform else uow.principal.organization()
    row = uow.session.scalar(select(SellerOnboarding).where(SellerOnboarding.org_id == org_id).with_for_update())
    if row is None:
        raise NotFound("onboarding_not_found")
    now = clock.now()
    organization = uow.session.get_one(Organization, org_id)
    if command.step == "legal":
        line("legal_name", organization.legal_name)
        row.legal_done_at = now
    elif command.step == "tax":
        checked_tax_id(organization.country, organization.tax_id)
        row.tax_done_at = now
    elif command.step == "bank":
        row.bank_holder = line("bank_holder", command.bank_holder)
        row.bank_name = line("bank_name", command.bank_name)
        row.bank_account_masked = masked(command.bank_account)
        row.bank_done_at = now
    elif command.step == "agreement":
        if command.agreement_version != AGREEMENT_VERSION:
            raise Invalid("agreement_outdated", field="agreement_version", version=AGREEMENT_VERSION)
        row.agreement_version, row.agreement_done_at = AGREEMENT_VERSION, now
    else:
        if not uow.principal.is_platform:
            raise Forbidden("connector_untested")
        row.connector_done_at = now
    if row.completed_at is None and not missing_steps(row):
        row.completed_at = now
        emit(uow, SellerOnboarded(org_id=org_id))
    audit.record(uow, "onboarding.step_completed", subject_id=org_id, step=command.step)
    uow.flush()
    return row


def missing_steps(row: SellerOnboarding) -> tuple[Step, ...]:
    """What is still to do, in the order of the checklist."""
    done = {
        "legal": row.legal_done_at,
        "bank": row.bank_done_at,
        "tax": row.tax_done_at,
        "agreement": row.agreement_done_at,
        "connector": row.connector_done_at,
    }
    return tuple(step for step in STEPS if done[step] is None)
