"""What was watched and clicked in live rooms is counted by day as well, by session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0134"
down_revision = "0133"
branch_labels = None
depends_on = None

_TABLE = "marketplace.touchpoint_day"
_KEY = ["channel_org_id", "day", "video_id", "second", "placement_id", "share_link_id"]
_CARD = "(placement_id IS NULL) = (seller_org_id IS NULL)"


def upgrade() -> None:
    """What came in before the mark was passed over: it is counted here, for the next sweep begins behind it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("touchpoint_day", sa.Column("live_session_id", sa.Uuid), schema="marketplace")
    op.alter_column("touchpoint_day", "video_id", nullable=True, schema="marketplace")
    op.drop_constraint("ck_touchpoint_day_card", "touchpoint_day", schema="marketplace")
    place = {
        "place": "(video_id IS NULL) = (live_session_id IS NOT NULL)",
        "card": f"CASE WHEN live_session_id IS NULL THEN {_CARD} ELSE placement_id IS NULL AND seller_org_id IS NOT NULL END",
    }
    for name, rule in place.items():
        op.create_check_constraint(f"ck_touchpoint_day_{name}", "touchpoint_day", rule, schema="marketplace")
    _key_by([*_KEY, "live_session_id", "seller_org_id"])
    op.execute(
        f"""
        INSERT INTO {_TABLE} (channel_org_id, day, live_session_id, second, seller_org_id, share_link_id, sharer_org_id,
            impressions, views, card_clicks, shares, leads, watched_ms)
        SELECT t.channel_org_id, CAST(t.occurred_at AT TIME ZONE 'UTC' AS date), t.live_session_id, t.second_ms / 5000 * 5,
               i.seller_org_id, t.share_link_id, t.sharer_org_id, 0, count(*) FILTER (WHERE t.kind = 'view'),
               count(*) FILTER (WHERE t.kind = 'card_click'), 0, 0,
               CAST(coalesce(sum(t.watched_ms) FILTER (WHERE t.kind = 'view'), 0) AS bigint)
        FROM marketplace.touchpoint t JOIN marketplace.live_item i ON i.id = t.live_item_id
        WHERE t.live_item_id IS NOT NULL
          AND t.received_at < (SELECT read_until FROM kernel.event_cursor WHERE reader = 'touchpoint_days')
          AND (t.org_id IS NULL OR t.org_id NOT IN (SELECT test_org_id FROM marketplace.test_clock))
          AND t.channel_org_id NOT IN (SELECT test_org_id FROM marketplace.test_clock)
        GROUP BY 1, 2, 3, 4, 5, 6, 7
        """
    )


def downgrade() -> None:
    """What was counted of rooms can be counted again from the touchpoints."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(f"DELETE FROM {_TABLE} WHERE video_id IS NULL")
    for name in ("place", "card"):
        op.drop_constraint(f"ck_touchpoint_day_{name}", "touchpoint_day", schema="marketplace")
    op.create_check_constraint("ck_touchpoint_day_card", "touchpoint_day", _CARD, schema="marketplace")
    _key_by(_KEY)
    op.alter_column("touchpoint_day", "video_id", nullable=False, schema="marketplace")
    op.drop_column("touchpoint_day", "live_session_id", schema="marketplace")


def _key_by(columns: list[str]) -> None:
    op.drop_index("uq_touchpoint_day", "touchpoint_day", schema="marketplace")
    op.create_index(
        "uq_touchpoint_day",
        "touchpoint_day",
        columns,
        unique=True,
        schema="marketplace",
        postgresql_nulls_not_distinct=True,
    )
