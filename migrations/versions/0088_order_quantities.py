"""Partners order in numbers of their own: from how many on, and in what steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None

ADDED = ("min_quantity", "quantity_step")


def upgrade() -> None:
    """Prices that are there add nothing to what their plans say."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in ADDED:
        op.add_column(
            "tier_price", sa.Column(name, sa.BigInteger, nullable=False, server_default="1"), schema="marketplace"
        )
    rule = "min_quantity BETWEEN 1 AND 1000000 AND quantity_step BETWEEN 1 AND 100000"
    op.create_check_constraint("ck_tier_price_order_quantities", "tier_price", rule, schema="marketplace")


def downgrade() -> None:
    """Numbers are the plans' again."""
    op.drop_constraint("ck_tier_price_order_quantities", "tier_price", schema="marketplace")
    for name in ADDED:
        op.drop_column("tier_price", name, schema="marketplace")
