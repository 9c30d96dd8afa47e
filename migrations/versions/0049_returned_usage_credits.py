"""A credit of usage that nothing is left to draw it from goes back as money: which refund that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing was paid back so far."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("usage_challenge", sa.Column("refund_id", sa.Uuid), schema="fulfillment")
    op.create_unique_constraint("uq_usage_challenge_refund_id", "usage_challenge", ["refund_id"], schema="fulfillment")


def downgrade() -> None:
    """Forget which refund it was."""
    op.drop_column("usage_challenge", "refund_id", schema="fulfillment")
