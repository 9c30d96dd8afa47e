"""Tables of a seller's start: the checklist, what proves who the seller is, where it is paid, what it agreed to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges


class SellerOnboarding(Base):
    """The checklist of a seller: when each step was done. `checklist.py` says what is still missing."""

    __tablename__ = "seller_onboarding"
    __table_args__ = ({"schema": "marketplace"},)
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    legal_done_at: Mapped[Instant | None]
    """When the platform approved a legal document; a later one that is rejected takes nothing back."""
    bank_done_at: Mapped[Instant | None]
    tax_done_at: Mapped[Instant | None]
    agreement_done_at: Mapped[Instant | None]
    agreement_version: Mapped[str | None]
    connector_done_at: Mapped[Instant | None]
    completed_at: Mapped[Instant | None]
    """When nothing was missing for the first time. What is missing now is another question."""
    created_at: Mapped[CreatedAt]


class LegalProof(Base):
    """What shows that the organization exists and its tax identifier is its own, and what the platform said to it.

    A document; or a small transfer from a bank account in the organization's name, and then every column of a file is empty.
    """

    __tablename__ = "legal_proof"
    __table_args__ = (
        CheckConstraint("state IN ('submitted', 'approved', 'rejected', 'superseded')", name="state"),
        CheckConstraint("(state IN ('approved', 'rejected')) = (reviewed_at IS NOT NULL)", name="reviewed"),
        CheckConstraint("state <> 'rejected' OR reason <> ''", name="rejected_with_reason"),
        CheckConstraint(
            "(transfer_reference IS NULL) = (file_key <> '') AND (transfer_reference IS NULL) = (transfer_minor IS NULL)"
            " AND (transfer_reference IS NULL) = (currency IS NULL) AND transfer_minor > 0 IS NOT FALSE",
            name="file_or_transfer",
        ),
        Index(
            "uq_legal_proof_transfer_reference",
            "transfer_reference",
            unique=True,
            postgresql_where=text("transfer_reference IS NOT NULL"),
        ),
        Index("uq_legal_proof_submitted", "org_id", unique=True, postgresql_where=text("state = 'submitted'")),
        Index("ix_legal_proof_org_id_created_at", "org_id", "created_at"),
        Index("ix_legal_proof_waiting", "created_at", postgresql_where=text("state = 'submitted'")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    state: Mapped[str]
    tax_id: Mapped[str | None]
    """What was registered when it was handed in: an identifier that was changed since is not proved by it."""
    file_key: Mapped[str]
    file_name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    transfer_reference: Mapped[str | None]
    """What the payer writes on the transfer."""
    transfer_minor: Mapped[Minor | None]
    currency: Mapped[Currency | None]
    submitted_by: Mapped[UUID | None]
    reviewed_by: Mapped[UUID | None]
    reviewed_at: Mapped[Instant | None]
    reason: Mapped[str] = mapped_column(default="")
    """The reviewer's words to the organization."""
    created_at: Mapped[CreatedAt]


class PayoutAccount(Base):
    """Where a party is paid, one account for each currency at a time: at a bank, or at a gateway. A change is another row.

    The number (of a gateway: its name of the account) is sealed to the row; its last four characters are kept beside it, for
    people to recognise it.
    """

    __tablename__ = "payout_account"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("(rail = 'bank') = (gateway_account IS NULL)", name="rail"),
        CheckConstraint("(name_confirmed_at IS NULL) = (name_confirmed_by IS NULL)", name="name_confirmed"),
        Index(
            "uq_payout_account_current",
            "org_id",
            "currency",
            unique=True,
            postgresql_where=text("replaced_at IS NULL"),
        ),
        Index("ix_payout_account_org_id_created_at", "org_id", "created_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    country: Mapped[str] = mapped_column(CHAR(2))
    """Of the bank, ISO 3166-1 alpha-2: it decides what a transfer needs."""
    holder: Mapped[str]
    bank_name: Mapped[str]
    bank_code: Mapped[str]
    """CNAPS, routing number, sort code or BIC; empty where the account number says the bank (IBAN)."""
    account_sealed: Mapped[str]
    account_last4: Mapped[str]
    rail: Mapped[str] = mapped_column(server_default="bank")
    """`bank`, or the gateway that the account is at. It chooses how its party is paid."""
    gateway_account: Mapped[str | None]
    """What the gateway calls it; the rails that are gateways have it."""
    held_until: Mapped[Instant | None]
    """Of an account that replaced another: nothing is paid to it before."""
    name_confirmed_at: Mapped[Instant | None]
    """When the platform took a holder that is called otherwise than the organization for the organization's own account."""
    name_confirmed_by: Mapped[UUID | None]
    added_by: Mapped[UUID | None]
    replaced_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


class AgreementAcceptance(Base):
    """Who accepted which version of the seller agreement for their organization, and the text they saw. Append-only."""

    __tablename__ = "agreement_acceptance"
    __table_args__ = (UniqueConstraint("org_id", "version"), {"schema": "marketplace"})
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    version: Mapped[str]
    locale: Mapped[str]
    text_sha256: Mapped[str]
    accepted_by: Mapped[UUID]
    accepted_name: Mapped[str]
    """Their name at that moment: whoever signed keeps it, whatever they are called later."""
    created_at: Mapped[CreatedAt]


register("uq_legal_proof_submitted", lambda: Conflict("legal_proof_changed"))
register("uq_payout_account_current", lambda: Conflict("payout_account_changed"))
register("uq_agreement_acceptance_org_id_version", lambda: Conflict("agreement_accepted_already"))

LEGAL_PROOF = Machine(
    "marketplace.legal_proof",
    initial="submitted",
    edges=edges(submitted="approved rejected superseded", approved="", rejected="", superseded=""),
)
