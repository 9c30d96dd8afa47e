"""A refund can be sent again; a dispute can be overturned; what a payout left unpaid is taken up by the next statement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KINDS = "'refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', 'dispute_lost'"
CHECKS = (
    # Table, name, what it says from now on, what it said before.
    (
        "refund",
        "state",
        "state IN ('requested', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'resending', 'settled')",
        "state IN ('requested', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'settled')",
    ),
    ("incident", "state", "state IN ('open', 'resending', 'closed')", "state IN ('open', 'closed')"),
    (
        "incident",
        "kind",
        f"kind IN ({KINDS}, 'dispute_overturned', 'payout_partly_returned', 'payout_disputed')",
        f"kind IN ({KINDS})",
    ),
)


def upgrade() -> None:
    """Refunds so far came back once at most."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name, now, _ in CHECKS:
        _check(table, name, now)
    _doubtful("state IN ('requested', 'processing', 'unknown', 'resending')")
    for table, column in (("refund", "returns"), ("refund_attempt", "number"), ("dispute", "overturned")):
        op.add_column(table, sa.Column(column, sa.BigInteger, nullable=False, server_default="0"), schema="billing")
        op.alter_column(table, column, server_default=None, schema="billing")
    op.execute("UPDATE billing.refund SET returns = 1 WHERE state IN ('returned', 'settled')")
    op.drop_constraint("uq_refund_attempt_refund_id", "refund_attempt", schema="billing")
    op.create_unique_constraint(
        "uq_refund_attempt_refund_id_number", "refund_attempt", ["refund_id", "number"], schema="billing"
    )
    op.add_column("incident", sa.Column("evidence", sa.Text), schema="billing")
    _adjustments()


def downgrade() -> None:
    """Rows in what is new have to be gone first."""
    op.drop_table("statement_adjustment", schema="billing")
    op.drop_column("incident", "evidence", schema="billing")
    op.drop_constraint("uq_refund_attempt_refund_id_number", "refund_attempt", schema="billing")
    op.create_unique_constraint("uq_refund_attempt_refund_id", "refund_attempt", ["refund_id"], schema="billing")
    for table, column in (("refund", "returns"), ("refund_attempt", "number"), ("dispute", "overturned")):
        op.drop_column(table, column, schema="billing")
    _doubtful("state IN ('requested', 'processing', 'unknown')")
    for table, name, _, before in CHECKS:
        _check(table, name, before)


def _check(table: str, name: str, condition: str) -> None:
    op.execute(f"ALTER TABLE billing.{table} DROP CONSTRAINT ck_{table}_{name}")
    op.execute(f"ALTER TABLE billing.{table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition})")


def _doubtful(condition: str) -> None:
    op.execute("DROP INDEX billing.ix_refund_doubtful")
    op.execute(f"CREATE INDEX ix_refund_doubtful ON billing.refund (next_check_at) WHERE {condition}")


def _adjustments() -> None:
    op.create_table(
        "statement_adjustment",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payout_id", sa.Uuid, nullable=False),
        sa.Column("share_id", sa.Uuid),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("statement_id", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("kind IN ('disputed', 'returned')", name="ck_statement_adjustment_kind"),
        sa.CheckConstraint("(kind = 'disputed') = (share_id IS NOT NULL)", name="ck_statement_adjustment_share"),
        sa.CheckConstraint("amount_minor > 0", name="ck_statement_adjustment_amount"),
        sa.PrimaryKeyConstraint("id", name="pk_statement_adjustment"),
        sa.ForeignKeyConstraint(
            ["org_id", "payout_id"],
            ["billing.payout.org_id", "billing.payout.id"],
            name="fk_statement_adjustment_org_id_payout_id",
        ),
        sa.ForeignKeyConstraint(["share_id"], ["billing.share.id"], name="fk_statement_adjustment_share_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "statement_id"],
            ["billing.statement.org_id", "billing.statement.id"],
            name="fk_statement_adjustment_org_id_statement_id",
        ),
        sa.UniqueConstraint("payout_id", "share_id", name="uq_statement_adjustment_payout_id_share_id"),
        sa.Index("ix_statement_adjustment_org_id_payout_id", "org_id", "payout_id"),
        sa.Index("ix_statement_adjustment_org_id_statement_id", "org_id", "statement_id"),
        sa.Index("ix_statement_adjustment_share_id", "share_id"),
        schema="billing",
    )
    ddl.grant("billing.statement_adjustment", "SELECT, INSERT, UPDATE")
    op.execute(
        "CREATE TRIGGER statement_adjustment_undeletable BEFORE DELETE ON billing.statement_adjustment "
        "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
    )
    ddl.isolate("billing.statement_adjustment", "org_id")
