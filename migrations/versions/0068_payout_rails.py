"""Payouts by the rail of their party's account: holds, batches of bank transfers and what banks report of them, schedules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
OF_ACCOUNT = ("rail", "gateway_account", "held_until", "name_confirmed_at", "name_confirmed_by")


def upgrade() -> None:
    """Accounts that were given before are banks', and nothing of them is held."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    columns = (
        sa.Column("rail", sa.Text, nullable=False, server_default="bank"),
        sa.Column("gateway_account", sa.Text),
        sa.Column("held_until", INSTANT),
        sa.Column("name_confirmed_at", INSTANT),
        sa.Column("name_confirmed_by", sa.Uuid),
    )
    for column in columns:
        op.add_column("payout_account", column, schema="marketplace")
    op.create_unique_constraint("uq_payout_account_org_id_id", "payout_account", ["org_id", "id"], schema="marketplace")
    op.create_check_constraint(
        "ck_payout_account_name_confirmed",
        "payout_account",
        "(name_confirmed_at IS NULL) = (name_confirmed_by IS NULL)",
        schema="marketplace",
    )
    op.create_check_constraint(
        "ck_payout_account_rail", "payout_account", "(rail = 'bank') = (gateway_account IS NULL)", schema="marketplace"
    )
    op.add_column("payout", sa.Column("account_id", sa.Uuid), schema="billing")
    op.create_foreign_key(
        "fk_payout_org_id_account_id",
        "payout",
        "payout_account",
        ["org_id", "account_id"],
        ["org_id", "id"],
        source_schema="billing",
        referent_schema="marketplace",
    )
    op.create_index("ix_payout_org_id_account_id", "payout", ["org_id", "account_id"], schema="billing")
    op.create_check_constraint(
        "ck_payout_bank_account", "payout", "gateway <> 'bank' OR account_id IS NOT NULL", schema="billing"
    )
    op.create_index(
        "ix_payout_waiting_for_batch",
        "payout",
        ["currency", "id"],
        schema="billing",
        postgresql_where=sa.text("gateway = 'bank' AND state = 'scheduled'"),
    )
    _batch()
    _entry()
    _report()
    _line()
    _schedule()
    for table in ("payout_batch", "payout_batch_entry"):
        op.execute(
            f"CREATE TRIGGER {table}_undeletable BEFORE DELETE ON billing.{table} "
            "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
        )


