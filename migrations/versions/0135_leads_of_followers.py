"""A lead may come of following its seller's channel."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0135"
down_revision = "0134"
branch_labels = None
depends_on = None

_CHANNEL = ["seller_org_id", "channel_id"]


def upgrade() -> None:
    """Those that are there do not."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("lead", sa.Column("channel_id", sa.Uuid), schema="marketplace")
    op.create_foreign_key(
        "fk_lead_seller_org_id_channel_id",
        "lead",
        "channel",
        _CHANNEL,
        ["org_id", "id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_index(
        "uq_lead_of_follow",
        "lead",
        ["buyer_org_id", "channel_id"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("channel_id IS NOT NULL AND state IN ('new', 'working', 'answered')"),
    )
    op.create_index(
        "ix_lead_seller_org_id_channel_id",
        "lead",
        _CHANNEL,
        schema="marketplace",
        postgresql_where=sa.text("channel_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Forget of which channel they came."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_lead_seller_org_id_channel_id", "lead", schema="marketplace")
    op.drop_index("uq_lead_of_follow", "lead", schema="marketplace")
    op.drop_constraint("fk_lead_seller_org_id_channel_id", "lead", schema="marketplace")
    op.drop_column("lead", "channel_id", schema="marketplace")
