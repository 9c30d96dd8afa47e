"""An end customer (终端客户) of a dealer: an organization for which the dealer orders, and which uses what was ordered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.errors import Conflict
from kernel.states import Machine, edges


class EndCustomer(Base):
    """`dealer_org_id` may order for `org_id` from `confirmed_at`, when that organization said yes, until `ended_at`.

    One that is not on the platform yet is invited by a link (`code`): whichever organization opens it and confirms is the end
    customer, of a named `tax_id` only the one that has it.
    """

    __tablename__ = "end_customer"
    __table_args__ = (
        UniqueConstraint("dealer_org_id", "org_id", "id"),
        UniqueConstraint("code"),
        ForeignKeyConstraint(["dealer_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"]),
        CheckConstraint("org_id <> dealer_org_id", name="of_another"),
        CheckConstraint("state IN ('asked', 'active', 'ended')", name="state"),
        CheckConstraint("org_id IS NOT NULL OR (code IS NOT NULL AND state <> 'active')", name="known"),
        CheckConstraint("(code IS NULL) = (expires_at IS NULL)", name="link"),
        CheckConstraint("state <> 'asked' OR confirmed_at IS NULL", name="asked"),
        CheckConstraint("state <> 'active' OR confirmed_at IS NOT NULL", name="confirmed"),
        CheckConstraint("(ended_at IS NOT NULL) = (state = 'ended')", name="ended"),
        CheckConstraint("(ended_by_dealer IS NOT NULL) = (state = 'ended')", name="ended_by"),
        Index(
            "uq_end_customer_standing",
            "dealer_org_id",
            "org_id",
            unique=True,
            postgresql_where=text("state IN ('asked', 'active')"),
        ),
        Index("ix_end_customer_dealer_org_id_created_at", "dealer_org_id", "created_at", "id"),
        Index("ix_end_customer_org_id_created_at", "org_id", "created_at", "id"),
        Index("ix_end_customer_asked_by", "asked_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    dealer_org_id: Mapped[UUID]
    org_id: Mapped[UUID | None]
    """None while a link waits for whoever opens it."""
    dealer_name: Mapped[str]
    name: Mapped[str]
    """As both were called when it was asked for, or confirmed; before, of a link, in the dealer's own words."""
    tax_id: Mapped[str | None]
    """Of a link: whose identifier alone may confirm it."""
    state: Mapped[str]
    code: Mapped[str | None]
    """What the link's address ends in: nobody guesses it."""
    asked_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant | None]
    """Until when the link may be opened."""
    confirmed_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    ended_by_dealer: Mapped[bool | None]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is."""
        return [self.dealer_org_id] if self.org_id is None else [self.dealer_org_id, self.org_id]

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says, once the organization is known."""
        return {"end_customer_id": self.id, "dealer_org_id": self.dealer_org_id, "org_id": self.org_id}


constraints.register("uq_end_customer_standing", lambda: Conflict("end_customer_there_already"))

END_CUSTOMER = Machine("end_customer", initial="asked", edges=edges(asked="active ended", active="ended", ended=""))
