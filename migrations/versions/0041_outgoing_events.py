"""What happens is told to organizations' own systems: the log of events, endpoints, deliveries and their attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("webhook_attempt", "webhook_delivery", "webhook_endpoint", "outgoing_event", "event_log")
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Facts that are older have no event: what is told begins with the first sweep after this."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_state_history_at", "state_history", ["at", "id"], schema="kernel")
    _log()
    _endpoint()
    _delivery()
    _attempt()
    for table in TABLES:
        ddl.isolate(f"marketplace.{table}", "org_id")
    ddl.grant("marketplace.event_publication", "SELECT, INSERT, UPDATE")
    ddl.grant("marketplace.event_log", "SELECT, INSERT, UPDATE")
    ddl.grant("marketplace.outgoing_event", "SELECT, INSERT, DELETE")
    ddl.grant("marketplace.webhook_endpoint", "SELECT, INSERT, UPDATE")
    ddl.grant("marketplace.webhook_delivery", "SELECT, INSERT, UPDATE, DELETE")
    ddl.grant("marketplace.webhook_attempt", "SELECT, INSERT, DELETE")
    ddl.leave_room("marketplace.event_log", "marketplace.webhook_endpoint", "marketplace.webhook_delivery")


def _log() -> None:
    op.create_table(
        "event_publication",
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("read_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_event_publication"),
        schema="marketplace",
    )
    op.create_table(
        "event_log",
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("last_position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_event_log"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_event_log_org_id"),
        schema="marketplace",
    )
    op.create_table(
        "outgoing_event",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "fact_id", "subject_id")),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("data", postgresql.JSONB, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outgoing_event"),
        sa.UniqueConstraint("org_id", "position", name="uq_outgoing_event_org_id_position"),
        sa.UniqueConstraint("org_id", "id", name="uq_outgoing_event_org_id_id"),
        sa.UniqueConstraint("fact_id", "org_id", "subject_id", name="uq_outgoing_event_fact_id_org_id_subject_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_outgoing_event_org_id"),
        sa.CheckConstraint("position > 0", name="ck_outgoing_event_position"),
        sa.Index("ix_outgoing_event_org_id_occurred_at", "org_id", "occurred_at"),
        sa.Index("ix_outgoing_event_created_at", "created_at"),
        schema="marketplace",
    )


def _endpoint() -> None:
    instants = ("disabled_at", "previous_until", "failing_since", "rests_until")
    op.create_table(
        "webhook_endpoint",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "url", "state", "secret_sealed")),
        sa.Column("types", postgresql.JSONB, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("disabled_for", "previous_secret_sealed")),
        *(sa.Column(name, INSTANT) for name in instants),
        sa.Column("failures", sa.BigInteger, nullable=False, server_default="0"),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("secret_made_at", "created_at")),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_endpoint"),
        sa.UniqueConstraint("org_id", "id", name="uq_webhook_endpoint_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_webhook_endpoint_org_id"),
        sa.CheckConstraint("state IN ('active', 'disabled', 'removed')", name="ck_webhook_endpoint_state"),
        sa.CheckConstraint("(state = 'disabled') = (disabled_for IS NOT NULL)", name="ck_webhook_endpoint_disabled"),
        sa.CheckConstraint(
            "failures >= 0 AND (failures = 0) = (failing_since IS NULL)", name="ck_webhook_endpoint_failures"
        ),
        sa.Index("ix_webhook_endpoint_org_id_created_at", "org_id", "created_at"),
        schema="marketplace",
    )


def _delivery() -> None:
    op.create_table(
        "webhook_delivery",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "endpoint_id", "event_id")),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in ("tries", "attempts")),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_delivery"),
        sa.UniqueConstraint("endpoint_id", "event_id", name="uq_webhook_delivery_endpoint_id_event_id"),
        sa.UniqueConstraint("org_id", "id", name="uq_webhook_delivery_org_id_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "endpoint_id"],
            ["marketplace.webhook_endpoint.org_id", "marketplace.webhook_endpoint.id"],
            name="fk_webhook_delivery_org_id_endpoint_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "event_id"],
            ["marketplace.outgoing_event.org_id", "marketplace.outgoing_event.id"],
            name="fk_webhook_delivery_org_id_event_id",
        ),
        sa.CheckConstraint("state IN ('pending', 'delivered', 'failed')", name="ck_webhook_delivery_state"),
        sa.CheckConstraint("(state = 'pending') = (next_attempt_at IS NOT NULL)", name="ck_webhook_delivery_scheduled"),
        sa.CheckConstraint("(state = 'failed') = (failure IS NOT NULL)", name="ck_webhook_delivery_failure"),
        sa.CheckConstraint("tries >= 0 AND attempts >= tries", name="ck_webhook_delivery_tries"),
        sa.Index("ix_webhook_delivery_due", "endpoint_id", "next_attempt_at", postgresql_where=PENDING),
        sa.Index("ix_webhook_delivery_org_id_endpoint_id", "org_id", "endpoint_id", "created_at", "id"),
        sa.Index("ix_webhook_delivery_org_id_event_id", "org_id", "event_id"),
        schema="marketplace",
    )


def _attempt() -> None:
    op.create_table(
        "webhook_attempt",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "delivery_id")),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("succeeded", sa.Boolean, nullable=False),
        sa.Column("status", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("answered", sa.Text, nullable=False, server_default=""),
        sa.Column("elapsed_ms", sa.BigInteger),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_webhook_attempt"),
        sa.UniqueConstraint("delivery_id", "number", name="uq_webhook_attempt_delivery_id_number"),
        sa.ForeignKeyConstraint(
            ["org_id", "delivery_id"],
            ["marketplace.webhook_delivery.org_id", "marketplace.webhook_delivery.id"],
            name="fk_webhook_attempt_org_id_delivery_id",
        ),
        sa.Index("ix_webhook_attempt_org_id_delivery_id", "org_id", "delivery_id"),
        schema="marketplace",
    )


def downgrade() -> None:
    """Forget all of it; what was told is known to those who were told."""
    for table in (*TABLES, "event_publication"):
        op.drop_table(table, schema="marketplace")
    op.drop_index("ix_state_history_at", table_name="state_history", schema="kernel")
