"""A purchase knows that its money was asked for again; more of what is recorded becomes events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What of the new types was recorded in the last hour is told; what is older never was, and is not missed."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("purchase", sa.Column("retried_at", sa.DateTime(timezone=True)), schema="orders")
    op.execute(
        """UPDATE marketplace.event_publication
           SET starts_at = greatest(starts_at, read_until - interval '1 hour'), read_until = read_until - interval '1 hour'"""
    )


def downgrade() -> None:
    """Events that were told stay told."""
    op.drop_column("purchase", "retried_at", schema="orders")
