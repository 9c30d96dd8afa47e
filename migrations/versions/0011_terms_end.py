"""A subscription says when it ends, so that what is over can be found by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the end of each subscription from its latest term. A switch for renewals comes with renewals."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("subscription", sa.Column("ends_at", sa.DateTime(timezone=True)), schema="orders")
    op.execute(
        "UPDATE orders.subscription s SET ends_at = "
        "(SELECT max(t.ends_at) FROM orders.subscription_term t WHERE t.subscription_id = s.id)"
    )
    op.alter_column("subscription", "ends_at", nullable=False, schema="orders")
    op.drop_column("subscription", "auto_renew", schema="orders")
    op.create_index(
        "ix_subscription_ends_at",
        "subscription",
        ["ends_at"],
        schema="orders",
        postgresql_where=sa.text("state = 'active'"),
    )


def downgrade() -> None:
    """Let the terms alone say it."""
    op.drop_index("ix_subscription_ends_at", "subscription", schema="orders")
    op.add_column(
        "subscription",
        sa.Column("auto_renew", sa.Boolean, nullable=False, server_default=sa.true()),
        schema="orders",
    )
    op.alter_column("subscription", "auto_renew", server_default=None, schema="orders")
    op.drop_column("subscription", "ends_at", schema="orders")
