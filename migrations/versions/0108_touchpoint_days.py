"""Touchpoints by day: how often a video was seen, clicked and passed on, by card, share link and five seconds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0108"
down_revision = "0107"
branch_labels = None
depends_on = None

COUNTS = ("impressions", "views", "card_clicks", "shares", "leads", "watched_ms")


def upgrade() -> None:
    """Touchpoints that are there are counted by the first sweep, step by step."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_touchpoint_received_at", "touchpoint", ["received_at"], schema="marketplace")
    op.create_table(
        "touchpoint_day",
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("channel_org_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("second", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Uuid) for name in ("placement_id", "seller_org_id", "share_link_id", "sharer_org_id")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
        sa.PrimaryKeyConstraint("id", name="pk_touchpoint_day"),
        sa.CheckConstraint("second >= 0 AND second % 5 = 0", name="ck_touchpoint_day_second"),
        sa.CheckConstraint(f"least({', '.join(COUNTS)}) >= 0", name="ck_touchpoint_day_counts"),
        sa.CheckConstraint("(placement_id IS NULL) = (seller_org_id IS NULL)", name="ck_touchpoint_day_card"),
        sa.CheckConstraint("(share_link_id IS NULL) = (sharer_org_id IS NULL)", name="ck_touchpoint_day_sharer"),
        sa.Index(
            "uq_touchpoint_day",
            *("channel_org_id", "day", "video_id", "second", "placement_id", "share_link_id"),
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
        sa.Index(
            "ix_touchpoint_day_seller_org_id_day",
            *("seller_org_id", "day"),
            postgresql_where=sa.text("seller_org_id IS NOT NULL"),
        ),
        sa.Index("ix_touchpoint_day_channel_org_id_video_id_day", "channel_org_id", "video_id", "day"),
        schema="marketplace",
    )
    ddl.grant("marketplace.touchpoint_day")
    ddl.isolate("marketplace.touchpoint_day", "channel_org_id", "seller_org_id")
    ddl.leave_room("marketplace.touchpoint_day")


def downgrade() -> None:
    """What was counted can be counted again from the touchpoints."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM kernel.event_cursor WHERE reader = 'touchpoint_days'")
    op.drop_table("touchpoint_day", schema="marketplace")
    op.drop_index("ix_touchpoint_received_at", "touchpoint", schema="marketplace")
