"""What gateways say of their balances, beside our books; accounts of parties at gateways."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0072"
down_revision = "0071"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ACCOUNTS = (
    "'gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
    "'commission', 'gateway_fee', 'suspense', 'store_credit'"
)
MORE_ACCOUNTS = (
    "'gateway_cash', 'buyer_credit', 'party_pending', 'party_available', 'payout_clearing', "
    "'commission', 'gateway_fee', 'gateway_exchange', 'bank_clearing', 'suspense', 'store_credit'"
)
INCIDENTS = (
    "'refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', "
    "'dispute_lost', 'dispute_overturned', 'payout_partly_returned', 'payout_disputed', 'credit_paid_back', "
    "'key_reused'"
)
KINDS = (
    "'payment', 'payment_returned', 'refund', 'refund_returned', 'dispute', 'dispute_returned', "
    "'transfer', 'transfer_returned', 'bank', 'cost', 'other'"
)


def upgrade() -> None:
    """The sandbox's operations that have succeeded are taken to have done so when they last changed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _kinds("ledger_account", MORE_ACCOUNTS)
    _kinds("incident", f"{INCIDENTS}, 'external_refund_returned', 'balance_unknown', 'balance_differs'")
    _sandbox()
    _entries()
    _readings()
    _accounts()


def _kinds(table: str, kinds: str) -> None:
    op.drop_constraint(f"ck_{table}_kind", table, schema="billing")
    op.create_check_constraint(f"ck_{table}_kind", table, f"kind IN ({kinds})", schema="billing")


def _sandbox() -> None:
    op.add_column(
        "sandbox_operation",
        sa.Column("fee_minor", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        schema="billing",
    )
    op.add_column("sandbox_operation", sa.Column("succeeded_at", INSTANT), schema="billing")
    op.add_column(
        "sandbox_operation",
        sa.Column(
            "written_by",
            sa.BigInteger,
            nullable=False,
            server_default=sa.text("(pg_current_xact_id())::text::bigint"),
        ),
        schema="billing",
    )
    op.execute(
        "UPDATE billing.sandbox_operation SET succeeded_at = changed_at "
        "WHERE state = 'succeeded' OR (state = 'failed' AND becomes = 'failed' AND error_code IN "
        "('account_closed', 'payment_reversed'))"
    )
    op.execute(
        "CREATE FUNCTION billing.stamp_sandbox_operation() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "NEW.written_by := pg_current_xact_id()::text::bigint; RETURN NEW; END $$"
    )
    op.execute(
        "CREATE TRIGGER sandbox_operation_stamped BEFORE UPDATE ON billing.sandbox_operation "
        "FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION billing.stamp_sandbox_operation()"
    )
    op.create_index("ix_sandbox_operation_written_by", "sandbox_operation", ["written_by", "id"], schema="billing")


def _entries() -> None:
    text = [sa.Column(name, sa.Text, nullable=False) for name in ("gateway", "reference", "kind", "reported_as")]
    op.create_table(
        "gateway_balance_entry",
        sa.Column("id", sa.Uuid, nullable=False),
        *text,
        *(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in ("amount", "fee")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("presented_minor", sa.BigInteger),
        sa.Column("presented_currency", sa.CHAR(3)),
        sa.Column("exchange_rate", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("subject", "payment_reference")),
        sa.Column("attempt", sa.Text),
        sa.Column("metadata", JSONB, nullable=False),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("subject_id", sa.Uuid),
        sa.Column("booked_as", sa.Text),
        sa.Column("booked_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_balance_entry"),
        sa.UniqueConstraint("gateway", "reference", name="uq_gateway_balance_entry_gateway_reference"),
        sa.CheckConstraint(f"kind IN ({KINDS})", name="ck_gateway_balance_entry_kind"),
        sa.CheckConstraint(
            "booked_as IN ('own', 'bank', 'cost', 'foreign')", name="ck_gateway_balance_entry_booked_as"
        ),
        sa.CheckConstraint("(booked_as IS NULL) = (booked_at IS NULL)", name="ck_gateway_balance_entry_booked"),
        sa.CheckConstraint(
            "(presented_minor IS NULL) = (presented_currency IS NULL)", name="ck_gateway_balance_entry_presented"
        ),
        sa.Index("ix_gateway_balance_entry_waiting", "created_at", postgresql_where=sa.text("booked_as IS NULL")),
        sa.Index("ix_gateway_balance_entry_gateway_subject", "gateway", "subject"),
        sa.Index("ix_gateway_balance_entry_subject_id", "subject_id"),
        schema="billing",
    )
    ddl.grant("billing.gateway_balance_entry", "SELECT, INSERT, UPDATE")
    op.execute(
        "CREATE TRIGGER gateway_balance_entry_undeletable BEFORE DELETE ON billing.gateway_balance_entry "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )
    _platform("gateway_balance_entry")


def _readings() -> None:
    op.create_table(
        "gateway_balance_reading",
        *(sa.Column(name, sa.Text, nullable=False) for name in ("gateway", "resume")),
        sa.Column("trouble", sa.Text),
        *(sa.Column(name, INSTANT) for name in ("tried_at", "read_at")),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateway_balance_reading"),
        schema="billing",
    )
    op.create_table(
        "gateway_holding",
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in ("available", "pending")),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "currency", name="pk_gateway_holding"),
        schema="billing",
    )
    for table in ("gateway_balance_reading", "gateway_holding"):
        ddl.grant(f"billing.{table}")
        _platform(table)


