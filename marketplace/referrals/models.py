"""Who brought whom: the link that an organization sends its suppliers and dealers, and who registered by it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id


class ReferralLink(Base):
    """An organization's own link; it has one."""

    __tablename__ = "referral_link"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("org_id"),
        UniqueConstraint("code"),
        Index("ix_referral_link_made_by", "made_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    code: Mapped[str]
    """What its address ends in: nobody guesses it."""
    made_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]


class Referral(Base):
    """An organization that registered by another's link. Append-only: each is attributed once, when it registers."""

    __tablename__ = "referral"
    __table_args__ = (
        UniqueConstraint("referred_org_id"),
        ForeignKeyConstraint(
            ["referrer_org_id", "link_id"], ["marketplace.referral_link.org_id", "marketplace.referral_link.id"]
        ),
        CheckConstraint("referrer_org_id <> referred_org_id", name="of_another"),
        Index("ix_referral_referrer_org_id_created_at", "referrer_org_id", "created_at", "id"),
        Index("ix_referral_link_id", "referrer_org_id", "link_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    referrer_org_id: Mapped[UUID]
    referred_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    link_id: Mapped[UUID]
    referred_name: Mapped[str]
    """As it was called when it registered: the referrer may not look it up."""
    created_at: Mapped[CreatedAt]
