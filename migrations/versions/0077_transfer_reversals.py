"""Transfers name the order and the payment that they are of, and are reversed; differences are the platform's alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0077"
down_revision = "0076"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
PLATFORMS = ("reconciliation_run", "reconciliation_difference")


def upgrade() -> None:
    """Of payouts that were scheduled before nothing is known of one order; none of their transfers was reversed by us."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ("group_reference", "payment_id"):
        op.add_column("payout", sa.Column(name, sa.Uuid), schema="billing")
    op.create_foreign_key(
        "fk_payout_payment_id",
        "payout",
        "payment",
        ["payment_id"],
        ["id"],
        source_schema="billing",
        referent_schema="billing",
    )
    op.create_index("ix_payout_payment_id", "payout", ["payment_id"], schema="billing")
    op.create_check_constraint(
        "ck_payout_of_one_order", "payout", "payment_id IS NULL OR group_reference IS NOT NULL", schema="billing"
    )
    op.create_table(
        "transfer_reversal",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "payout_id", "share_reversal_id")),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("tries", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("gateway_reference", "error_code")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_transfer_reversal"),
        sa.ForeignKeyConstraint(
            ["org_id", "payout_id"],
            ["billing.payout.org_id", "billing.payout.id"],
            name="fk_transfer_reversal_org_id_payout_id",
        ),
        sa.ForeignKeyConstraint(
            ["share_reversal_id"], ["billing.share_reversal.id"], name="fk_transfer_reversal_share_reversal_id"
        ),
        sa.UniqueConstraint("share_reversal_id", name="uq_transfer_reversal_share_reversal_id"),
        sa.CheckConstraint("state IN ('sending', 'succeeded', 'failed')", name="ck_transfer_reversal_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_transfer_reversal_amount"),
        sa.CheckConstraint("(state = 'sending') = (ended_at IS NULL)", name="ck_transfer_reversal_ended"),
        sa.CheckConstraint(
            "(state = 'succeeded') = (gateway_reference IS NOT NULL)", name="ck_transfer_reversal_reference"
        ),
        sa.Index("ix_transfer_reversal_org_id_payout_id", "org_id", "payout_id"),
        schema="billing",
    )
    ddl.grant("billing.transfer_reversal", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.transfer_reversal", "org_id")
    op.execute(
        "CREATE TRIGGER transfer_reversal_undeletable BEFORE DELETE ON billing.transfer_reversal "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )
    for table in PLATFORMS:
        op.execute(f"ALTER TABLE billing.{table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE billing.{table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON billing.{table} USING (kernel.is_platform())")


def downgrade() -> None:
    """The gateway keeps what was reversed there."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in PLATFORMS:
        op.execute(f"DROP POLICY platform ON billing.{table}")
        op.execute(f"ALTER TABLE billing.{table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE billing.{table} DISABLE ROW LEVEL SECURITY")
    op.drop_table("transfer_reversal", schema="billing")
    op.drop_constraint("ck_payout_of_one_order", "payout", schema="billing")
    op.drop_index("ix_payout_payment_id", "payout", schema="billing")
    op.drop_constraint("fk_payout_payment_id", "payout", schema="billing")
    for name in ("payment_id", "group_reference"):
        op.drop_column("payout", name, schema="billing")
