"""Ground floor: jobs, facts, history, idempotency, inbox, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("sandbox_clock", "audit_entry", "inbox", "idempotency_key", "state_history", "job_attempt", "job", "event")


def upgrade() -> None:
    """Create the schema, the functions that row level security asks, and the tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    ddl.create_schema("kernel")
    _functions()
    _events_and_jobs()
    _history_and_keys()
    for table in ("event", "state_history", "audit_entry"):
        ddl.append_only(f"kernel.{table}")
    for table in ("job", "job_attempt", "idempotency_key", "inbox", "sandbox_clock"):
        ddl.grant(f"kernel.{table}")
    ddl.leave_room("kernel.inbox")
    ddl.isolate("kernel.event", "org_ids[]")
    ddl.isolate("kernel.state_history", "org_ids[]")
    ddl.isolate("kernel.audit_entry", "org_id")
    ddl.isolate("kernel.idempotency_key", "org_id")


def _functions() -> None:
    op.execute("""
        CREATE FUNCTION kernel.current_org() RETURNS uuid LANGUAGE sql STABLE AS
        $$ SELECT nullif(current_setting('app.org', true), '')::uuid $$""")
    op.execute("""
        CREATE FUNCTION kernel.is_platform() RETURNS boolean LANGUAGE sql STABLE AS
        $$ SELECT coalesce(current_setting('app.platform', true), '') = 'on' $$""")
    op.execute("""
        CREATE FUNCTION kernel.refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$""")


def _events_and_jobs() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("org_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False),
        sa.Column("correlation_id", sa.Text),
        sa.PrimaryKeyConstraint("id", "occurred_at", name="pk_event"),
        sa.Index("ix_event_subject_id", "subject_id"),
        sa.Index("ix_event_topic_occurred_at", "topic", "occurred_at"),
        schema="kernel",
        postgresql_partition_by="RANGE (occurred_at)",
    )
    ddl.partition_by_month("kernel.event")
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("dedupe_key", sa.Text, nullable=False),
        sa.Column("payload", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="ready"),
        sa.Column("run_at", INSTANT, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lease_until", INSTANT),
        sa.Column("worker", sa.Text),
        sa.Column("last_error", sa.Text),
        sa.Column("event_id", sa.Uuid),
        sa.Column("correlation_id", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sa.UniqueConstraint("kind", "dedupe_key", name="uq_job_kind_dedupe_key"),
        sa.CheckConstraint("state IN ('ready', 'running', 'dead')", name="ck_job_state"),
        sa.Index("ix_job_due", "queue", "run_at", postgresql_where=sa.text("state IN ('ready', 'running')")),
        sa.Index("ix_job_dead", "created_at", postgresql_where=sa.text("state = 'dead'")),
        sa.Index("ix_job_event_id", "event_id"),
        schema="kernel",
    )
    op.create_table(
        "job_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("job_id", sa.Uuid, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("elapsed_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", "started_at", name="pk_job_attempt"),
        sa.Index("ix_job_attempt_job_id", "job_id"),
        schema="kernel",
        postgresql_partition_by="RANGE (started_at)",
    )
    ddl.partition_by_month("kernel.job_attempt")


def _history_and_keys() -> None:
    op.create_table(
        "state_history",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("machine", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("org_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("from_state", sa.Text),
        sa.Column("to_state", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("event_id", sa.Uuid),
        sa.PrimaryKeyConstraint("id", "at", name="pk_state_history"),
        sa.Index("ix_state_history_subject_id", "subject_id", "at"),
        schema="kernel",
        postgresql_partition_by="RANGE (at)",
    )
    ddl.partition_by_month("kernel.state_history")
    op.create_table(
        "idempotency_key",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("route", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request_hash", sa.Text, nullable=False),
        sa.Column("status", sa.BigInteger, nullable=False),
        sa.Column("answer", postgresql.JSONB, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_idempotency_key"),
        sa.UniqueConstraint("org_id", "route", "key", name="uq_idempotency_key_org_id_route_key"),
        sa.Index("ix_idempotency_key_created_at", "created_at"),
        schema="kernel",
    )
    op.create_table(
        "inbox",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", postgresql.JSONB, nullable=False),
        sa.Column("state", sa.Text, nullable=False, server_default="received"),
        sa.Column("note", sa.Text),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("processed_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.UniqueConstraint("source", "event_id", name="uq_inbox_source_event_id"),
        sa.CheckConstraint("state IN ('received', 'processed', 'ignored', 'quarantined')", name="ck_inbox_state"),
        sa.Index("ix_inbox_waiting", "received_at", postgresql_where=sa.text("state = 'received'")),
        sa.Index("ix_inbox_quarantined", "received_at", postgresql_where=sa.text("state = 'quarantined'")),
        schema="kernel",
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("detail", postgresql.JSONB, nullable=False),
        sa.PrimaryKeyConstraint("id", "at", name="pk_audit_entry"),
        sa.Index("ix_audit_entry_org_id_at", "org_id", "at"),
        schema="kernel",
        postgresql_partition_by="RANGE (at)",
    )
    ddl.partition_by_month("kernel.audit_entry")
    op.create_table(
        "sandbox_clock",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("ahead_s", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sandbox_clock"),
        sa.CheckConstraint("id = 1", name="ck_sandbox_clock_single"),
        sa.CheckConstraint("ahead_s >= 0", name="ck_sandbox_clock_forward"),
        schema="kernel",
    )


def downgrade() -> None:
    """Drop everything of the ground floor."""
    for table in TABLES:
        op.drop_table(table, schema="kernel")
    for function in ("current_org", "is_platform", "refuse_change"):
        op.execute(f"DROP FUNCTION kernel.{function}()")
    op.execute("DROP SCHEMA kernel")
