"""Addresses that take no mail are marked, until one is taken again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table of the platform's own."""
    op.create_table(
        "bouncing_address",
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("refusals", sa.BigInteger, nullable=False),
        sa.Column("since_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("email", name="pk_bouncing_address"),
        sa.CheckConstraint(
            "reason IN ('address_unknown', 'mailbox_full', 'mailbox_off', 'against_policy', 'mail_refused')",
            name="ck_bouncing_address_reason",
        ),
        sa.CheckConstraint("refusals > 0", name="ck_bouncing_address_refusals"),
        sa.Index("ix_bouncing_address_last_at", "last_at"),
        schema="marketplace",
    )
    ddl.grant("marketplace.bouncing_address")
    op.execute("ALTER TABLE marketplace.bouncing_address ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE marketplace.bouncing_address FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY platform ON marketplace.bouncing_address USING (kernel.is_platform())")


def downgrade() -> None:
    """Forget it."""
    op.drop_table("bouncing_address", schema="marketplace")
