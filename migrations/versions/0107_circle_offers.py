"""Orders name the circle that they were bought through; a promotion may hold for a circle's members alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0107"
down_revision = "0106"
branch_labels = None
depends_on = None

INDEXED = {"attribution": ["circle_id"], "coupon": ["circle_id", "created_at", "id"]}


def upgrade() -> None:
    """Nothing was offered to a circle yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, columns in INDEXED.items():
        op.add_column(table, sa.Column("circle_id", sa.Uuid), schema="orders")
        op.create_foreign_key(
            f"fk_{table}_circle_id",
            table,
            "circle",
            ["circle_id"],
            ["org_id"],
            source_schema="orders",
            referent_schema="marketplace",
        )
        op.create_index(
            f"ix_{table}_circle_id", table, columns, schema="orders", postgresql_where=sa.text("circle_id IS NOT NULL")
        )
    op.create_check_constraint(
        "ck_coupon_circle", "coupon", "circle_id IS NULL OR (code IS NULL AND live_session_id IS NULL)", schema="orders"
    )


def downgrade() -> None:
    """What was bought through a circle stays bought, at its price."""
    op.drop_constraint("ck_coupon_circle", "coupon", schema="orders")
    for table in INDEXED:
        op.drop_index(f"ix_{table}_circle_id", table, schema="orders")
        op.drop_column(table, "circle_id", schema="orders")
