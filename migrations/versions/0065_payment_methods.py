"""Payment methods that gateways keep, and what they call our payers; an incident for a key that stood for something else."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
INCIDENTS = (
    "'refund_returned', 'payout_returned', 'payment_reversed', 'late_success', 'external_refund', "
    "'dispute_lost', 'dispute_overturned', 'payout_partly_returned', 'payout_disputed', 'credit_paid_back'"
)


def upgrade() -> None:
    """Nothing is kept yet. What was asked for before had its payer there, or failed where it had to be confirmed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "payment", sa.Column("payer_absent", sa.Boolean, nullable=False, server_default="false"), schema="billing"
    )
    op.create_table(
        "gateway_customer",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("reference", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway_customer"),
        sa.UniqueConstraint("org_id", "gateway", name="uq_gateway_customer_org_id_gateway"),
        sa.UniqueConstraint("gateway", "reference", name="uq_gateway_customer_gateway_reference"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_gateway_customer_org_id"),
        schema="billing",
    )
    ddl.grant("billing.gateway_customer", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.gateway_customer", "org_id")
    _methods()
    _incidents(f"{INCIDENTS}, 'key_reused'")


def _methods() -> None:
    op.create_table(
        "payment_method",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("gateway", "token", "kind", "brand", "last_four")),
        *(sa.Column(name, sa.BigInteger) for name in ("exp_month", "exp_year")),
        sa.Column("is_default", sa.Boolean, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("removed_at", "forgotten_at")),
        sa.PrimaryKeyConstraint("id", name="pk_payment_method"),
        sa.UniqueConstraint("gateway", "token", name="uq_payment_method_gateway_token"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_payment_method_org_id"),
        sa.CheckConstraint("removed_at IS NULL OR NOT is_default", name="ck_payment_method_default"),
        sa.CheckConstraint("last_four ~ '^[0-9A-Za-z]{0,4}$'", name="ck_payment_method_last_four"),
        sa.CheckConstraint("exp_month BETWEEN 1 AND 12", name="ck_payment_method_exp_month"),
        sa.CheckConstraint("forgotten_at IS NULL OR removed_at IS NOT NULL", name="ck_payment_method_forgotten"),
        sa.Index("uq_payment_method_default", "org_id", unique=True, postgresql_where=sa.text("is_default")),
        sa.Index("ix_payment_method_org_id", "org_id"),
        schema="billing",
    )
    ddl.grant("billing.payment_method", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.payment_method", "org_id")


def _incidents(kinds: str) -> None:
    op.drop_constraint("ck_incident_kind", "incident", schema="billing")
    op.create_check_constraint("ck_incident_kind", "incident", f"kind IN ({kinds})", schema="billing")


def downgrade() -> None:
    """What gateways keep stays there; nobody could charge it from here."""
    _incidents(INCIDENTS)
    op.drop_table("payment_method", schema="billing")
    op.drop_table("gateway_customer", schema="billing")
    op.drop_column("payment", "payer_absent", schema="billing")
