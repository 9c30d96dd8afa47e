"""How a seller's system is reached: settings and sealed secrets of connectors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kernel.db.base import Base, CreatedAt, Id, Instant


class ConnectorRow(Base):
    """A seller's connector. Secrets are sealed to the row's id; the former one stays valid for an overlap."""

    __tablename__ = "connector"
    __table_args__ = (
        CheckConstraint("kind IN ('webhook', 'none')", name="kind"),
        CheckConstraint(
            "kind <> 'webhook' OR (url IS NOT NULL AND secret_sealed IS NOT NULL)", name="webhook_complete"
        ),
        UniqueConstraint("org_id", "id"),
        Index("ix_connector_org_id_created_at", "org_id", "created_at"),
        {"schema": "fulfillment"},
    )
    id: Mapped[Id]
    org_id: Mapped[UUID] = mapped_column(ForeignKey("marketplace.organization.id"))
    kind: Mapped[str]
    name: Mapped[str]
    url: Mapped[str | None]
    secret_sealed: Mapped[str | None]
    secret_made_at: Mapped[Instant | None]
    """Of the present secret: for a while, who asks again is answered again."""
    previous_secret_sealed: Mapped[str | None]
    previous_until: Mapped[Instant | None]
    test_asked_at: Mapped[Instant | None]
    """Of the latest test, also its identity; None since address or secret changed, as then nothing is known of them."""
    tested_at: Mapped[Instant | None]
    test_failure: Mapped[str | None]
    created_at: Mapped[CreatedAt]


class ConnectorTranscript(Base):
    """What the latest test of a connector saw: a table of its own, as every delivery reads the connector."""

    __tablename__ = "connector_transcript"
    __table_args__ = (
        UniqueConstraint("org_id", "connector_id"),
        ForeignKeyConstraint(["org_id", "connector_id"], ["fulfillment.connector.org_id", "fulfillment.connector.id"]),
        {"schema": "fulfillment"},
    )
    connector_id: Mapped[UUID] = mapped_column(primary_key=True)
    org_id: Mapped[UUID]
    steps: Mapped[list[Any]]
    """`TranscriptStep` by `TranscriptStep`: sent and answered, redacted and cut short."""
    created_at: Mapped[CreatedAt]
