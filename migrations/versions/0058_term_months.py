"""How long a subscription's terms are, which another plan may change: of its latest paid term."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """As what the latest term that stands was bought for, or what began the subscription."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("subscription", sa.Column("term_months", sa.BigInteger), schema="orders")
    op.execute(
        """UPDATE orders.subscription s SET term_months = coalesce(
               (SELECT l.term_months FROM orders.subscription_term t JOIN orders.order_line l ON l.id = t.order_line_id
                WHERE t.subscription_id = s.id AND t.revoked_at IS NULL ORDER BY t.number DESC LIMIT 1),
               (SELECT l.term_months FROM orders.order_line l WHERE l.id = s.order_line_id))"""
    )
    op.alter_column("subscription", "term_months", nullable=False, schema="orders")


def downgrade() -> None:
    """What began the subscription says it again."""
    op.drop_column("subscription", "term_months", schema="orders")
