"""More of an invoice title, a month's limit of purchases, and why a purchase waited for an approver."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TITLE = {"party_type": "organization", "phone": "", "recipient": "", "invoice_kind": "ordinary"}
"""New columns of a billing profile, and what those so far say in them."""
CHECKS = {
    "party_type": "party_type IN ('organization', 'person')",
    "invoice_kind": "invoice_kind IN ('ordinary', 'special')",
    "vat_status": "vat_status IN ('general', 'small_scale')",
    "default_in_use": "NOT (is_default AND retired_at IS NOT NULL)",
}


def upgrade() -> None:
    """What waits for an approver already has no reasons written down."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, value in TITLE.items():
        column = sa.Column(name, sa.Text, nullable=False, server_default=value)
        op.add_column("billing_profile", column, schema="marketplace")
        op.alter_column("billing_profile", name, server_default=None, schema="marketplace")
    op.add_column("billing_profile", sa.Column("vat_status", sa.Text), schema="marketplace")
    op.add_column("billing_profile", sa.Column("retired_at", INSTANT), schema="marketplace")
    for name, check in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_billing_profile_{name}"), "billing_profile", check, schema="marketplace")
    op.alter_column("purchase_rule", "max_order_minor", nullable=True, schema="orders")
    op.add_column("purchase_rule", sa.Column("max_month_minor", sa.BigInteger), schema="orders")
    op.create_check_constraint(
        op.f("ck_purchase_rule_month_not_negative"), "purchase_rule", "max_month_minor >= 0", schema="orders"
    )
    reasons = sa.Column("approval_reasons", postgresql.JSONB, nullable=False, server_default="[]")
    op.add_column("purchase", reasons, schema="orders")
    op.alter_column("purchase", "approval_reasons", server_default=None, schema="orders")


def downgrade() -> None:
    """Rules without a limit for one purchase go."""
    op.drop_column("purchase", "approval_reasons", schema="orders")
    op.drop_column("purchase_rule", "max_month_minor", schema="orders")
    op.execute("DELETE FROM orders.purchase_rule WHERE max_order_minor IS NULL")
    op.alter_column("purchase_rule", "max_order_minor", nullable=False, schema="orders")
    for name in CHECKS:
        op.drop_constraint(op.f(f"ck_billing_profile_{name}"), "billing_profile", schema="marketplace")
    for name in (*TITLE, "vat_status", "retired_at"):
        op.drop_column("billing_profile", name, schema="marketplace")
