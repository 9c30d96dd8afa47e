"""An offer to a tier: one price for all partners in it, of which each has an offer of its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant
from kernel.states import Machine, edges
from orders.offers.models import DECISIONS


class TierOffer(Base):
    """What a seller offers the partners in a tier: those in it when it is sent, and whoever joins until `valid_until`.

    Each gets an `orders.offers.models.Offer` of its own, which names this one and the link by which it came: what is done with
    an offer is done with that. Of what is said here nothing ever changes but the state and what its own side decided.
    """

    __tablename__ = "tier_offer"
    __table_args__ = (
        UniqueConstraint("seller_org_id", "id"),
        ForeignKeyConstraint(
            ["seller_org_id", "tier_id"], ["marketplace.partner_tier.seller_org_id", "marketplace.partner_tier.id"]
        ),
        CheckConstraint("state IN ('awaiting_approval', 'open', 'withdrawn', 'rejected')", name="state"),
        CheckConstraint("contract_terms BETWEEN 1 AND 60", name="contract_terms"),
        CheckConstraint("contract_terms IS NULL OR contract_ends_at IS NULL", name="contract"),
        CheckConstraint(f"decision IN {DECISIONS}", name="decision"),
        CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("decision IS NOT NULL OR decision_text = ''", name="decision_text"),
        Index("ix_tier_offer_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_tier_offer_tier_id", "seller_org_id", "tier_id"),
        Index("ix_tier_offer_made_by", "made_by"),
        Index("ix_tier_offer_decided_by", "decided_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID]
    tier_id: Mapped[UUID]
    state: Mapped[str]
    currency: Mapped[Currency]
    """Of all its lines."""
    valid_until: Mapped[Instant]
    terms: Mapped[str] = mapped_column(default="")
    takes_more: Mapped[bool] = mapped_column(default=False)
    contract_terms: Mapped[int | None]
    contract_ends_at: Mapped[Instant | None]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What each partner's lines say: `number`, `plan_id`, `quantity`, `currency`, `unit_price_minor`, `list_price_minor`,
    `price`, `instalments`."""
    below: Mapped[list[dict[str, int]]] = mapped_column(JSONB, default=list)
    """Why it waited for its own side, as `OfferApproval.lines`; empty where nobody was asked."""
    decision: Mapped[str | None]
    decision_text: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    decided_at: Mapped[Instant | None]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is: a partner knows the offer that it got, and nothing of this one."""
        return [self.seller_org_id]


TIER_OFFER = Machine(
    "tier_offer",
    initial="open awaiting_approval",
    edges=edges(awaiting_approval="open rejected withdrawn", open="withdrawn", withdrawn="", rejected=""),
)
