"""Tables of organizations: who trades here, and whom invoices are addressed to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CHAR,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

PLATFORM_ORG_ID = UUID("00000000-0000-7000-8000-000000000001")
"""The platform's own organization: it takes the commission, issues commission invoices and employs the operators."""


class Organization(Base):
    """A tenant: it may buy, sell or promote. Legal name and tax identifier are what invoices print."""

    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("state IN ('active', 'suspended')", name="state"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("tax_id_verified_at IS NULL OR tax_id IS NOT NULL", name="tax_id_verified"),
        CheckConstraint("kind IN ('company', 'circle')", name="kind"),
        CheckConstraint("kind = 'company' OR (tax_id IS NULL AND NOT is_seller AND NOT is_platform)", name="circle"),
        Index("ix_organization_country_tax_id", "country", "tax_id", postgresql_where=text("tax_id IS NOT NULL")),
        Index(
            "uq_organization_verified_tax_id",
            "country",
            "tax_id",
            unique=True,
            postgresql_where=text("tax_id_verified_at IS NOT NULL"),
        ),
        Index("ix_organization_sellers", "display_name", "id", postgresql_where=text("is_seller")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    legal_name: Mapped[str]
    display_name: Mapped[str]
    country: Mapped[str] = mapped_column(CHAR(2))
    """ISO 3166-1 alpha-2."""
    tax_id: Mapped[str | None]
    """China: unified social credit code (GB 32100); Europe: VAT identifier. Checked before it is stored.

    Anybody may claim one: several organizations may have the same, but only one that is verified."""
    tax_id_verified_at: Mapped[Instant | None]
    """When the platform saw that the identifier is this organization's."""
    locale: Mapped[str]
    time_zone: Mapped[str]
    industry: Mapped[str | None]
    interests: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    """Categories of products that were delivered to it lately; the feed takes what shows such for newer."""
    is_seller: Mapped[bool] = mapped_column(default=False)
    is_platform: Mapped[bool] = mapped_column(default=False)
    kind: Mapped[str] = mapped_column(default="company", server_default="company")
    """Or `circle`: a community, which is no legal person. It buys once a company pays for it."""
    requires_provider: Mapped[bool] = mapped_column(default=False)
    """Whether members other than owners act for it only when they signed in by its own identity provider."""
    response_time: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """Of a seller, how soon it answers, None of few questions: `marketplace.service_windows.response_time.ResponseTime`."""
    state: Mapped[str]
    created_at: Mapped[CreatedAt]


class BillingProfile(Base):
    """An invoice title (发票抬头) of an organization. One of them is the default, and never a retired one."""

    __tablename__ = "billing_profile"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"]),
        UniqueConstraint("org_id", "id"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("party_type IN ('organization', 'person')", name="party_type"),
        CheckConstraint("invoice_kind IN ('ordinary', 'special')", name="invoice_kind"),
        CheckConstraint("vat_status IN ('general', 'small_scale')", name="vat_status"),
        CheckConstraint("NOT (is_default AND retired_at IS NOT NULL)", name="default_in_use"),
        Index("uq_billing_profile_default", "org_id", unique=True, postgresql_where=text("is_default")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    party_type: Mapped[str] = mapped_column(default="organization")
    """Whether an organization or a natural person is named."""
    legal_name: Mapped[str]
    tax_id: Mapped[str | None]
    country: Mapped[str] = mapped_column(CHAR(2))
    address: Mapped[str]
    """On one line: composed of its parts where those are known, else as it was typed before there were any."""
    street: Mapped[str] = mapped_column(default="", server_default="")
    city: Mapped[str] = mapped_column(default="", server_default="")
    post_code: Mapped[str] = mapped_column(default="", server_default="")
    subdivision: Mapped[str] = mapped_column(default="", server_default="")
    """Province, state, region."""
    phone: Mapped[str] = mapped_column(default="")
    bank_name: Mapped[str | None]
    bank_account_masked: Mapped[str | None]
    """Only the last four digits are kept: a fully digital invoice (数电票) does not require the account's number."""
    email: Mapped[str]
    """Where invoices are delivered."""
    recipient: Mapped[str] = mapped_column(default="")
    """Who there takes care of invoices (收件人)."""
    invoice_kind: Mapped[str] = mapped_column(default="ordinary")
    """China: 普通发票 or 专用发票, which lets a general taxpayer deduct the tax."""
    vat_status: Mapped[str | None]
    """China: 一般纳税人 or 小规模纳税人, where it was said."""
    is_default: Mapped[bool] = mapped_column(default=False)
    monthly_invoice: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether what is delivered and paid comes on one invoice a month of each seller and currency, instead of one an order."""
    retired_at: Mapped[Instant | None]
    """No longer offered; what was bought with it keeps its own copy."""
    created_at: Mapped[CreatedAt]


class TaxIdDispute(Base):
    """Several organizations claim one tax identifier, and the platform has to say whose it is. Shown to operators only.

    Who claims it is asked anew until it is decided; `party_ids` then keeps who did.
    """

    __tablename__ = "tax_id_dispute"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'evidence_asked', 'settled', 'dismissed')", name="state"),
        CheckConstraint("(state IN ('settled', 'dismissed')) = (decided_at IS NOT NULL)", name="decided"),
        CheckConstraint("(state = 'settled') = (winner_id IS NOT NULL)", name="winner"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        Index(
            "uq_tax_id_dispute_undecided",
            "country",
            "tax_id",
            unique=True,
            postgresql_where=text("state IN ('open', 'evidence_asked')"),
        ),
        Index(
            "ix_tax_id_dispute_waiting",
            "created_at",
            "id",
            postgresql_where=text("state IN ('open', 'evidence_asked')"),
        ),
        Index("ix_tax_id_dispute_winner_id", "winner_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    country: Mapped[str] = mapped_column(CHAR(2))
    tax_id: Mapped[str]
    state: Mapped[str]
    winner_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    party_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    reason: Mapped[str] = mapped_column(default="")
    """The operator's words; whoever has to give another identifier reads them."""
    asked_at: Mapped[Instant | None]
    """When everybody who claims it was asked for a document."""
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


register("uq_organization_verified_tax_id", lambda: Conflict("tax_id_verified_elsewhere"))
register("uq_tax_id_dispute_undecided", lambda: Conflict("tax_id_dispute_changed"))
register("uq_billing_profile_default", lambda: Conflict("billing_profile_default_changed"))


ORGANIZATION = Machine(
    "marketplace.organization",
    initial="active",
    edges=edges(active="suspended", suspended="active"),
)
TAX_ID_DISPUTE = Machine(
    "marketplace.tax_id_dispute",
    initial="open",
    edges=edges(open="evidence_asked settled dismissed", evidence_asked="settled dismissed", settled="", dismissed=""),
)
