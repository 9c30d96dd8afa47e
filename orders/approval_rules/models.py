"""What an organization holds its purchases to: amounts, an allow-list, who decides in which order, and who stands in."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.constraints import register
from kernel.errors import Conflict

ALLOW_MODES = ("off", "ask", "refuse")
"""What an allow-list does with the rest: nothing; an approver decides; it cannot be bought at all."""


class PurchaseRule(Base):
    """From which amounts on a purchase needs an approver, per currency: of everything, of one seller or of one category.

    An amount that is None is no limit.
    """

    __tablename__ = "purchase_rule"
    __table_args__ = (
        UniqueConstraint("org_id", "currency", "seller_org_id", "category", postgresql_nulls_not_distinct=True),
        CheckConstraint("max_order_minor >= 0", name="not_negative"),
        CheckConstraint("max_month_minor >= 0", name="month_not_negative"),
        CheckConstraint("seller_org_id IS NULL OR category IS NULL", name="one_scope"),
        CheckConstraint(
            "NOT self_approval OR (seller_org_id IS NULL AND category IS NULL)", name="self_approval_of_everything"
        ),
        Index("ix_purchase_rule_seller_org_id", "seller_org_id", postgresql_where=text("seller_org_id IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    currency: Mapped[Currency]
    seller_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    """Counts what is bought of this seller alone."""
    category: Mapped[str | None]
    """Counts what is bought of this category of listings alone."""
    max_order_minor: Mapped[Minor | None]
    """Gross amount of one purchase above which an approver decides."""
    max_month_minor: Mapped[Minor | None]
    """Gross amount of a calendar month's purchases, of all members together, above which an approver decides."""
    self_approval: Mapped[bool]
    """Whether an approver may approve a purchase of their own."""


class PurchasePolicy(Base):
    """What holds whatever the currency. No row: no allow-list, and one step that an approver decides."""

    __tablename__ = "purchase_policy"
    __table_args__ = (
        UniqueConstraint("org_id"),
        CheckConstraint("allow_mode IN ('off', 'ask', 'refuse')", name="allow_mode"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    allow_mode: Mapped[str]
    allowed_sellers: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    allowed_listings: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    steps: Mapped[list[Any]] = mapped_column(JSONB)
    """`orders.approval_rules.steps.ApprovalStep`, in order."""


class ApprovalDeputy(Base):
    """Somebody decides in somebody's place on these days, both included, by the organization's calendar."""

    __tablename__ = "approval_deputy"
    __table_args__ = (
        CheckConstraint("person_id <> deputy_id", name="two"),
        CheckConstraint("starts_on <= ends_on", name="days"),
        Index(
            "uq_approval_deputy_days",
            "org_id",
            "person_id",
            "deputy_id",
            "starts_on",
            "ends_on",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
        ),
        Index("ix_approval_deputy_org_id", "org_id", "deputy_id"),
        Index("ix_approval_deputy_person_id", "person_id"),
        Index("ix_approval_deputy_deputy_id", "deputy_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    deputy_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[Instant | None]
    """When it was ended: by somebody's word, or by the sweep once it is over (`deputies.end_over`)."""


register("uq_approval_deputy_days", lambda: Conflict("deputy_exists"))
