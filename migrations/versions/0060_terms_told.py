"""A term knows when the seller's system was told of what it gives more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0057"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Terms that began before are taken for delivered."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("subscription_term", sa.Column("told_at", INSTANT), schema="orders")


def downgrade() -> None:
    """What was told to sellers' systems is forgotten."""
    op.drop_column("subscription_term", "told_at", schema="orders")
