"""A quote: a price that binds us for thirty minutes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor


class Quote(Base):
    """Priced lines as shown to the buyer; an order placed from it has exactly these amounts."""

    __tablename__ = "quote"
    __table_args__ = (
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        CheckConstraint("gross_minor >= 0", name="not_negative"),
        UniqueConstraint("buyer_org_id", "id"),
        Index("ix_quote_person_id", "person_id"),
        Index("ix_quote_offer_id", "offer_id", postgresql_where=text("offer_id IS NOT NULL")),
        Index("ix_quote_unused", "expires_at", postgresql_where=text("used_at IS NULL")),
        Index(
            "ix_quote_partner_price",
            "buyer_org_id",
            postgresql_where=text("partner_link_ids IS NOT NULL AND used_at IS NULL"),
        ),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """`orders.checkout.priced_line.PricedLine`, one dictionary each."""
    invoice_party: Mapped[Json]
    """Whom the tax was decided by: `orders.checkout.priced_line.InvoiceParty`."""
    context: Mapped[Json]
    """Where the buyer stood: video, placement, millisecond, share link."""
    needs_approval: Mapped[bool]
    approval_reasons: Mapped[list[Any]] = mapped_column(JSONB)
    """Why, had it been accepted at once (`orders.checkout.approval_reasons`)."""
    approval_steps: Mapped[list[Any]] = mapped_column(JSONB)
    """In which steps it would be decided (`orders.approval_rules.steps`)."""
    expires_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]
    used_at: Mapped[datetime | None]
    offer_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.offer.id"))
    """The offer whose price it is, which a purchase placed from it accepts."""
    partner_link_ids: Mapped[list[UUID] | None] = mapped_column(ARRAY(Uuid))
    """By which links some of its lines are at a partner's price; None: none is. It expires with the first of them that ends."""
    amends: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The change of a subscription that a purchase placed from it makes: `orders.amendments.models.QuotedChange`."""
