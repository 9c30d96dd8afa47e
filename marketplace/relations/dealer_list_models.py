"""Lists of dealers: whom a seller would invite, line by line, before all of it is right and sent."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class DealerList(Base):
    """Lines as they were typed or uploaded. While it is a draft they are corrected, left out or replaced; sent, they stay, and
    each that was not left out is an invitation (`PartnerInvitation.list_id`).
    """

    __tablename__ = "dealer_list"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        CheckConstraint("state IN ('draft', 'sent', 'discarded')", name="state"),
        CheckConstraint("(state = 'draft') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'sent') = (mailed_at IS NOT NULL)", name="mailed"),
        CheckConstraint("wrong BETWEEN 0 AND jsonb_array_length(rows)", name="wrong"),
        Index("ix_dealer_list_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_dealer_list_made_by", "made_by"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    name: Mapped[str]
    """What its file was called, or what it was named."""
    state: Mapped[str]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`marketplace.relations.dealer_rows.DealerRow`, in order."""
    wrong: Mapped[int]
    """How many lines were wrong when they were last looked at."""
    mailings: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often its mails went out, the first time counted."""
    mailed_at: Mapped[Instant | None]
    """When they last did."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]
    """When it was sent or discarded."""


DEALER_LIST = Machine("dealer_list", initial="draft", edges=edges(draft="sent discarded", sent="", discarded=""))
