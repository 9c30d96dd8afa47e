"""Table of the parties' accounts at gateways."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CHAR, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class ConnectedAccount(Base):
    """A party's account at a gateway, one at a time. Its id is the key by which it is opened there, so that it is opened once.

    What the gateway wants and allows is its last word, asked for and never believed from a webhook.
    """

    __tablename__ = "connected_account"
    __table_args__ = (
        CheckConstraint("state IN ('opening', 'onboarding', 'enabled', 'restricted', 'closed')", name="state"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("state IN ('opening', 'closed') OR reference IS NOT NULL", name="reference"),
        Index(
            "uq_connected_account_org_id_gateway",
            "org_id",
            "gateway",
            unique=True,
            postgresql_where=text("state <> 'closed'"),
        ),
        Index(
            "uq_connected_account_gateway_reference",
            "gateway",
            "reference",
            unique=True,
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index("ix_connected_account_org_id", "org_id"),
        {"schema": "billing"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    gateway: Mapped[str]
    reference: Mapped[str | None]
    """The gateway's name for it."""
    country: Mapped[str] = mapped_column(CHAR(2))
    """Where the party is, ISO 3166-1 alpha-2: the gateway asks by it."""
    state: Mapped[str]
    charges_enabled: Mapped[bool] = mapped_column(default=False)
    payouts_enabled: Mapped[bool] = mapped_column(default=False)
    capabilities: Mapped[dict[str, Any]]
    """`transfers`: `active`, `pending` or `inactive`, and others, as the gateway names them."""
    requirements: Mapped[list[Any]]
    """What the gateway wants to know now, by its own names."""
    disabled_reason: Mapped[str]
    """Why it allows nothing, in the gateway's word; empty where it does."""
    trouble: Mapped[str | None]
    """Why the gateway could not be asked the last time."""
    balance: Mapped[dict[str, Any]]
    """What the party has there: currency to minor units, negative where it owes."""
    opened_by: Mapped[UUID | None]
    asked_at: Mapped[Instant | None]
    next_check_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]

    @property
    def is_payable(self) -> bool:
        """Whether money may be sent there."""
        return self.state == "enabled"


CONNECTED_ACCOUNT = Machine(
    "connected_account",
    initial="opening",
    edges=edges(
        opening="onboarding enabled restricted closed",
        onboarding="enabled restricted closed",
        enabled="restricted onboarding closed",
        restricted="enabled onboarding closed",
        closed="",
    ),
)
