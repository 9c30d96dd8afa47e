"""Links by which a seller's dealers become its partners."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant

MOST_USES: Final = 3_000


class PartnerInvitation(Base):
    """A link that makes whoever opens it a partner in a tier, so many times at most, until it expires or is revoked."""

    __tablename__ = "partner_invitation"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        UniqueConstraint("code"),
        ForeignKeyConstraint(
            ["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"]
        ),
        CheckConstraint(f"most_uses BETWEEN 1 AND {MOST_USES}", name="most_uses"),
        CheckConstraint("uses BETWEEN 0 AND most_uses", name="uses"),
        CheckConstraint("expires_at > created_at", name="expires_at"),
        CheckConstraint("(list_id IS NULL) = (line IS NULL)", name="line"),
        CheckConstraint("list_id IS NOT NULL OR num_nonnulls(email, tax_id, mailed_at) = 0", name="addressed"),
        CheckConstraint("list_id IS NULL OR (most_uses = 1 AND num_nonnulls(email, tax_id) > 0)", name="of_one"),
        CheckConstraint("(tax_id IS NULL) = (tax_country IS NULL)", name="tax_country"),
        ForeignKeyConstraint(
            ["seller_org_id", "list_id"], ["marketplace.dealer_list.seller_org_id", "marketplace.dealer_list.id"]
        ),
        Index("ix_partner_invitation_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_partner_invitation_tier_id", "seller_org_id", "tier_id"),
        Index("ix_partner_invitation_invited_by", "invited_by"),
        Index(
            "uq_partner_invitation_line",
            "seller_org_id",
            "list_id",
            "line",
            unique=True,
            postgresql_where=text("list_id IS NOT NULL"),
        ),
        Index("ix_partner_invitation_tax_id", "tax_country", "tax_id", postgresql_where=text("tax_id IS NOT NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    tier_id: Mapped[UUID]
    code: Mapped[str]
    """What its address ends in: nobody guesses it."""
    name: Mapped[str]
    """Whom it is for, in the seller's own words; nobody else reads it."""
    most_uses: Mapped[int] = mapped_column(BigInteger)
    uses: Mapped[int] = mapped_column(BigInteger)
    """Links that it made (`PartnerLink.invitation_id`)."""
    invited_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    list_id: Mapped[UUID | None]
    """The list whose line it is (`line`, its number there); then it is for one organization."""
    line: Mapped[int | None] = mapped_column(BigInteger)
    email: Mapped[str | None]
    """Where it is mailed to."""
    tax_id: Mapped[str | None]
    """Whose it is: no organization with another identifier accepts it."""
    tax_country: Mapped[str | None] = mapped_column(CHAR(2))
    mailed_at: Mapped[Instant | None]
    """When its mail was last queued."""
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]

    def state_at(self, now: datetime) -> str:
        """`revoked`, `used_up`, `expired` or `open`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.uses >= self.most_uses:
            return "used_up"
        return "expired" if self.expires_at <= now else "open"
