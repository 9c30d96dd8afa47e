"""How often signing in was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; only the platform's own work sees it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sign_in_count",
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_count"),
        sa.CheckConstraint("attempts >= 0", name="ck_sign_in_count_attempts"),
        sa.Index("ix_sign_in_count_since_at", "since_at"),
        schema="marketplace",
    )
    ddl.grant("marketplace.sign_in_count")
    op.execute("ALTER TABLE marketplace.sign_in_count ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.sign_in_count FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON marketplace.sign_in_count USING (kernel.is_platform())")


def downgrade() -> None:
    """Forget the counts."""
    op.drop_table("sign_in_count", schema="marketplace")
