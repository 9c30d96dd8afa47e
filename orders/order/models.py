"""Orders and what they fix for good: the agreement with one seller, its lines, their attribution, the subscription."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, or_, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor, Ppm
from kernel.states import Machine, edges
from marketplace.departments.models import names_department
from marketplace.pricing.shapes import is_by_seat
from orders.order.selling import SOLD_FOR, SOLD_RULES, SoldLineTerms, SoldOrderTerms
from orders.order.sides import of_both, partly_each

STATES = (
    "pending_approval",
    "pending_payment",
    "paid",
    "fulfilling",
    "active",
    "completed",
    "delivery_failed",
    "refunded",
    "rejected",
    "expired",
    "cancelled",
)

ENDED_UNPAID = ("rejected", "expired", "cancelled")
"""Of the orders of an offer one at most is in none of these."""


class Order(SoldOrderTerms, Base):
    """The agreement with one seller as accepted."""

    __tablename__ = "order"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        CheckConstraint("buyer_org_id <> seller_org_id", name="two_parties"),
        *SOLD_FOR,
        UniqueConstraint("number"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        ForeignKeyConstraint(["buyer_org_id", "purchase_id"], ["orders.purchase.buyer_org_id", "orders.purchase.id"]),
        Index("ix_order_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        Index("ix_order_seller_org_id_created_at", "seller_org_id", "created_at"),
        Index("ix_order_purchase_id", "purchase_id"),
        Index("ix_order_deadline_at", "deadline_at", postgresql_where=text("deadline_at IS NOT NULL")),
        ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "lead_id", "offer_id"],
            ["orders.offer.buyer_org_id", "orders.offer.seller_org_id", "orders.offer.lead_id", "orders.offer.id"],
        ),
        of_both("offer_id", "orders.offer"),
        CheckConstraint("lead_id IS NULL OR offer_id IS NOT NULL", name="offer_of_lead"),
        Index("ix_order_offer_id", "offer_id", postgresql_where=text("offer_id IS NOT NULL")),
        of_both("subscription_id", "orders.subscription", later="fk_order_buyer_org_id_seller_org_id_subscription_id"),
        Index("ix_order_subscription_id", "subscription_id", postgresql_where=text("subscription_id IS NOT NULL")),
        of_both("usage_period_id", "fulfillment.usage_period"),
        CheckConstraint("usage_period_id IS NULL OR subscription_id IS NOT NULL", name="usage_of_subscription"),
        of_both("instalment_id", "orders.instalment", later="fk_order_buyer_org_id_seller_org_id_instalment_id"),
        CheckConstraint(
            "instalment_id IS NULL OR (subscription_id IS NOT NULL AND usage_period_id IS NULL)",
            name="instalment_of_subscription",
        ),
        Index(
            "uq_order_instalment_id", "instalment_id", unique=True, postgresql_where=text("instalment_id IS NOT NULL")
        ),
        Index(
            "uq_order_usage_period_id",
            "usage_period_id",
            unique=True,
            postgresql_where=text("usage_period_id IS NOT NULL"),
        ),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    number: Mapped[str]
    """What people read out on the phone; unique, not gapless."""
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    buyer_name: Mapped[str]
    seller_name: Mapped[str]
    purchase_id: Mapped[UUID]
    po_number: Mapped[str | None]
    """The buyer's own order number, repeated on the invoice."""
    state: Mapped[str]
    currency: Mapped[Currency]
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    payment_id: Mapped[UUID | None]
    """The payment that paid it (billing.payment)."""
    deadline_at: Mapped[Instant | None]
    """Until when the present state may wait on someone, of an active order until when its services may be accepted."""
    paid_at: Mapped[datetime | None]
    active_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    """When the one-off services in it were accepted, by the buyer or by the clock."""
    failure: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    lead_id: Mapped[UUID | None]
    """The request that its seller answered with the offer it was bought by."""
    offer_id: Mapped[UUID | None]
    subscription_id: Mapped[UUID | None]
    """The subscription whose next term, change, usage or further instalment it pays for; one that begins some has none here."""
    usage_period_id: Mapped[UUID | None]
    """The closed period of usage that it pays for: each is charged by one order at most."""
    instalment_id: Mapped[UUID | None]
    """The further instalment of a term that it pays for: each is charged by one order at most."""

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]

    @property
    def is_owed(self) -> bool:
        """Whether it pays for what is given already: usage, or a further instalment of a term."""
        return self.usage_period_id is not None or self.instalment_id is not None


