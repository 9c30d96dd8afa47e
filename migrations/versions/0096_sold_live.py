"""Orders name the live session that sold them; a promotion may hold in one session alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0096"
down_revision = "0092"
branch_labels = None
depends_on = None

TABLES = ("attribution", "coupon")


def upgrade() -> None:
    """Nothing was sold in a session yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.add_column(table, sa.Column("live_session_id", sa.Uuid), schema="orders")
        op.create_foreign_key(
            f"fk_{table}_live_session_id",
            table,
            "live_session",
            ["live_session_id"],
            ["id"],
            source_schema="orders",
            referent_schema="marketplace",
        )
        op.create_index(
            f"ix_{table}_live_session_id",
            table,
            ["live_session_id"],
            schema="orders",
            postgresql_where=sa.text("live_session_id IS NOT NULL"),
        )
    op.create_check_constraint("ck_coupon_live", "coupon", "live_session_id IS NULL OR code IS NULL", schema="orders")


def downgrade() -> None:
    """What was sold live stays sold, at its price."""
    op.drop_constraint("ck_coupon_live", "coupon", schema="orders")
    for table in TABLES:
        op.drop_index(f"ix_{table}_live_session_id", table, schema="orders")
        op.drop_column(table, "live_session_id", schema="orders")
