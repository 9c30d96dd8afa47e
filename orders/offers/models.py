"""An offer: a seller's price for one buyer, asked for or of the seller's own accord; a line for each plan in it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db import constraints
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor, Ppm
from kernel.errors import Conflict
from kernel.states import Machine, edges

DECISIONS = ("approved", "rejected")
DECLINE_REASONS = ("price", "scope", "timing", "budget", "other_supplier", "other")


class Offer(Base):
    """Plans of one seller at prices of their own, taken together or not at all. Everything else the buyer gets is the plans', as
    they were published.

    What is open past `valid_until` can be accepted no more; no state says so.
    """

    __tablename__ = "offer"
    __table_args__ = (
        UniqueConstraint("buyer_org_id", "seller_org_id", "lead_id", "id"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"]),
        ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"]),
        CheckConstraint("buyer_org_id <> seller_org_id", name="of_another"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "lead_id"],
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
        ),
        ForeignKeyConstraint(
            ["seller_org_id", "tier_offer_id"], ["orders.tier_offer.seller_org_id", "orders.tier_offer.id"]
        ),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "partner_link_id"],
            [
                "marketplace.partner_link.buyer_org_id",
                "marketplace.partner_link.seller_org_id",
                "marketplace.partner_link.id",
            ],
        ),
        CheckConstraint(
            "state IN ('awaiting_approval', 'open', 'accepted', 'withdrawn', 'declined', 'superseded', 'rejected')",
            name="state",
        ),
        CheckConstraint(
            "shown_at IS NOT NULL OR state IN ('awaiting_approval', 'withdrawn', 'superseded', 'rejected')",
            name="shown",
        ),
        CheckConstraint("shown_at IS NULL OR state NOT IN ('awaiting_approval', 'rejected')", name="not_shown"),
        CheckConstraint(f"decline_reason IN {DECLINE_REASONS}", name="decline_reason"),
        CheckConstraint("(tier_offer_id IS NULL) = (partner_link_id IS NULL)", name="of_tier"),
        CheckConstraint("tier_offer_id IS NULL OR lead_id IS NULL", name="tier_or_lead"),
        CheckConstraint("contract_terms BETWEEN 1 AND 60", name="contract_terms"),
        CheckConstraint("contract_terms IS NULL OR contract_ends_at IS NULL", name="contract"),
        CheckConstraint("state = 'declined' OR (decline_reason IS NULL AND decline_text = '')", name="declined"),
        Index("uq_offer_open", "lead_id", unique=True, postgresql_where=text("state = 'open'")),
        Index("uq_offer_awaiting", "lead_id", unique=True, postgresql_where=text("state = 'awaiting_approval'")),
        Index(
            "uq_offer_of_tier",
            "tier_offer_id",
            "buyer_org_id",
            unique=True,
            postgresql_where=text("state IN ('open', 'accepted')"),
        ),
        Index("ix_offer_tier_offer_id", "seller_org_id", "tier_offer_id", "created_at", "id"),
        Index("ix_offer_partner_link_id", "buyer_org_id", "seller_org_id", "partner_link_id"),
        Index("ix_offer_lead_id", "lead_id", "created_at"),
        Index("ix_offer_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        Index("ix_offer_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        Index("ix_offer_made_by", "made_by"),
        Index("ix_offer_supersedes_id", "supersedes_id", postgresql_where=text("supersedes_id IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    lead_id: Mapped[UUID | None]
    """The request that it answers; None for a private one, made of the seller's own accord."""
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    buyer_name: Mapped[str]
    """As the buying organization was called then; the seller may not look it up."""
    state: Mapped[str]
    currency: Mapped[Currency]
    """Of all its lines."""
    valid_until: Mapped[Instant]
    shown_at: Mapped[Instant | None]
    """Since when its buyer sees it; None of one that waits for its own side's approval, or never got it."""
    terms: Mapped[str] = mapped_column(default="")
    """What the seller agrees on with this buyer, in words of its own."""
    takes_more: Mapped[bool] = mapped_column(default=False)
    """Whether the quantities are the least: the buyer may take more seats at the same price."""
    contract_terms: Mapped[int | None]
    """After how many paid terms what recurs ends for good; None: as its plan says."""
    contract_ends_at: Mapped[Instant | None]
    """Or when, after a first term that is as much shorter; in the place of a number."""
    files: Mapped[dict[str, dict[str, str]]] = mapped_column(JSONB, default=dict)
    """The `key` and `sha256` of its PDF by language, once it is drawn."""
    made_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]
    supersedes_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.offer.id"))
    """The offer whose place it took."""
    decline_reason: Mapped[str | None]
    decline_text: Mapped[str] = mapped_column(default="")
    """Why its buyer declined it, as far as it was said."""
    tier_offer_id: Mapped[UUID | None]
    """The offer to a tier by which its buyer got it (`orders.offers.tier_offer_models`)."""
    partner_link_id: Mapped[UUID | None]
    """As a partner by this link; with the link it is over."""

    @property
    def parties(self) -> list[UUID]:
        """Whose history it is: of what its buyer never saw, its seller's alone."""
        return [self.seller_org_id] if self.shown_at is None else [self.buyer_org_id, self.seller_org_id]

    def is_shown_to(self, buyer_org_id: UUID) -> bool:
        """Whether this organization is its buyer, and got it."""
        return self.buyer_org_id == buyer_org_id and self.shown_at is not None

    @property
    def fact(self) -> dict[str, Any]:
        """What each of its events says."""
        sides = {"buyer_org_id": self.buyer_org_id, "seller_org_id": self.seller_org_id}
        return {"offer_id": self.id, "lead_id": self.lead_id, **sides}

    @property
    def own_fact(self) -> dict[str, Any]:
        """What is said of its approval: its buyer learns nothing of that."""
        return {"offer_id": self.id, "seller_org_id": self.seller_org_id}


