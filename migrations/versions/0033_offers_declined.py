"""A buyer declines an offer, and may say why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

STATES = "'open', 'accepted', 'withdrawn'"
REASONS = "'price', 'scope', 'timing', 'budget', 'other_supplier', 'other'"


def upgrade() -> None:
    """What stands in an offer is not declined."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("offer", sa.Column("decline_reason", sa.Text), schema="orders")
    op.add_column("offer", sa.Column("decline_text", sa.Text, nullable=False, server_default=""), schema="orders")
    op.alter_column("offer", "decline_text", server_default=None, schema="orders")
    op.drop_constraint("ck_offer_state", "offer", schema="orders")
    for name, rule in (
        ("state", f"state IN ({STATES}, 'declined')"),
        ("decline_reason", f"decline_reason IN ({REASONS})"),
        ("declined", "state = 'declined' OR (decline_reason IS NULL AND decline_text = '')"),
    ):
        op.create_check_constraint(f"ck_offer_{name}", "offer", rule, schema="orders")


def downgrade() -> None:
    """A declined offer was as good as withdrawn; the reasons are forgotten."""
    for name in ("declined", "decline_reason", "state"):
        op.drop_constraint(f"ck_offer_{name}", "offer", schema="orders")
    for name in ("decline_text", "decline_reason"):
        op.drop_column("offer", name, schema="orders")
    op.execute("UPDATE orders.offer SET state = 'withdrawn' WHERE state = 'declined'")
    op.create_check_constraint("ck_offer_state", "offer", f"state IN ({STATES})", schema="orders")
