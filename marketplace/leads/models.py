"""Tables of leads: what somebody asks a seller for, what both sides write, and the seller's own notes."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant
from kernel.db.constraints import register
from kernel.errors import Conflict
from kernel.states import Machine, edges

KINDS = ("demo", "quote", "consult")
OPEN = ("new", "working", "answered")
"""Of an organization one at most of a kind and a listing is in these."""
_IS_OPEN = "state IN ('new', 'working', 'answered')"
_LEAD = ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"]


class Lead(Base):
    """A request for a demo, a quote or advice. A contact datum is there only with the consent under which it was given."""

    __tablename__ = "lead"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        ForeignKeyConstraint(["seller_org_id", "channel_id"], ["marketplace.channel.org_id", "marketplace.channel.id"]),
        CheckConstraint("kind IN ('demo', 'quote', 'consult')", name="kind"),
        CheckConstraint("state IN ('new', 'working', 'answered', 'won', 'lost', 'withdrawn')", name="state"),
        CheckConstraint("buyer_org_id <> seller_org_id", name="of_another"),
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("second_ms >= 0", name="second"),
        CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="consent",
        ),
        CheckConstraint(
            "consented_at IS NOT NULL OR (contact_name = '' AND contact_email = '' AND contact_phone = '')",
            name="no_contact_without_consent",
        ),
        Index(
            "uq_lead_open",
            "buyer_org_id",
            "listing_id",
            "kind",
            unique=True,
            postgresql_where=text(_IS_OPEN),
        ),
        Index(
            "uq_lead_of_follow",
            "buyer_org_id",
            "channel_id",
            unique=True,
            postgresql_where=text(f"channel_id IS NOT NULL AND {_IS_OPEN}"),
        ),
        Index("ix_lead_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_lead_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_lead_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        Index("ix_lead_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index(
            "ix_lead_seller_org_id_channel_id",
            "seller_org_id",
            "channel_id",
            postgresql_where=text("channel_id IS NOT NULL"),
        ),
        Index("ix_lead_placement_id", "placement_id", postgresql_where=text("placement_id IS NOT NULL")),
        Index("ix_lead_asked_by", "asked_by"),
        Index("ix_lead_assigned_to", "assigned_to", postgresql_where=text("assigned_to IS NOT NULL")),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    seller_org_id: Mapped[UUID]
    buyer_name: Mapped[str]
    """As the buying organization was called then; the seller may not look it up."""
    kind: Mapped[str]
    state: Mapped[str]
    listing_id: Mapped[UUID]
    plan_id: Mapped[UUID | None]
    quantity: Mapped[int | None]
    """Seats that a quote is asked for."""
    placement_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.placement.id"))
    second_ms: Mapped[int | None]
    """The card, and where in its video it was pressed; None from a product's page."""
    channel_id: Mapped[UUID | None]
    """Of its seller's: it comes of following that channel."""
    asked_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    contact_name: Mapped[str] = mapped_column(default="")
    contact_email: Mapped[str] = mapped_column(default="")
    contact_phone: Mapped[str] = mapped_column(default="")
    consent_version: Mapped[str | None]
    consent_text: Mapped[str | None]
    """The words that were agreed to, as they were shown."""
    consented_at: Mapped[Instant | None]
    assigned_to: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    """Of the seller's members; the buyer is not shown it."""
    due_on: Mapped[date | None]
    """The seller's own date."""
    created_at: Mapped[CreatedAt]


class LeadMessage(Base):
    """What one side writes to the other. Append-only."""

    __tablename__ = "lead_message"
    __table_args__ = (
        ForeignKeyConstraint(["buyer_org_id", "seller_org_id", "lead_id"], _LEAD),
        CheckConstraint("side IN ('buyer', 'seller')", name="side"),
        CheckConstraint("text <> ''", name="text"),
        Index("ix_lead_message_buyer_org_id", "buyer_org_id", "seller_org_id", "lead_id", "created_at"),
        Index("ix_lead_message_seller_org_id", "seller_org_id", "lead_id"),
        Index("ix_lead_message_lead_id", "lead_id", "created_at"),
        Index("ix_lead_message_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    lead_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    side: Mapped[str]
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    """Who wrote; the other side reads the organization's name alone."""
    text: Mapped[str]
    created_at: Mapped[CreatedAt]


class LeadNote(Base):
    """A note of the seller's, for itself alone. Append-only."""

    __tablename__ = "lead_note"
    __table_args__ = (
        ForeignKeyConstraint(["lead_id"], ["marketplace.lead.id"]),
        CheckConstraint("text <> ''", name="text"),
        Index("ix_lead_note_seller_org_id", "seller_org_id", "lead_id", "created_at"),
        Index("ix_lead_note_lead_id", "lead_id"),
        Index("ix_lead_note_person_id", "person_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    lead_id: Mapped[UUID]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    text: Mapped[str]
    created_at: Mapped[CreatedAt]


for _name in ("uq_lead_open", "uq_lead_of_follow"):
    register(_name, lambda: Conflict("lead_open_already"))

LEAD = Machine(
    "marketplace.lead",
    initial="new",
    edges=edges(
        new="working answered won lost withdrawn",
        working="answered won lost withdrawn",
        answered="working won lost withdrawn",
        won="",
        # What was accepted before may be paid for afterwards.
        lost="won",
        withdrawn="won",
    ),
)
