"""Tables of what organizations' own systems are told: the log of events, endpoints, deliveries and their attempts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant, Json
from kernel.states import Machine, edges


class EventLog(Base):
    """Of one organization: the position of its newest event. Whoever writes events holds this row, so positions have no gap."""

    __tablename__ = "event_log"
    __table_args__ = ({"schema": "marketplace"},)
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"), primary_key=True)
    last_position: Mapped[int]


class EventPublication(Base):
    """How far recorded facts have become events, and since when they do: what is older never did."""

    __tablename__ = "event_publication"
    __table_args__ = ({"schema": "marketplace"},)
    source: Mapped[str] = mapped_column(primary_key=True)
    starts_at: Mapped[Instant]
    read_until: Mapped[Instant]


class OutgoingEvent(Base):
    """What one organization may know of one fact, as it is sent. Append-only; forgotten after `RETENTION`."""

    __tablename__ = "outgoing_event"
    __table_args__ = (
        UniqueConstraint("org_id", "position"),
        UniqueConstraint("org_id", "id"),
        UniqueConstraint("fact_id", "org_id", "subject_id"),
        CheckConstraint("position > 0", name="position"),
        Index("ix_outgoing_event_org_id_occurred_at", "org_id", "occurred_at"),
        Index("ix_outgoing_event_created_at", "created_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    position: Mapped[int]
    """Counted from 1 for each organization, in the order in which its events can be read."""
    type: Mapped[str]
    fact_id: Mapped[UUID]
    """The recorded event or the transition that it tells of; its own id where it is a test."""
    subject_id: Mapped[UUID]
    data: Mapped[Json]
    occurred_at: Mapped[Instant]
    created_at: Mapped[CreatedAt]


class WebhookEndpoint(Base):
    """An address of an organization's own system. Secrets are sealed to the row's id; the former one signs along for a while."""

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        UniqueConstraint("org_id", "id"),
        CheckConstraint("state IN ('active', 'disabled', 'removed')", name="state"),
        CheckConstraint("(state = 'disabled') = (disabled_for IS NOT NULL)", name="disabled"),
        CheckConstraint("failures >= 0 AND (failures = 0) = (failing_since IS NULL)", name="failures"),
        Index("ix_webhook_endpoint_org_id_created_at", "org_id", "created_at"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    name: Mapped[str]
    url: Mapped[str]
    types: Mapped[list[Any]] = mapped_column(JSONB)
    """Names of the event types that are sent there."""
    state: Mapped[str]
    disabled_for: Mapped[str | None]
    """`owner`, `failures` (none was taken for days) or `gone` (it answered 410)."""
    disabled_at: Mapped[Instant | None]
    secret_sealed: Mapped[str]
    secret_made_at: Mapped[Instant]
    previous_secret_sealed: Mapped[str | None]
    previous_until: Mapped[Instant | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    """Attempts in a row that failed, of whichever delivery."""
    failing_since: Mapped[Instant | None]
    rests_until: Mapped[Instant | None]
    """Nothing is sent before: it failed so often that it is left alone for a while."""
    created_at: Mapped[CreatedAt]


class WebhookDelivery(Base):
    """One event for one endpoint, for life: a replay makes it pending again. Its message id is the event's."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("endpoint_id", "event_id"),
        UniqueConstraint("org_id", "id"),
        ForeignKeyConstraint(
            ["org_id", "endpoint_id"], ["marketplace.webhook_endpoint.org_id", "marketplace.webhook_endpoint.id"]
        ),
        ForeignKeyConstraint(
            ["org_id", "event_id"], ["marketplace.outgoing_event.org_id", "marketplace.outgoing_event.id"]
        ),
        CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="state"),
        CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="scheduled"),
        CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="failure"),
        CheckConstraint("tries >= 0 AND attempts >= tries", name="tries"),
        Index(
            "ix_webhook_delivery_due",
            "endpoint_id",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_webhook_delivery_org_id_endpoint_id", "org_id", "endpoint_id", "created_at", "id"),
        Index("ix_webhook_delivery_org_id_event_id", "org_id", "event_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    endpoint_id: Mapped[UUID]
    event_id: Mapped[UUID]
    state: Mapped[str]
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    """Since it was last made pending: how far it is in the schedule."""
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    """In all; as many rows of `WebhookAttempt`."""
    next_attempt_at: Mapped[Instant | None]
    failure: Mapped[str | None]
    """Why nothing more is tried: `exhausted`, `endpoint_disabled` or `endpoint_removed`."""
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[Instant | None]


class WebhookAttempt(Base):
    """One call to an endpoint: what was answered, redacted and cut short. Append-only."""

    __tablename__ = "webhook_attempt"
    __table_args__ = (
        UniqueConstraint("delivery_id", "number"),
        ForeignKeyConstraint(
            ["org_id", "delivery_id"], ["marketplace.webhook_delivery.org_id", "marketplace.webhook_delivery.id"]
        ),
        Index("ix_webhook_attempt_org_id_delivery_id", "org_id", "delivery_id"),
        {"schema": "marketplace"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID]
    delivery_id: Mapped[UUID]
    number: Mapped[int]
    succeeded: Mapped[bool]
    status: Mapped[int | None]
    reason: Mapped[str | None]
    """Why it was no success: a word of ours such as `read_timeout`, or `http_503`."""
    answered: Mapped[str] = mapped_column(default="", server_default="")
    elapsed_ms: Mapped[int | None]
    started_at: Mapped[Instant]


WEBHOOK_ENDPOINT = Machine(
    "marketplace.webhook_endpoint",
    initial="active",
    edges=edges(active="disabled removed", disabled="active removed", removed=""),
)
