"""Tables of conversations: one thread of a seller and an organization, what both wrote, and how far each person has read."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges
from orders.order.sides import of_both

SIDES = "side IN ('buyer', 'seller')"


class Conversation(Base):
    """All that a seller and an organization say to each other outside a request: one thread for each two of them."""

    __tablename__ = "conversation"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        CheckConstraint("state IN ('open', 'closed')", name="state"),
        CheckConstraint("buyer_org_id <> seller_org_id", name="of_another"),
        CheckConstraint("(assigned_to IS NULL) = (assigned_name IS NULL)", name="assigned"),
        CheckConstraint("last_number >= 0", name="last_number"),
        Index("ix_conversation_buyer_org_id_last_at", "buyer_org_id", "last_at", "id"),
        Index("ix_conversation_seller_org_id_last_at", "seller_org_id", "last_at", "id"),
        Index("ix_conversation_seller_org_id_assigned_to", "seller_org_id", "assigned_to", "last_at", "id"),
        Index("ix_conversation_assigned_to", "assigned_to"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    buyer_name: Mapped[str]
    """As the buying organization is called where it last wrote; the seller may not look it up."""
    state: Mapped[str]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Of the seller's members: who is responsible."""
    assigned_name: Mapped[str | None]
    """Both sides read it."""
    last_number: Mapped[int]
    """Of the latest message; they are counted from 1."""
    last_at: Mapped[Instant]
    answered_by_itself_at: Mapped[Instant | None]
    """When the automatic answer was given last."""
    muted_at: Mapped[Instant | None]
    """Since when the buyer's people are told of no message; the seller does not learn of it."""
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


class ConversationMessage(Base):
    """What one side wrote: words, a file, an order that both see. Or who is responsible from now on. Append-only."""

    __tablename__ = "conversation_message"
    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "conversation_id"],
            ["orders.conversation.buyer_org_id", "orders.conversation.seller_org_id", "orders.conversation.id"],
            name="fk_conversation_message_conversation_id",
        ),
        of_both("order_id", "orders.order"),
        CheckConstraint(SIDES, name="side"),
        CheckConstraint("kind IN ('written', 'automatic', 'handover')", name="kind"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(person_id IS NULL) = (kind = 'automatic')", name="author"),
        CheckConstraint("(text_en IS NOT NULL) = (kind = 'automatic')", name="in_both_languages"),
        CheckConstraint(
            "text <> '' OR file_key IS NOT NULL OR order_id IS NOT NULL OR kind <> 'written'", name="not_empty"
        ),
        CheckConstraint("num_nulls(file_key, file_name, media_type, size_bytes, sha256) IN (0, 5)", name="file"),
        Index("ix_conversation_message_buyer_org_id", "buyer_org_id", "seller_org_id", "conversation_id"),
        Index("ix_conversation_message_seller_org_id", "seller_org_id", "conversation_id"),
        Index("ix_conversation_message_person_id", "person_id"),
        Index("ix_conversation_message_assigned_to", "assigned_to"),
        Index("ix_conversation_message_order_id", "order_id"),
        Index("ix_conversation_message_created_at", "created_at"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    conversation_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    number: Mapped[int]
    side: Mapped[str]
    kind: Mapped[str]
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who wrote, or handed over; the other side reads the organization's name alone."""
    text: Mapped[str]
    """Of a handover: the name of whoever is responsible, empty for nobody."""
    text_en: Mapped[str | None]
    """Of an automatic answer: the same in English."""
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Of a handover: who is responsible from now on."""
    order_id: Mapped[UUID | None]
    file_key: Mapped[str | None]
    file_name: Mapped[str | None]
    media_type: Mapped[str | None]
    size_bytes: Mapped[int | None]
    sha256: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class ConversationReading(Base):
    """How far a person has read a thread, acting for one of its sides."""

    __tablename__ = "conversation_reading"
    __table_args__ = (
        UniqueConstraint("conversation_id", "org_id", "person_id"),
        CheckConstraint("read_number >= 0", name="read_number"),
        Index("ix_conversation_reading_org_id", "org_id", "person_id", "conversation_id"),
        Index("ix_conversation_reading_person_id", "person_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    conversation_id: Mapped[UUID] = mapped_column(ForeignKey("orders.conversation.id"))
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    read_number: Mapped[int]


register("uq_conversation_buyer_org_id_seller_org_id", lambda: Conflict("conversation_begun_meanwhile"))

CONVERSATION = Machine("conversation", initial="open", edges=edges(open="closed", closed="open"))
