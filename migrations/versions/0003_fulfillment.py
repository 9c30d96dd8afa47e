"""Second floor, delivery: connectors, entitlements, seats, runs and their tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("run_attempt", "run", "seat", "entitlement", "connector")


def upgrade() -> None:
    """Create the schema, its tables, and the second net between organizations."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    ddl.create_schema("fulfillment")
    _connectors()
    _entitlements()
    _runs()
    _attempts()
    for table in TABLES:
        ddl.grant(f"fulfillment.{table}", "SELECT, INSERT, UPDATE")
    ddl.leave_room("fulfillment.entitlement", "fulfillment.run")
    # A seller's settings and secrets are nobody else's; a buyer's seats name its people and are not the seller's.
    ddl.isolate("fulfillment.connector", "org_id")
    ddl.isolate("fulfillment.seat", "org_id")
    for table in ("entitlement", "run", "run_attempt"):
        ddl.isolate(f"fulfillment.{table}", "buyer_org_id", "seller_org_id")


def _connectors() -> None:
    op.create_table(
        "connector",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text),
        sa.Column("secret_sealed", sa.Text),
        sa.Column("previous_secret_sealed", sa.Text),
        sa.Column("previous_until", INSTANT),
        sa.Column("test_asked_at", INSTANT),
        sa.Column("tested_at", INSTANT),
        sa.Column("test_failure", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connector"),
        sa.UniqueConstraint("org_id", "id", name="uq_connector_org_id_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_connector_org_id"),
        sa.CheckConstraint("kind IN ('webhook', 'none')", name="ck_connector_kind"),
        sa.CheckConstraint(
            "kind <> 'webhook' OR (url IS NOT NULL AND secret_sealed IS NOT NULL)", name="ck_connector_webhook_complete"
        ),
        sa.Index("ix_connector_org_id_created_at", "org_id", "created_at"),
        schema="fulfillment",
    )


def _entitlements() -> None:
    op.create_table(
        "entitlement",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("reference", sa.Uuid, nullable=False),
        sa.Column("group_reference", sa.Uuid, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("plan_id", sa.Uuid, nullable=False),
        sa.Column("connector_id", sa.Uuid),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("seats", sa.BigInteger, nullable=False),
        sa.Column("seats_used", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("term_months", sa.BigInteger, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        sa.Column("context", postgresql.JSONB, nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("launch_url", sa.Text),
        sa.Column("valid_from", INSTANT),
        sa.Column("valid_to", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_entitlement_buyer_org_id_seller_org_id_id"),
        sa.PrimaryKeyConstraint("id", name="pk_entitlement"),
        sa.UniqueConstraint("reference", name="uq_entitlement_reference"),
        sa.UniqueConstraint("buyer_org_id", "id", name="uq_entitlement_buyer_org_id_id"),
        sa.ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"], name="fk_entitlement_buyer_org_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_entitlement_seller_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["marketplace.plan.org_id", "marketplace.plan.id"],
            name="fk_entitlement_seller_org_id_plan_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "connector_id"],
            ["fulfillment.connector.org_id", "fulfillment.connector.id"],
            name="fk_entitlement_seller_org_id_connector_id",
        ),
        sa.CheckConstraint("state IN ('pending', 'active', 'suspended', 'ended')", name="ck_entitlement_state"),
        sa.CheckConstraint("seats_used BETWEEN 0 AND seats", name="ck_entitlement_seats"),
        sa.Index("ix_entitlement_buyer_org_id_created_at", "buyer_org_id", "created_at"),
        sa.Index("ix_entitlement_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index("ix_entitlement_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index("ix_entitlement_seller_org_id_connector_id", "seller_org_id", "connector_id"),
        schema="fulfillment",
    )
    op.create_table(
        "seat",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("entitlement_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("assigned_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.Index("ix_seat_entitlement_id", "entitlement_id"),
        sa.PrimaryKeyConstraint("id", name="pk_seat"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_seat_person_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "entitlement_id"],
            ["fulfillment.entitlement.buyer_org_id", "fulfillment.entitlement.id"],
            name="fk_seat_org_id_entitlement_id",
        ),
        sa.Index("ix_seat_person_id", "person_id"),
        sa.Index(
            "uq_seat_holder",
            "entitlement_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        schema="fulfillment",
    )


def _runs() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("entitlement_id", sa.Uuid, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("percent", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("message", sa.Text),
        sa.Column("message_en", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False, server_default="-1"),
        sa.Column("tries", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("call_generation", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failure", sa.Text),
        sa.Column("orphaned_at", INSTANT),
        sa.Column("deadline_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.UniqueConstraint("buyer_org_id", "seller_org_id", "id", name="uq_run_buyer_org_id_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "entitlement_id"],
            [
                "fulfillment.entitlement.buyer_org_id",
                "fulfillment.entitlement.seller_org_id",
                "fulfillment.entitlement.id",
            ],
            name="fk_run_buyer_org_id_seller_org_id_entitlement_id",
        ),
        sa.Index("ix_run_entitlement_id", "entitlement_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
        sa.CheckConstraint(
            "operation IN ('provision', 'change', 'suspend', 'resume', 'deprovision')", name="ck_run_operation"
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'calling', 'waiting', 'succeeded', 'failed', 'dead')", name="ck_run_state"
        ),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="ck_run_percent"),
        sa.Index(
            "uq_run_live",
            "entitlement_id",
            unique=True,
            postgresql_where=sa.text("state IN ('calling', 'waiting')"),
        ),
        sa.Index(
            "uq_run_provision", "entitlement_id", unique=True, postgresql_where=sa.text("operation = 'provision'")
        ),
        sa.Index("ix_run_seller_org_id_created_at", "seller_org_id", "created_at"),
        sa.Index(
            "ix_run_troubled",
            "seller_org_id",
            "created_at",
            postgresql_where=sa.text("state IN ('queued', 'calling', 'waiting', 'failed', 'dead')"),
        ),
        sa.Index(
            "ix_run_overdue",
            "deadline_at",
            postgresql_where=sa.text("state IN ('queued', 'calling', 'waiting')"),
        ),
        schema="fulfillment",
    )


def _attempts() -> None:
    op.create_table(
        "run_attempt",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("run_id", sa.Uuid, nullable=False),
        sa.Column("buyer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("status", sa.BigInteger),
        sa.Column("elapsed_ms", sa.BigInteger),
        sa.Column("reason", sa.Text),
        sa.Column("request_excerpt", sa.Text),
        sa.Column("response_excerpt", sa.Text),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "seller_org_id", "run_id"],
            ["fulfillment.run.buyer_org_id", "fulfillment.run.seller_org_id", "fulfillment.run.id"],
            name="fk_run_attempt_buyer_org_id_seller_org_id_run_id",
        ),
        sa.Index("ix_run_attempt_run_id", "run_id"),
        sa.PrimaryKeyConstraint("id", "started_at", name="pk_run_attempt"),
        sa.CheckConstraint(
            "outcome IN ('started', 'succeeded', 'accepted', 'refused', 'retry', 'unknown')",
            name="ck_run_attempt_outcome",
        ),
        schema="fulfillment",
        postgresql_partition_by="RANGE (started_at)",
    )
    ddl.partition_by_month("fulfillment.run_attempt")


def downgrade() -> None:
    """Drop everything of delivery."""
    for table in TABLES:
        op.drop_table(table, schema="fulfillment")
    op.execute("DROP SCHEMA fulfillment")
