"""Metered usage: what was reported, what of it counts to which period, and what a closed period was rated at."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Json, Minor
from kernel.states import Machine, edges

BOTH = ("buyer_org_id", "seller_org_id")
QUANTITY = Numeric(21, 6)
"""Up to 10¹⁵ units with six digits after the point."""


def _child_of(table: str, column: str) -> ForeignKeyConstraint:
    """A key that also says that the parent is between the same two organizations."""
    return ForeignKeyConstraint([*BOTH, column], [f"fulfillment.{table}.{one}" for one in (*BOTH, "id")])


class MeteredTerms(Base):
    """How usage of an entitlement is priced, as it was sold; each term with another price adds one.

    Read by `fulfillment.usage.terms` alone.
    """

    __tablename__ = "metered_terms"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "starts_at", postgresql_nulls_not_distinct=True),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        _child_of("entitlement", "entitlement_id"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    price: Mapped[Json]
    """`marketplace.pricing.components.PlanPrice`."""
    units: Mapped[Json]
    """By dimension in what it is counted, as an event may say; the dimension's own code where it says nothing."""
    starts_at: Mapped[datetime | None]
    """From when on periods begin at this price: the start of the term that was bought at it. None: from the beginning."""
    tried_until: Mapped[datetime | None]
    """Of the first, where it began with a trial that was converted: until when usage cost nothing."""
    created_at: Mapped[CreatedAt]


class UsagePeriod(Base):
    """One interval of an entitlement's usage, half-open; locked by whatever counts to it or closes it."""

    __tablename__ = "usage_period"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "starts_at"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        _child_of("entitlement", "entitlement_id"),
        _child_of("metered_terms", "terms_id"),
        CheckConstraint("credited_minor BETWEEN 0 AND coalesce(amount_minor, 0)", name="credited"),
        Index("ix_usage_period_terms_id", "terms_id"),
        CheckConstraint("state IN ('open', 'closed', 'invoiced')", name="state"),
        CheckConstraint("starts_at < ends_at AND ends_at < closes_at", name="forward"),
        CheckConstraint("(state = 'open') = (amount_minor IS NULL)", name="rated"),
        Index("ix_usage_period_closes_at", "closes_at", postgresql_where=text("state = 'open'")),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    state: Mapped[str]
    starts_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    closes_at: Mapped[Instant]
    """From when on it is rated, and takes nothing any more."""
    alerted: Mapped[Json]
    """By dimension, at how many percent of its included amount the buyer was told last."""
    terms_id: Mapped[UUID]
    """The price it was opened at."""
    is_trial: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether usage in it costs nothing."""
    amount_minor: Mapped[int | None]
    """What its lines add up to."""
    credited_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of it what was paid by credits of lines that were questioned; the rest is charged by an order."""
    currency: Mapped[Currency]
    created_at: Mapped[CreatedAt]


class UsageKey(Base):
    """The identifier of an event, known for ever: of one seller each counts once, whatever becomes of the event's month."""

    __tablename__ = "usage_key"
    __table_args__ = ({"schema": "fulfillment"},)
    seller_org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    """Made of the seller and its own identifier of the event (`kernel.ids.named_id`)."""
    content: Mapped[bytes]
    """Digest of what it said, by which another event under the same identifier is recognised."""
    occurred_at: Mapped[Instant]


class UsageEvent(Base):
    """What one event said. Append-only, partitioned by month; a correction is an event of its own, below zero."""

    __tablename__ = "usage_event"
    __table_args__ = (
        _child_of("usage_period", "period_id"),
        CheckConstraint("(quantity < 0) = (corrects_id IS NOT NULL) AND quantity <> 0", name="correction"),
        Index("ix_usage_event_period_id_dimension", "period_id", "dimension"),
        Index("ix_usage_event_corrects_id", "corrects_id", postgresql_where=text("corrects_id IS NOT NULL")),
        {"schema": "fulfillment", "postgresql_partition_by": "RANGE (occurred_at)"},
    )
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(primary_key=True)
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    period_id: Mapped[UUID]
    """To which period it counts: the one it occurred in, or the first open one where that had been closed."""
    dimension: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    source_id: Mapped[str]
    """The seller's own identifier."""
    corrects_id: Mapped[UUID | None]
    received_at: Mapped[Instant]


