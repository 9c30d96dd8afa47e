"""What gateways do after an end, or by themselves: refunds and payouts that come back, reversals, disputes, incidents."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
CHECKS = (
    # Table, name, what it says from now on, what it said before.
    (
        "refund",
        "state",
        "state IN ('requested', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'settled')",
        "state IN ('requested', 'processing', 'unknown', 'succeeded', 'failed')",
    ),
    (
        "payment",
        "state",
        "state IN ('processing', 'requires_action', 'unknown', 'succeeded', 'failed', 'reversed')",
        "state IN ('processing', 'requires_action', 'unknown', 'succeeded', 'failed')",
    ),
    (
        "payment",
        "captured",
        "(state IN ('succeeded', 'reversed')) = (captured_at IS NOT NULL)",
        "(state = 'succeeded') = (captured_at IS NOT NULL)",
    ),
    (
        "payout",
        "state",
        "state IN ('scheduled', 'sent', 'unknown', 'paid', 'failed', 'returned')",
        "state IN ('scheduled', 'sent', 'unknown', 'paid', 'failed')",
    ),
    (
        "sandbox_operation",
        "kind",
        "kind IN ('payment', 'refund', 'payout', 'dispute')",
        "kind IN ('payment', 'refund', 'payout')",
    ),
)


def upgrade() -> None:
    """Widen what states allow; add disputes, which their parties see, and incidents, which are the platform's alone."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name, now, _ in CHECKS:
        _check(table, name, now)
    _live_payouts("state NOT IN ('failed', 'returned')")
    origin = sa.Column("origin", sa.Text, nullable=False, server_default="request")
    op.add_column("refund", origin, schema="billing")
    op.alter_column("refund", "origin", server_default=None, schema="billing")
    op.create_check_constraint(
        op.f("ck_refund_origin"), "refund", "origin IN ('request', 'gateway', 'reversal', 'dispute')", schema="billing"
    )
    _disputes()
    _incidents()
    for table in ("dispute", "incident"):
        ddl.grant(f"billing.{table}", "SELECT, INSERT, UPDATE")
        op.execute(
            f"CREATE TRIGGER {table}_undeletable BEFORE DELETE ON billing.{table} "
            "FOR EACH ROW EXECUTE FUNCTION billing.refuse_deletion()"
        )
    ddl.isolate("billing.dispute", "payer_org_id", "seller_org_ids[]")
    op.execute("ALTER TABLE billing.incident ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE billing.incident FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON billing.incident USING (kernel.is_platform())")


def downgrade() -> None:
    """Back to states after which nothing was followed; rows in the new ones have to be gone first."""
    op.drop_table("incident", schema="billing")
    op.drop_table("dispute", schema="billing")
    op.drop_constraint("ck_refund_origin", "refund", schema="billing")
    op.drop_column("refund", "origin", schema="billing")
    _live_payouts("state <> 'failed'")
    for table, name, _, before in CHECKS:
        _check(table, name, before)


def _check(table: str, name: str, condition: str) -> None:
    op.execute(f"ALTER TABLE billing.{table} DROP CONSTRAINT ck_{table}_{name}")
    op.execute(f"ALTER TABLE billing.{table} ADD CONSTRAINT ck_{table}_{name} CHECK ({condition})")


def _live_payouts(condition: str) -> None:
    op.execute("DROP INDEX billing.uq_payout_live")
    op.execute(f"CREATE UNIQUE INDEX uq_payout_live ON billing.payout (statement_id) WHERE {condition}")


def _disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("payer_org_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("payment_id", sa.Uuid, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("gateway_reference", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.CheckConstraint("state IN ('open', 'won', 'lost')", name="ck_dispute_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_dispute_amount"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ck_dispute_ended"),
        sa.PrimaryKeyConstraint("id", name="pk_dispute"),
        sa.UniqueConstraint("gateway", "gateway_reference", name="uq_dispute_gateway_gateway_reference"),
        sa.ForeignKeyConstraint(
            ["payer_org_id", "payment_id"],
            ["billing.payment.payer_org_id", "billing.payment.id"],
            name="fk_dispute_payer_org_id_payment_id",
        ),
        sa.Index("ix_dispute_payment_id", "payment_id"),
        sa.Index("ix_dispute_payer_org_id_payment_id", "payer_org_id", "payment_id"),
        sa.Index("ix_dispute_open", "created_at", postgresql_where=sa.text("state = 'open'")),
        schema="billing",
    )


def _incidents() -> None:
    op.create_table(
        "incident",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("gateway_reference", sa.Text, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("suspense_minor", sa.BigInteger, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("closed_at", INSTANT),
        sa.Column("closed_by", sa.Text),
        sa.Column("resolution", sa.Text),
        sa.CheckConstraint(
            "kind IN ('refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', "
            "'dispute_lost')",
            name="ck_incident_kind",
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name="ck_incident_state"),
        sa.CheckConstraint("amount_minor > 0", name="ck_incident_amount"),
        sa.CheckConstraint("abs(suspense_minor) <= amount_minor", name="ck_incident_suspense"),
        sa.CheckConstraint(
            "(state = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL AND resolution IS NOT NULL)",
            name="ck_incident_closed",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_incident"),
        sa.UniqueConstraint(
            "kind", "subject_id", "gateway_reference", name="uq_incident_kind_subject_id_gateway_reference"
        ),
        sa.Index("ix_incident_open", "created_at", postgresql_where=sa.text("state = 'open'")),
        sa.Index("ix_incident_subject_id", "subject_id"),
        schema="billing",
    )
