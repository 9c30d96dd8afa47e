"""Tables of organizations: who trades here, and whom invoices are addressed to."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id
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
        Index("uq_organization_country_tax_id", "country", "tax_id", unique=True),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    legal_name: Mapped[str]
    display_name: Mapped[str]
    country: Mapped[str] = mapped_column(CHAR(2))
    """ISO 3166-1 alpha-2."""
    tax_id: Mapped[str | None]
    """China: unified social credit code (GB 32100); Europe: VAT identifier. Checked before it is stored."""
    locale: Mapped[str]
    time_zone: Mapped[str]
    industry: Mapped[str | None]
    is_seller: Mapped[bool] = mapped_column(default=False)
    is_platform: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str]
    created_at: Mapped[CreatedAt]


class BillingProfile(Base):
    """An invoice title (发票抬头) of an organization. One of them is the default."""

    __tablename__ = "billing_profile"
    __table_args__ = (
        ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"]),
        UniqueConstraint("org_id", "id"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        Index("uq_billing_profile_default", "org_id", unique=True, postgresql_where=text("is_default")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    legal_name: Mapped[str]
    tax_id: Mapped[str | None]
    country: Mapped[str] = mapped_column(CHAR(2))
    address: Mapped[str]
    bank_name: Mapped[str | None]
    bank_account_masked: Mapped[str | None]
    """Only the last four digits are kept: a fully digital invoice (数电票) does not require the account's number."""
    email: Mapped[str]
    is_default: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]


register("uq_organization_country_tax_id", lambda: Conflict("organization_exists"))
register("uq_billing_profile_default", lambda: Conflict("billing_profile_default_changed"))


ORGANIZATION = Machine(
    "marketplace.organization",
    initial="active",
    edges=edges(active="suspended", suspended="active"),
)
