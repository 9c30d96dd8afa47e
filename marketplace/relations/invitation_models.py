"""Links by which a seller's dealers become its partners."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
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
        Index("ix_partner_invitation_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_partner_invitation_tier_id", "seller_org_id", "tier_id"),
        Index("ix_partner_invitation_invited_by", "invited_by"),
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
