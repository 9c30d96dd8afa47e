"""What a price that contains its tax is where none applies: whole, or its net part."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0081"
down_revision = "0080"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every price stayed whole so far."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "plan", sa.Column("untaxed_price", sa.Text, nullable=False, server_default="whole"), schema="marketplace"
    )
    op.create_check_constraint(
        "ck_plan_untaxed_price",
        "plan",
        "untaxed_price = 'whole' OR (untaxed_price = 'net' AND tax_included)",
        schema="marketplace",
    )


def downgrade() -> None:
    """What was sold keeps its amounts."""
    op.drop_constraint("ck_plan_untaxed_price", "plan", schema="marketplace")
    op.drop_column("plan", "untaxed_price", schema="marketplace")