def _batch() -> None:
    op.create_table(
        "payout_batch",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("payouts", "control_sum_minor")),
        *(sa.Column(f"debtor_{name}", sa.Text, nullable=False) for name in ("name", "country", "account", "bank_code")),
        sa.Column("second_person_above_minor", sa.BigInteger, nullable=False),
        sa.Column("execution_on", sa.Date, nullable=False),
        sa.Column("drafted_by", sa.Uuid),
        sa.Column("approved_by", sa.Uuid),
        sa.Column("approved_at", INSTANT),
        sa.Column("sent_by", sa.Uuid),
        sa.Column("sent_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_batch"),
        sa.CheckConstraint(
            "state IN ('drafted', 'approved', 'sent', 'settled', 'partly', 'failed', 'discarded')",
            name="ck_payout_batch_state",
        ),
        sa.CheckConstraint("payouts > 0 AND control_sum_minor > 0", name="ck_payout_batch_sum"),
        sa.CheckConstraint("second_person_above_minor >= 0", name="ck_payout_batch_second_person"),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by IS NULL)", name="ck_payout_batch_approved"),
        sa.CheckConstraint(
            "state IN ('drafted', 'discarded') OR approved_at IS NOT NULL", name="ck_payout_batch_approved_first"
        ),
        sa.CheckConstraint(
            "state IN ('drafted', 'approved', 'discarded') OR sent_at IS NOT NULL", name="ck_payout_batch_sent"
        ),
        sa.Index("ix_payout_batch_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.grant("billing.payout_batch", "SELECT, INSERT, UPDATE")
    _platforms_alone("billing.payout_batch")


def _platforms_alone(table: str) -> None:
    """What the platform works with, and no organization sees."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON {table} USING (kernel.is_platform())")


def _entry() -> None:
    op.create_table(
        "payout_batch_entry",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "batch_id", "org_id", "payout_id", "account_id")),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("dropped_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_batch_entry"),
        sa.ForeignKeyConstraint(["batch_id"], ["billing.payout_batch.id"], name="fk_payout_batch_entry_batch_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "payout_id"],
            ["billing.payout.org_id", "billing.payout.id"],
            name="fk_payout_batch_entry_org_id_payout_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "account_id"],
            ["marketplace.payout_account.org_id", "marketplace.payout_account.id"],
            name="fk_payout_batch_entry_org_id_account_id",
        ),
        sa.CheckConstraint("amount_minor > 0", name="ck_payout_batch_entry_amount"),
        sa.Index("ix_payout_batch_entry_batch_id", "batch_id", "id"),
        sa.Index("ix_payout_batch_entry_org_id_payout_id", "org_id", "payout_id"),
        sa.Index("ix_payout_batch_entry_org_id_account_id", "org_id", "account_id"),
        sa.Index(
            "uq_payout_batch_entry_payout",
            "payout_id",
            unique=True,
            postgresql_where=sa.text("dropped_at IS NULL"),
        ),
        schema="billing",
    )
    ddl.grant("billing.payout_batch_entry", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.payout_batch_entry", "org_id")


def _report() -> None:
    op.create_table(
        "payout_report",
        sa.Column("id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("kind", "message_id", "file_name", "sha256")),
        sa.Column("imported_by", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_report"),
        sa.UniqueConstraint("sha256", name="uq_payout_report_sha256"),
        sa.CheckConstraint("kind IN ('pain.002', 'camt.053', 'camt.054')", name="ck_payout_report_kind"),
        sa.Index("ix_payout_report_created_at", "created_at", "id"),
        schema="billing",
    )
    ddl.append_only("billing.payout_report")
    _platforms_alone("billing.payout_report")


def _line() -> None:
    op.create_table(
        "payout_report_line",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "report_id")),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("payout_id", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("end_to_end_id", "says", "reason", "reference")),
        sa.Column("amount_minor", sa.BigInteger),
        sa.Column("currency", sa.CHAR(3)),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_report_line"),
        sa.ForeignKeyConstraint(["report_id"], ["billing.payout_report.id"], name="fk_payout_report_line_report_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "payout_id"],
            ["billing.payout.org_id", "billing.payout.id"],
            name="fk_payout_report_line_org_id_payout_id",
        ),
        sa.UniqueConstraint("report_id", "position", name="uq_payout_report_line_report_id_position"),
        sa.CheckConstraint("says IN ('paid', 'failed', 'returned', 'pending')", name="ck_payout_report_line_says"),
        sa.CheckConstraint(
            "outcome IN ('applied', 'known', 'not_ours', 'not_sent', 'amount_differs', 'contradicts', 'pending')",
            name="ck_payout_report_line_outcome",
        ),
        sa.CheckConstraint("(org_id IS NULL) = (payout_id IS NULL)", name="ck_payout_report_line_payout"),
        sa.Index("ix_payout_report_line_org_id_payout_id", "org_id", "payout_id"),
        schema="billing",
    )
    ddl.append_only("billing.payout_report_line")
    ddl.isolate("billing.payout_report_line", "org_id")


def _schedule() -> None:
    op.create_table(
        "payout_schedule",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("every", sa.Text, nullable=False),
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("minimum_minor", sa.BigInteger, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_payout_schedule"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_payout_schedule_org_id"),
        sa.UniqueConstraint("org_id", "currency", name="uq_payout_schedule_org_id_currency"),
        sa.CheckConstraint("every IN ('daily', 'weekly', 'monthly', 'manual')", name="ck_payout_schedule_every"),
        sa.CheckConstraint(
            "CASE every WHEN 'weekly' THEN day BETWEEN 1 AND 7 WHEN 'monthly' THEN day BETWEEN 1 AND 28 ELSE day = 1 END",
            name="ck_payout_schedule_day",
        ),
        sa.CheckConstraint("minimum_minor >= 0", name="ck_payout_schedule_minimum"),
        schema="billing",
    )
    ddl.grant("billing.payout_schedule")
    ddl.isolate("billing.payout_schedule", "org_id")


def downgrade() -> None:
    """Only where nothing went out by bank: what of it is under way could not be told."""
    for table in ("payout_schedule", "payout_report_line", "payout_report", "payout_batch_entry", "payout_batch"):
        op.drop_table(table, schema="billing")
    op.drop_index("ix_payout_waiting_for_batch", "payout", schema="billing")
    op.drop_constraint("ck_payout_bank_account", "payout", schema="billing")
    op.drop_index("ix_payout_org_id_account_id", "payout", schema="billing")
    op.drop_constraint("fk_payout_org_id_account_id", "payout", schema="billing")
    op.drop_column("payout", "account_id", schema="billing")
    op.drop_constraint("ck_payout_account_rail", "payout_account", schema="marketplace")
    op.drop_constraint("ck_payout_account_name_confirmed", "payout_account", schema="marketplace")
    op.drop_constraint("uq_payout_account_org_id_id", "payout_account", schema="marketplace")
    for name in reversed(OF_ACCOUNT):
        op.drop_column("payout_account", name, schema="marketplace")