OWED = or_(Order.usage_period_id.is_not(None), Order.instalment_id.is_not(None))
"""`Order.is_owed`, of rows."""


class OrderLine(SoldLineTerms, Base):
    """One plan, sold: everything financial is copied here and never read from the catalogue again. Append-only."""

    __tablename__ = "order_line"
    __table_args__ = (
        CheckConstraint("net_minor = list_minor - discount_minor OR tax_included", name="net"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        CheckConstraint("quantity > 0", name="quantity"),
        *SOLD_RULES,
        Index("ix_order_line_order_id", "order_id"),
        Index("ix_order_line_listing_id", "listing_id", "id"),
        Index("ix_order_line_plan_id", "plan_id"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        # The order and what is sold are of these organizations, which therefore exist: no keys of their own to them.
        of_both("order_id", "orders.order"),
        ForeignKeyConstraint(["seller_org_id", "listing_id"], ["marketplace.listing.org_id", "marketplace.listing.id"]),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    order_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    listing_id: Mapped[UUID]
    listing_version_id: Mapped[UUID]
    plan_id: Mapped[UUID]
    plan: Mapped[Json]
    """Titles, plan name, features, connector and deadline as published at the time (both languages)."""
    pricing: Mapped[str]
    interval: Mapped[str]
    term_months: Mapped[int]
    quantity: Mapped[int]
    """Seats, or 1 for a one-off service."""
    currency: Mapped[Currency]
    unit_price_minor: Mapped[Minor]
    price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What decided its amounts (`marketplace.pricing.components.PlanPrice`), where that is more than one figure."""
    price_lines: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    """Then, how its list price came about: `marketplace.pricing.engine.PriceLine`, one dictionary each."""
    list_minor: Mapped[Minor]
    discount_minor: Mapped[Minor]
    net_minor: Mapped[Minor]
    tax_rate_ppm: Mapped[Ppm]
    tax_category: Mapped[str]
    """UNCL 5305 code as EN 16931 uses it: S, Z, E, AE, O."""
    tax_reason: Mapped[str]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    claims: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    """What the video promised, frozen: `orders.checkout.priced_line.QuotedClaim`, one dictionary each."""
    created_at: Mapped[CreatedAt]

    @property
    def sold_by_seat(self) -> bool:
        """Whether the quantity is a number of seats."""
        return is_by_seat(self.pricing, self.price)


class SaleTerms(Base):
    """Who gets what of a line, fixed when it was placed. The buyer's transaction writes it, only the seller reads it.

    Append-only; a renewal or amendment copies these and never asks the policy again.
    """

    __tablename__ = "sale_terms"
    __table_args__ = (
        UniqueConstraint("order_line_id"),
        CheckConstraint("commission_ppm >= 0 AND promoter_ppm >= 0", name="not_negative"),
        CheckConstraint("commission_ppm + promoter_ppm <= 1000000", name="never_more_than_the_line"),
        CheckConstraint("promoter_conflict IS NULL OR promoter_ppm = 0", name="earns_nothing"),
        Index("ix_sale_terms_promoter_org_id", "promoter_org_id", postgresql_where=text("promoter_org_id IS NOT NULL")),
        of_both("order_line_id", "orders.order_line"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    order_line_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    commission_ppm: Mapped[Ppm]
    promoter_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    promoter_ppm: Mapped[Ppm]
    promoter_conflict: Mapped[str | None]
    """Why it earns nothing: `billing.shares.terms.SAME_TAX_ID`, `billing.shares.promotion.NOT_CHOSEN`."""
    promotion: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    """Of a seller's plan: `billing.shares.promotion.PinnedPromotion`."""
    deal_type: Mapped[str | None]
    """`billing.shares.rules.DealType`; None of what was sold before policies knew any."""
    policy_version: Mapped[int]
    hold_days: Mapped[int]
    created_at: Mapped[CreatedAt]


class Attribution(Base):
    """Which video, second, placement and promoter sold a line: computed once, at placement of the order. Append-only."""

    __tablename__ = "attribution"
    __table_args__ = (
        CheckConstraint("rule IN ('context', 'last_click', 'last_view', 'none')", name="rule"),
        Index("ix_attribution_video_id", "video_id", "id", postgresql_where=text("video_id IS NOT NULL")),
        *partly_each("attribution", "promoter_org_id", "placement_id", "live_session_id", "share_link_id", "circle_id"),
        *(UniqueConstraint("order_line_id"), of_both("order_line_id", "orders.order_line")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    order_line_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    promoter_org_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.organization.id"))
    rule: Mapped[str]
    """`context`: bought inside the player; `last_click`, `last_view`, `none`: see `marketplace.attribution.attribute`."""
    video_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.video.id"))
    placement_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.placement.id"))
    live_session_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.live_session.id"))
    share_link_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.share_link.id"))
    circle_id: Mapped[UUID | None] = mapped_column(ForeignKey("marketplace.circle.org_id"))
    second_ms: Mapped[int | None]
    """Of the video, which of a session is where that was."""
    touchpoint_id: Mapped[UUID | None]
    touched_at: Mapped[Instant | None]
    path: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    decided_at: Mapped[Instant]


class Subscription(Base):
    """A recurring agreement with one id for life; its periods are rows under it."""

    __tablename__ = "subscription"
    __table_args__ = (
        UniqueConstraint("order_line_id"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        of_both("order_line_id", "orders.order_line"),
        *names_department("subscription", "buyer_org_id"),
        ForeignKeyConstraint(["seller_org_id", "plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        ForeignKeyConstraint(["seller_org_id", "next_plan_id"], ["marketplace.plan.org_id", "marketplace.plan.id"]),
        Index("ix_subscription_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        Index(
            "ix_subscription_seller_org_id_next_plan_id",
            "seller_org_id",
            "next_plan_id",
            postgresql_where=text("next_plan_id IS NOT NULL"),
        ),
        CheckConstraint("quantity > 0 AND next_quantity > 0", name="quantities"),
        CheckConstraint("state IN ('active', 'past_due', 'ended')", name="state"),
        CheckConstraint("state <> 'past_due' OR renewal_quote_id IS NOT NULL", name="past_due"),
        CheckConstraint("(trial_ends_at IS NULL) = (trial_days IS NULL)", name="trial"),
        ForeignKeyConstraint(["buyer_org_id", "renewal_quote_id"], ["orders.quote.buyer_org_id", "orders.quote.id"]),
        Index(
            "ix_subscription_buyer_org_id_renewal_quote_id",
            "buyer_org_id",
            "renewal_quote_id",
            postgresql_where=text("renewal_quote_id IS NOT NULL"),
        ),
        Index("ix_subscription_ends_at", "ends_at", postgresql_where=text("state = 'active'")),
        Index("ix_subscription_ended", "buyer_org_id", "seller_org_id", postgresql_where=text("state = 'ended'")),
        Index(
            "ix_subscription_next_step_at",
            "next_step_at",
            postgresql_where=text("state IN ('active', 'past_due') AND next_step_at IS NOT NULL"),
        ),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    state: Mapped[str]
    quantity: Mapped[int]
    plan_id: Mapped[UUID]
    """The plan in force: that of its latest term, or what it was changed to since."""
    term_price: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a term costs (`marketplace.pricing.components.PlanPrice`) where the plan was changed within it."""
    next_quantity: Mapped[int | None]
    next_plan_id: Mapped[UUID | None]
    """What the next term is to be, where that is something else."""
    anchor_day: Mapped[int]
    """Day of month the terms start on; kept apart, so that the 31st survives February."""
    term_months: Mapped[int]
    ends_at: Mapped[Instant]
    """The end of its latest paid term, which is `term_months` long."""
    auto_renew: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether somebody who may buy has agreed that the next term is paid for without asking again."""
    next_step_at: Mapped[Instant | None]
    """When it is told of its end next, renewed, or asked for money again (`orders.subscriptions.schedule`)."""
    renewal_quote_id: Mapped[UUID | None]
    """What the next term will cost, fixed with the first notice; placed when the term is paid for."""
    trial_ends_at: Mapped[Instant | None]
    """Of one whose first term was tried, when that ends; its next term is then priced from the start."""
    trial_days: Mapped[int | None]
    """How long that is, with what its seller has added."""
    renewal_lead_days: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many days before a term begins it is charged, as its latest term was sold; 0: the day before."""
    department_id: Mapped[UUID | None]
    """Whose spending it is what is charged for it from now on."""
    contract_terms_left: Mapped[int | None]
    """How many paid terms may still follow the latest one; None where its contract has no end of its own."""
    created_at: Mapped[CreatedAt]

    @property
    def is_trial(self) -> bool:
        """Whether no term of it has been paid for yet."""
        return self.trial_ends_at is not None and self.ends_at <= self.trial_ends_at

    @property
    def goes_on(self) -> bool:
        """Whether another term follows by itself: it is switched on, and its contract has one left."""
        return self.auto_renew and self.contract_terms_left != 0

    @property
    def lead_days(self) -> int:
        """How many days before its end the next term is charged; a trial is converted when it ends."""
        return 0 if self.is_trial else self.renewal_lead_days

    @property
    def tried_days(self) -> int:
        """Length of the trial that it is in; 0 in a term that is paid for."""
        return (self.trial_days or 0) if self.is_trial else 0


class SubscriptionTerm(Base):
    """One period of a subscription, half-open."""

    __tablename__ = "subscription_term"
    __table_args__ = (
        UniqueConstraint("subscription_id", "number"),
        of_both("subscription_id", "orders.subscription"),
        of_both("order_line_id", "orders.order_line"),
        CheckConstraint("starts_at < ends_at", name="forward"),
        Index("ix_subscription_term_order_line_id", "order_line_id"),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    subscription_id: Mapped[UUID]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    number: Mapped[int]
    order_line_id: Mapped[UUID]
    """The line whose money pays for this term."""
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    revoked_at: Mapped[Instant | None]
    """When its money went back, so that it gives nothing any more."""
    priced_until: Mapped[Instant | None]
    """When the term would end that its price is for, where its end was moved: what is added is measured by it."""
    told_at: Mapped[Instant | None]
    """When the seller's system was told to give what it was paid for, where that is more than the term before gave."""


ORDER = Machine(
    "order",
    initial="pending_payment pending_approval",
    edges=edges(
        pending_approval="pending_payment rejected expired cancelled",
        pending_payment="paid expired cancelled",
        # Before delivery only the gateway takes money back: by reversal, by dispute, by hand.
        paid="fulfilling refunded",
        fulfilling="active delivery_failed refunded",
        # A change of a subscription is in force once it is paid; one that the seller's system does not make has failed.
        active="completed delivery_failed refunded",
        completed="refunded",
        delivery_failed="refunded",
        refunded="",
        rejected="",
        expired="",
        cancelled="",
    ),
)

SUBSCRIPTION = Machine(
    "subscription", initial="active", edges=edges(active="past_due ended", past_due="active ended", ended="")
)