class UsageDay(Base):
    """What of a period's usage fell on a day of UTC: what charts show, and whose sum is the period's."""

    __tablename__ = "usage_day"
    __table_args__ = (
        _child_of("usage_period", "period_id"),
        CheckConstraint("quantity >= 0", name="quantity"),
        {"schema": "fulfillment"},
    )
    period_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    events: Mapped[int]


class UsageCap(Base):
    """Up to what a buyer wants to use of a dimension in a period: told when it is reached, or stopped at it."""

    __tablename__ = "usage_cap"
    __table_args__ = (
        UniqueConstraint("entitlement_id", "dimension"),
        _child_of("entitlement", "entitlement_id"),
        CheckConstraint("kind IN ('soft', 'hard')", name="kind"),
        CheckConstraint("quantity >= 0", name="quantity"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    entitlement_id: Mapped[UUID]
    dimension: Mapped[str]
    kind: Mapped[str]
    """`hard`: further events are refused, and the check says so. `soft`: the buyer is told."""
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    created_at: Mapped[CreatedAt]


class UsageLine(Base):
    """A dimension of a closed period at its price, or what was drawn from a commitment. Append-only."""

    __tablename__ = "usage_line"
    __table_args__ = (
        UniqueConstraint("period_id", "kind", "dimension"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        _child_of("usage_period", "period_id"),
        CheckConstraint("kind IN ('metered', 'drawn')", name="kind"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    period_id: Mapped[UUID]
    kind: Mapped[str]
    dimension: Mapped[str]
    """Empty for what was drawn."""
    quantity: Mapped[Decimal] = mapped_column(QUANTITY)
    amount_minor: Mapped[Minor]
    currency: Mapped[Currency]
    explained: Mapped[Json]
    """`marketplace.pricing.engine.PriceLine`: the brackets that add up to the amount."""
    created_at: Mapped[CreatedAt]


class UsageChallenge(Base):
    """A rated line that the buyer questions, once: the seller lets it stand or takes some of it back, by a deadline."""

    __tablename__ = "usage_challenge"
    __table_args__ = (
        UniqueConstraint("line_id"),
        _child_of("usage_line", "line_id"),
        CheckConstraint("state IN ('open', 'confirmed', 'corrected', 'overdue')", name="state"),
        CheckConstraint("(state = 'corrected') = (credit_minor > 0)", name="credit"),
        Index("ix_usage_challenge_seller_org_id_state", "seller_org_id", "state", "deadline_at"),
        CheckConstraint("drawn_minor BETWEEN 0 AND credit_minor", name="drawn"),
        Index("ix_usage_challenge_deadline_at", "deadline_at", postgresql_where=text("state = 'open'")),
        Index("ix_usage_challenge_undrawn", "buyer_org_id", postgresql_where=text("drawn_minor < credit_minor")),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    line_id: Mapped[UUID]
    state: Mapped[str]
    question: Mapped[str]
    answer: Mapped[str]
    credit_minor: Mapped[Minor]
    """What the seller takes back of the line: drawn from what is invoiced next."""
    drawn_minor: Mapped[Minor] = mapped_column(default=0, server_default=text("0"))
    """Of it what was drawn."""
    refund_id: Mapped[UUID | None] = mapped_column(unique=True)
    """By which the rest went back as money, once nothing was left to draw it from."""
    currency: Mapped[Currency]
    deadline_at: Mapped[Instant]
    decided_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]


USAGE_PERIOD = Machine("usage_period", initial="open", edges=edges(open="closed", closed="invoiced", invoiced=""))
"""`invoiced`: an order asks money for it. What costs nothing, or was paid by credits, stays closed."""
USAGE_CHALLENGE = Machine(
    "usage_challenge",
    initial="open",
    edges=edges(open="confirmed corrected overdue", overdue="confirmed corrected", confirmed="", corrected=""),
)
"""`overdue`: the seller has not answered in time; it still can, and the platform sees it."""
