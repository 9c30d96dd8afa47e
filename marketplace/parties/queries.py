"""Reads about the acting organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.parties.complete_onboarding_step import AGREEMENT_VERSION, Step, missing_steps
from marketplace.parties.lookups import InvoiceTitle, to_invoice_title
from marketplace.parties.models import BillingProfile, SellerOnboarding


@dataclass(frozen=True, slots=True)
class Checklist:
    """A seller's onboarding: what is missing, and what was given."""

    org_id: UUID
    missing: tuple[Step, ...]
    bank_holder: str | None
    bank_name: str | None
    bank_account_masked: str | None
    agreement_version: str
    completed_at: datetime | None


def list_billing_profiles(uow: UnitOfWork) -> list[InvoiceTitle]:
    """The acting organization's billing profiles, the default first."""
    statement = (
        select(BillingProfile)
        .where(BillingProfile.org_id == uow.principal.organization())
        .order_by(BillingProfile.is_default.desc(), BillingProfile.created_at)
    )
    return [to_invoice_title(row) for row in uow.session.scalars(statement)]


def get_checklist(uow: UnitOfWork) -> Checklist:
    """The acting organization's onboarding. Raises NotFound(`onboarding_not_found`) when it does not sell."""
    found = uow.session.scalar(select(SellerOnboarding).where(SellerOnboarding.org_id == uow.principal.organization()))
    if found is None:
        raise NotFound("onboarding_not_found")
    return Checklist(
        found.org_id,
        missing_steps(found),
        found.bank_holder,
        found.bank_name,
        found.bank_account_masked,
        AGREEMENT_VERSION,
        found.completed_at,
    )


def is_onboarded(uow: UnitOfWork, org_id: UUID) -> bool:
    """Whether a seller's onboarding is complete; of one's own organization, or of any for the platform."""
    statement = select(SellerOnboarding.completed_at).where(SellerOnboarding.org_id == org_id)
    return uow.session.scalar(statement) is not None
