"""Reads of a seller's start: the acting organization's own, and what waits for the platform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, func, select, tuple_

from kernel import audit, clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.money import Money
from kernel.paging import Page, bounded, cut, decode
from kernel.secrets import SecretBox
from kernel.states import state_in
from marketplace.onboarding.agreement_text import AGREEMENT_VERSION
from marketplace.onboarding.checklist import STEPS, Step, missing_steps
from marketplace.onboarding.models import AgreementAcceptance, LegalProof, PayoutAccount, SellerOnboarding
from marketplace.onboarding.payable_account import Trouble, trouble_of
from marketplace.onboarding.save_payout_account import open_account
from marketplace.parties.lookups import get_party
from marketplace.parties.models import Organization

StepState = Literal["todo", "waiting", "rejected", "done"]


@dataclass(frozen=True, slots=True)
class LegalProofView:
    """A document that was handed in, or a transfer that was asked for. `reason` are the reviewer's words."""

    id: UUID
    org_id: UUID
    state: str
    file_name: str
    media_type: str
    size_bytes: int
    transfer_reference: str | None
    transfer_minor: int | None
    currency: str | None
    reason: str
    created_at: datetime
    reviewed_at: datetime | None

    @property
    def transfer(self) -> Money | None:
        """What is to be transferred, with the reference; None of a document."""
        if self.transfer_minor is None or self.currency is None:
            return None
        return Money(self.transfer_minor, self.currency)


@dataclass(frozen=True, slots=True)
class StepView:
    """How a step of the checklist stands. `reason`: why the platform rejected what was handed in."""

    step: Step
    state: StepState
    done_at: datetime | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Checklist:
    """A seller's start: every step, and what is missing."""

    org_id: UUID
    steps: tuple[StepView, ...]
    missing: tuple[Step, ...]
    legal_proof: LegalProofView | None
    """The latest document."""
    agreement_version: str
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class PayoutAccountView:
    """A payout account as people recognise it."""

    id: UUID
    org_id: UUID
    currency: str
    country: str
    holder: str
    bank_name: str
    bank_code: str
    account_last4: str
    rail: str
    """`bank`, or the gateway that it is at."""
    trouble: Trouble | None
    """Why nothing is paid to it."""
    held_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class AcceptanceView:
    """Who accepted the agreement in force, and when."""

    version: str
    accepted_name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WaitingProof:
    """A document that waits for the platform, with what is registered of its seller."""

    proof: LegalProofView
    legal_name: str
    display_name: str
    country: str
    tax_id: str | None


def is_onboarded(uow: UnitOfWork, org_id: UUID) -> bool:
    """Whether nothing is missing of a seller's start; of one's own organization, or of any for the platform."""
    row = uow.session.scalar(select(SellerOnboarding).where(SellerOnboarding.org_id == org_id))
    return row is not None and not missing_steps(row)


_LATEST = and_(LegalProof.org_id == SellerOnboarding.org_id, LegalProof.state != "superseded")


