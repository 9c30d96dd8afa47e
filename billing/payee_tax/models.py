"""What a payee says of itself for the tax authorities: its form, residence and identifier."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict


class PayeeTaxProfile(Base):
    """What a seller or promoter stated about itself. A change is another row; the latest is that which counts.

    The identifier is sealed to the row; its last four characters are kept beside it, for people to recognise it.
    """

    __tablename__ = "payee_tax_profile"
    __table_args__ = (
        CheckConstraint("payee_type IN ('person', 'organization')", name="payee_type"),
        CheckConstraint("residence_country ~ '^[A-Z]{2}$'", name="residence_country"),
        CheckConstraint("us_form IN ('w9', 'w8ben', 'w8ben_e')", name="us_form"),
        CheckConstraint("(us_form IS NOT DISTINCT FROM 'w9') = (us_classification IS NOT NULL)", name="classification"),
        CheckConstraint("tin_kind IN ('ssn', 'itin', 'ein', 'resident_id', 'uscc', 'other')", name="tin_kind"),
        CheckConstraint("vat_status IN ('general', 'small_scale', 'not_registered')", name="vat_status"),
        Index("uq_payee_tax_profile_current", "org_id", unique=True, postgresql_where=text("replaced_at IS NULL")),
        Index("ix_payee_tax_profile_org_id_created_at", "org_id", "created_at"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    payee_type: Mapped[str]
    residence_country: Mapped[str] = mapped_column(CHAR(2))
    """For tax purposes, ISO 3166-1 alpha-2."""
    us_form: Mapped[str | None]
    """Which form of the US Internal Revenue Service the payee gave or would give; None: it has nothing to do with the US."""
    us_classification: Mapped[str | None]
    """Federal tax classification, as on line 3a of form W-9."""
    tin_kind: Mapped[str]
    tin_sealed: Mapped[str]
    tin_last4: Mapped[str]
    vat_status: Mapped[str]
    stated_by: Mapped[UUID | None]
    replaced_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


register("uq_payee_tax_profile_current", lambda: Conflict("payee_tax_profile_changed"))
