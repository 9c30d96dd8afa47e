"""Table of payment methods that gateways keep."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict


class PaymentMethod(Base):
    """A card, wallet or account by which an organization pays, as its gateway keeps it: never a number that could be charged.

    One of those that are kept is the default. What is removed stays as a row: what it paid is still told.
    """

    __tablename__ = "payment_method"
    __table_args__ = (
        UniqueConstraint("gateway", "token"),
        CheckConstraint("removed_at IS NULL OR NOT is_default", name="default"),
        CheckConstraint("last_four ~ '^[0-9A-Za-z]{0,4}$'", name="last_four"),
        CheckConstraint("exp_month BETWEEN 1 AND 12", name="exp_month"),
        CheckConstraint("forgotten_at IS NULL OR removed_at IS NOT NULL", name="forgotten"),
        Index("uq_payment_method_default", "org_id", unique=True, postgresql_where=text("is_default")),
        Index("ix_payment_method_org_id", "org_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    gateway: Mapped[str]
    token: Mapped[str]
    """What the gateway knows it by."""
    kind: Mapped[str]
    """The gateway's word: `card`, `alipay`, …"""
    brand: Mapped[str]
    last_four: Mapped[str]
    exp_month: Mapped[int | None]
    exp_year: Mapped[int | None]
    is_default: Mapped[bool]
    created_at: Mapped[CreatedAt]
    removed_at: Mapped[Instant | None]
    """Since when nothing is asked of it any more."""
    forgotten_at: Mapped[Instant | None]
    """Since when its gateway does not keep it any more."""


constraints.register("uq_payment_method_default", lambda: Conflict("payment_method_changed"))