class OfferLine(Base):
    """A plan in an offer, how many of it and at which price. Append-only: another offer takes the place of one that changes."""

    __tablename__ = "offer_line"
    __table_args__ = (
        PrimaryKeyConstraint("offer_id", "number"),
        UniqueConstraint("offer_id", "plan_id"),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "offer_id"],
            ["orders.offer.buyer_org_id", "orders.offer.seller_org_id", "orders.offer.id"],
        ),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("quantity >= 1", name="quantity"),
        CheckConstraint("unit_price_minor BETWEEN 0 AND list_price_minor", name="unit_price"),
        CheckConstraint("instalments >= 1", name="instalments"),
        Index("ix_offer_line_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index("ix_offer_line_offer", "buyer_org_id", "seller_org_id", "offer_id"),
        {"schema": "orders"},
    )
    offer_id: Mapped[UUID]
    number: Mapped[int]
    """Counts from 1."""
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    plan_id: Mapped[UUID]
    quantity: Mapped[int]
    currency: Mapped[Currency]
    unit_price_minor: Mapped[Minor]
    """For one unit and one interval of the plan, with the tax where the plan's price contains it; of a line with a `price` of
    components what its first term costs in all, in advance."""
    list_price_minor: Mapped[Minor]
    """The same at the plan's own price, when the offer was made."""
    instalments: Mapped[int | None]
    """In how many a term is paid; None: as the plan says."""
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The seller's own (`marketplace.pricing.components.PlanPrice`) where the plan's is more than one figure."""

    @property
    def total_minor(self) -> int:
        """Of the first term, in advance."""
        return self.unit_price_minor if self.price is not None else self.unit_price_minor * self.quantity


class CounterOffer(Base):
    """What a buyer would rather take than an offer that was made to it. Append-only: of several the last counts."""

    __tablename__ = "counter_offer"
    __table_args__ = (
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "offer_id"],
            ["orders.offer.buyer_org_id", "orders.offer.seller_org_id", "orders.offer.id"],
        ),
        Index("ix_counter_offer_offer_id", "offer_id", "created_at"),
        Index("ix_counter_offer_offer", "buyer_org_id", "seller_org_id", "offer_id"),
        Index("ix_counter_offer_made_by", "made_by"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    offer_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Of every line of the offer its `number`, and the `quantity` and `unit_price_minor` that the buyer would take."""
    text: Mapped[str]
    made_by: Mapped[UUID] = mapped_column(ForeignKey("marketplace.person.id"))
    created_at: Mapped[CreatedAt]


class OfferApproval(Base):
    """Why an offer waits for its own side, and what was decided. Its buyer never sees it."""

    __tablename__ = "offer_approval"
    __table_args__ = (
        PrimaryKeyConstraint("offer_id"),
        ForeignKeyConstraint(["offer_id"], ["orders.offer.id"]),
        CheckConstraint(f"decision IN {DECISIONS}", name="decision"),
        CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)", name="decided"
        ),
        CheckConstraint("decision IS NOT NULL OR decision_text = ''", name="decision_text"),
        Index("ix_offer_approval_seller_org_id", "seller_org_id", "offer_id"),
        Index("ix_offer_approval_decided_by", "decided_by"),
        {"schema": "orders"},
    )
    offer_id: Mapped[UUID]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """Of each line below its floor the `number`, the `floor_ppm` that held when it was offered, and the least share of the
    plan's price, `least_ppm`, that anything in it is paid for at."""
    decision: Mapped[str | None]
    decision_text: Mapped[str] = mapped_column(default="")
    decided_by: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.person.id"))
    decided_at: Mapped[Instant | None]


class OfferFloor(Base):
    """The share of the list price below which an offer waits for approval: of one product, or of all that have none."""

    __tablename__ = "offer_floor"
    __table_args__ = (
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        CheckConstraint("floor_ppm BETWEEN 1 AND 1000000", name="floor_ppm"),
        Index("uq_offer_floor", "seller_org_id", "listing_id", unique=True, postgresql_nulls_not_distinct=True),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    listing_id: Mapped[UUID | None]
    floor_ppm: Mapped[Ppm]


constraints.register("uq_offer_open", lambda: Conflict("offer_made_meanwhile"))
constraints.register("uq_offer_awaiting", lambda: Conflict("offer_made_meanwhile"))

OFFER = Machine(
    "offer",
    initial="open awaiting_approval",
    edges=edges(
        awaiting_approval="open rejected withdrawn superseded",
        open="accepted withdrawn declined superseded",
        accepted="open withdrawn superseded",
        withdrawn="",
        declined="",
        superseded="",
        rejected="",
    ),
)
SHOWN_STATES = tuple(state for state in OFFER.edges if state not in {"awaiting_approval", "rejected"})
"""Those in which a buyer may find one."""
