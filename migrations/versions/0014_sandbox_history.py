"""A sandbox may have a past: how far it has been lived through."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table, of one row."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sandbox_history",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("steps", sa.BigInteger, nullable=False),
        sa.Column("steps_done", sa.BigInteger, nullable=False),
        sa.Column("heard_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_sandbox_history"),
        sa.CheckConstraint("id = 1", name="ck_sandbox_history_single"),
        sa.CheckConstraint("steps_done >= 0", name="ck_sandbox_history_forward"),
        schema="kernel",
    )
    ddl.grant("kernel.sandbox_history")


def downgrade() -> None:
    """Forget it; what was lived stays."""
    op.drop_table("sandbox_history", schema="kernel")
