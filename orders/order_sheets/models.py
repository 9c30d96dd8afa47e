"""Order sheets: what a buyer would order, line by line, before it is right and ordered."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges


class OrderSheet(Base):
    """Lines as they were typed or uploaded. While it is a draft they are corrected, left out or replaced; ordered, they stay.

    `quote_ids` price exactly these lines, one for each currency: whatever changes a line takes them away. `purchase_ids` are of
    these quotes.
    """

    __tablename__ = "order_sheet"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'ordered', 'discarded')", name="state"),
        CheckConstraint("(state = 'draft') = (ended_at IS NULL)", name="ended"),
        CheckConstraint("(state = 'ordered') = (cardinality(purchase_ids) > 0)", name="ordered"),
        CheckConstraint("wrong BETWEEN 0 AND jsonb_array_length(rows)", name="wrong"),
        Index("ix_order_sheet_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_order_sheet_made_by", "made_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    name: Mapped[str]
    """What its file was called, or what it was named."""
    state: Mapped[str]
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`orders.order_sheets.sheet_rows.SheetRow`, in order; of an ordered one each with the `plan_id` that it ordered."""
    wrong: Mapped[int]
    """How many lines were wrong when they were last looked at."""
    quote_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    purchase_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), default=list)
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]
    """When it was ordered or discarded."""


ORDER_SHEET = Machine("order_sheet", initial="draft", edges=edges(draft="ordered discarded", ordered="", discarded=""))
