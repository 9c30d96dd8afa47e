"""What is in use and unpaid says so, and since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Whatever is past due at this moment is so since the end of its paid term."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("entitlement", sa.Column("past_due_at", sa.DateTime(timezone=True)), schema="fulfillment")
    op.execute(
        """UPDATE fulfillment.entitlement e SET past_due_at = s.ends_at FROM orders.subscription s
           WHERE s.order_line_id = e.reference AND s.state = 'past_due' AND e.state IN ('active', 'suspended')"""
    )
    op.create_check_constraint(
        "ck_entitlement_past_due",
        "entitlement",
        "past_due_at IS NULL OR state IN ('active', 'suspended')",
        schema="fulfillment",
    )


def downgrade() -> None:
    """Forget it; the subscription knows."""
    op.drop_column("entitlement", "past_due_at", schema="fulfillment")
