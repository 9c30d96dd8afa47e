"""Tables of support tickets: what an order needs help with, what both sides wrote, and the clock of the first answer."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.states import Machine, edges
from orders.order.sides import of_both

SEVERITIES = ("low", "normal", "high", "critical")


class Ticket(Base):
    """Something that a buyer needs help with on an order. The seller's first answer is due in its own hours of service."""

    __tablename__ = "ticket"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        of_both("order_id", "orders.order"),
        CheckConstraint("severity IN ('low', 'normal', 'high', 'critical')", name="severity"),
        CheckConstraint("state IN ('open', 'waiting_seller', 'waiting_buyer', 'resolved', 'closed')", name="state"),
        CheckConstraint("state <> 'open' OR first_answered_at IS NULL", name="open_unanswered"),
        CheckConstraint("first_due_at >= created_at", name="first_due"),
        CheckConstraint("breached_at >= first_due_at", name="breached"),
        CheckConstraint("escalated_at IS NULL OR breached_at IS NOT NULL", name="escalated"),
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        CheckConstraint(
            "(rating IS NULL OR state = 'closed') AND (rating IS NOT NULL OR rating_text = '')", name="rated"
        ),
        CheckConstraint("last_number >= 1", name="last_number"),
        Index("ix_ticket_buyer_org_id_last_at", "buyer_org_id", "last_at", "id"),
        Index("ix_ticket_seller_org_id_last_at", "seller_org_id", "last_at", "id"),
        Index("ix_ticket_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
        Index("ix_ticket_escalated_at", "escalated_at", "id", postgresql_where=text("escalated_at IS NOT NULL")),
        Index("ix_ticket_order_id", "order_id"),
        Index("ix_ticket_opened_by", "opened_by"),
        Index("ix_ticket_assigned_to", "assigned_to", postgresql_where=text("assigned_to IS NOT NULL")),
        Index("ix_ticket_created_at", "created_at"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_id: Mapped[UUID]
    subject: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    opened_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    first_due_at: Mapped[Instant]
    """By when the seller answers first, in the hours that it had when the ticket was opened."""
    first_answered_at: Mapped[Instant | None]
    due_at: Mapped[Instant | None]
    """When the clock acts next: it breaches, escalates, or closes what was resolved."""
    breached_at: Mapped[Instant | None]
    escalated_at: Mapped[Instant | None]
    """Since when the platform looks at it: a second term went by without an answer."""
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who of the seller's members takes care of it; the buyer is not shown it."""
    last_number: Mapped[int]
    last_at: Mapped[Instant]
    rating: Mapped[int | None]
    """1 to 5, the buyer's, when it closed the ticket."""
    rating_text: Mapped[str]
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


class TicketMessage(Base):
    """What one side wrote on a ticket, with a file or without. Append-only."""

    __tablename__ = "ticket_message"
    __table_args__ = (
        UniqueConstraint("ticket_id", "number"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "ticket_id"],
            ["orders.ticket.buyer_org_id", "orders.ticket.seller_org_id", "orders.ticket.id"],
            name="fk_ticket_message_ticket_id",
        ),
        CheckConstraint("side IN ('buyer', 'seller')", name="side"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("text <> '' OR file_key IS NOT NULL", name="not_empty"),
        CheckConstraint("num_nulls(file_key, file_name, media_type, size_bytes, sha256) IN (0, 5)", name="file"),
        Index("ix_ticket_message_buyer_org_id", "buyer_org_id", "seller_org_id", "ticket_id"),
        Index("ix_ticket_message_seller_org_id", "seller_org_id", "ticket_id"),
        Index("ix_ticket_message_person_id", "person_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    ticket_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    number: Mapped[int]
    side: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    text: Mapped[str]
    file_key: Mapped[str | None]
    file_name: Mapped[str | None]
    media_type: Mapped[str | None]
    size_bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class TicketHandover(Base):
    """Who took care of a ticket from when on, for its seller's people alone. Append-only."""

    __tablename__ = "ticket_handover"
    __table_args__ = (
        ForeignKeyConstraint(["ticket_id"], ["orders.ticket.id"]),
        Index("ix_ticket_handover_ticket_id", "ticket_id", "created_at"),
        Index("ix_ticket_handover_seller_org_id", "seller_org_id"),
        Index("ix_ticket_handover_person_id", "person_id", postgresql_where=text("person_id IS NOT NULL")),
        Index("ix_ticket_handover_by", "by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    ticket_id: Mapped[UUID]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """None: nobody any more."""
    by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    note: Mapped[str]
    created_at: Mapped[CreatedAt]


TICKET = Machine(
    "ticket",
    initial="open",
    edges=edges(
        open="waiting_buyer resolved closed",
        waiting_seller="waiting_buyer resolved closed",
        waiting_buyer="waiting_seller resolved closed",
        resolved="waiting_seller closed",
        closed="",
    ),
)