def _platform(table: str) -> None:
    op.execute(f"ALTER TABLE billing.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE billing.{table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY platform ON billing.{table} USING (kernel.is_platform())")


def _accounts() -> None:
    op.create_table(
        "connected_account",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("country", sa.CHAR(2), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        *(sa.Column(name, sa.Boolean, nullable=False) for name in ("charges_enabled", "payouts_enabled")),
        *(sa.Column(name, JSONB, nullable=False) for name in ("capabilities", "requirements")),
        sa.Column("disabled_reason", sa.Text, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("balance", JSONB, nullable=False),
        sa.Column("opened_by", sa.Uuid),
        sa.Column("asked_at", INSTANT),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("next_check_at", "created_at")),
        sa.PrimaryKeyConstraint("id", name="pk_connected_account"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_connected_account_org_id"),
        sa.CheckConstraint(
            "state IN ('opening', 'onboarding', 'enabled', 'restricted', 'closed')", name="ck_connected_account_state"
        ),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name="ck_connected_account_country"),
        sa.CheckConstraint(
            "state IN ('opening', 'closed') OR reference IS NOT NULL", name="ck_connected_account_reference"
        ),
        sa.Index("ix_connected_account_org_id", "org_id"),
        sa.Index(
            "uq_connected_account_org_id_gateway",
            "org_id",
            "gateway",
            unique=True,
            postgresql_where=sa.text("state <> 'closed'"),
        ),
        sa.Index(
            "uq_connected_account_gateway_reference",
            "gateway",
            "reference",
            unique=True,
            postgresql_where=sa.text("reference IS NOT NULL"),
        ),
        schema="billing",
    )
    ddl.grant("billing.connected_account")
    ddl.isolate("billing.connected_account", "org_id")


def downgrade() -> None:
    """Only where nothing of a gateway's balance was booked: its accounts could not be told."""
    for table in ("connected_account", "gateway_holding", "gateway_balance_reading", "gateway_balance_entry"):
        op.drop_table(table, schema="billing")
    op.execute("DROP TRIGGER sandbox_operation_stamped ON billing.sandbox_operation")
    op.execute("DROP FUNCTION billing.stamp_sandbox_operation()")
    op.drop_index("ix_sandbox_operation_written_by", "sandbox_operation", schema="billing")
    for name in ("written_by", "succeeded_at", "fee_minor"):
        op.drop_column("sandbox_operation", name, schema="billing")
    _kinds("incident", INCIDENTS)
    _kinds("ledger_account", ACCOUNTS)