def get_checklist(uow: UnitOfWork) -> Checklist:
    """The acting organization's. Raises NotFound(`onboarding_not_found`) when it does not sell."""
    found = uow.session.execute(
        select(SellerOnboarding, LegalProof)
        .outerjoin(LegalProof, _LATEST)
        .where(SellerOnboarding.org_id == uow.principal.organization())
        .order_by(LegalProof.created_at.desc(), LegalProof.id.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotFound("onboarding_not_found")
    row, proof = found
    missing = missing_steps(row)
    return Checklist(
        org_id=row.org_id,
        steps=tuple(_step(row, step, proof, is_missing=step in missing) for step in STEPS),
        missing=missing,
        legal_proof=to_proof_view(proof) if proof is not None else None,
        agreement_version=AGREEMENT_VERSION,
        completed_at=row.completed_at,
    )


def _step(row: SellerOnboarding, step: Step, proof: LegalProof | None, *, is_missing: bool) -> StepView:
    state: StepState = "todo" if is_missing else "done"
    if step == "legal" and is_missing and proof is not None:
        state = "rejected" if proof.state == "rejected" else "waiting"
    done_at: datetime | None = None if is_missing else getattr(row, f"{step}_done_at")
    return StepView(step, state, done_at, proof.reason if state == "rejected" and proof is not None else "")


def list_payout_accounts(uow: UnitOfWork) -> list[PayoutAccountView]:
    """The acting organization's present accounts, by currency."""
    statement = (
        select(PayoutAccount)
        .where(PayoutAccount.org_id == uow.principal.organization(), PayoutAccount.replaced_at.is_(None))
        .order_by(PayoutAccount.currency)
    )
    legal_name = get_party(uow, uow.principal.organization()).legal_name
    return [_account(row, legal_name) for row in uow.session.scalars(statement)]


def find_acceptance(uow: UnitOfWork) -> AcceptanceView | None:
    """Who accepted the agreement in force for the acting organization."""
    row = uow.session.scalar(
        select(AgreementAcceptance).where(
            AgreementAcceptance.org_id == uow.principal.organization(), AgreementAcceptance.version == AGREEMENT_VERSION
        )
    )
    return AcceptanceView(row.version, row.accepted_name, row.created_at) if row is not None else None


@dataclass(frozen=True, slots=True)
class LegalDocument:
    """Where a document's bytes are, and what they are."""

    key: str
    media_type: str
    file_name: str


def find_document(uow: UnitOfWork, proof_id: UUID) -> LegalDocument:
    """One's own document, or, for the platform, anybody's. Raises NotFound(`legal_proof_not_found`)."""
    row = uow.session.get(LegalProof, proof_id)
    if row is None or not (uow.principal.is_platform or row.org_id == uow.principal.organization()) or not row.file_key:
        raise NotFound("legal_proof_not_found")
    return LegalDocument(row.file_key, row.media_type, row.file_name)


# ── the platform's own ───────────────────────────────────────────────────────────────────────────────────────────────


def list_waiting_proofs(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[WaitingProof]:
    """What waits for a decision, the oldest first."""
    uow.principal.require("operator.reviews")
    statement = (
        select(LegalProof, Organization)
        .join(Organization, Organization.id == LegalProof.org_id)
        .where(state_in(LegalProof.state, "submitted"))
    )
    keys = LegalProof.created_at, LegalProof.id
    if cursor:
        statement = statement.where(tuple_(*keys) > tuple_(*decode(cursor)))
    rows = uow.session.execute(statement.order_by(*keys).limit(bounded(limit) + 1)).all()
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page([_waiting(*row) for row in page.items], page.next_cursor)


def count_waiting_proofs(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many wait, and since when the oldest does."""
    uow.principal.require("operator.reviews")
    count, oldest = uow.session.execute(
        select(func.count(), func.min(LegalProof.created_at)).where(state_in(LegalProof.state, "submitted"))
    ).one()
    return count, oldest


def get_proof(uow: UnitOfWork, proof_id: UUID) -> WaitingProof:
    """One document with its seller, in any state. Raises NotFound(`legal_proof_not_found`)."""
    uow.principal.require("operator.reviews")
    found = uow.session.execute(
        select(LegalProof, Organization)
        .join(Organization, Organization.id == LegalProof.org_id)
        .where(LegalProof.id == proof_id)
    ).first()
    if found is None:
        raise NotFound("legal_proof_not_found")
    return _waiting(*found)


def payout_accounts_of(uow: UnitOfWork, org_ids: Collection[UUID]) -> dict[tuple[UUID, str], PayoutAccountView]:
    """The present accounts of these organizations, by organization and currency."""
    uow.principal.require("operator.payouts")
    statement = (
        select(PayoutAccount, Organization.legal_name)
        .join(Organization, Organization.id == PayoutAccount.org_id)
        .where(PayoutAccount.org_id.in_(org_ids), PayoutAccount.replaced_at.is_(None))
    )
    return {(row.org_id, row.currency): _account(row, name) for row, name in uow.session.execute(statement)}


def reveal_payout_account(uow: UnitOfWork, account_id: UUID, box: SecretBox) -> tuple[PayoutAccountView, str]:
    """An account with its whole number, for whoever sets a payout up. Who looked is written down.

    Raises: Forbidden `permission_missing` without operator.payouts. NotFound `payout_account_not_found`.
    """
    uow.principal.require("operator.payouts")
    row = uow.session.get(PayoutAccount, account_id)
    if row is None:
        raise NotFound("payout_account_not_found")
    audit.record(uow, "payout_account.revealed", subject_id=row.id)
    return _account(row, get_party(uow, row.org_id).legal_name), open_account(row, box)


def view_payout_account(uow: UnitOfWork, row: PayoutAccount) -> PayoutAccountView:
    """A stored account as its party reads it."""
    return _account(row, get_party(uow, row.org_id).legal_name)


def _account(row: PayoutAccount, legal_name: str) -> PayoutAccountView:
    names = set(PayoutAccountView.__dataclass_fields__) - {"trouble"}
    return PayoutAccountView(
        trouble=trouble_of(row, legal_name, clock.now()), **{name: getattr(row, name) for name in names}
    )


def to_proof_view(row: LegalProof) -> LegalProofView:
    """A document as it is shown."""
    names = LegalProofView.__dataclass_fields__
    return LegalProofView(**{name: getattr(row, name) for name in names})


def _waiting(proof: LegalProof, organization: Organization) -> WaitingProof:
    return WaitingProof(
        to_proof_view(proof),
        organization.legal_name,
        organization.display_name,
        organization.country,
        organization.tax_id,
    )
