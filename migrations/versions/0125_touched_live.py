"""A touchpoint is in a live room in place of a video: what is bought after leaving it is attributed to it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0125"
down_revision = "0124"
branch_labels = None
depends_on = None

_TABLE = "marketplace.touchpoint"
_CHECKS = {
    "place": "(video_id IS NULL) = (live_session_id IS NOT NULL) AND (live_session_id IS NULL) = (live_item_id IS NULL)",
    "live": "live_item_id IS NULL OR kind IN ('view', 'card_click')",
}


def upgrade() -> None:
    """All there are, are of videos."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in ("live_session_id", "live_item_id"):
        op.add_column("touchpoint", sa.Column(column, sa.Uuid), schema="marketplace")
    op.alter_column("touchpoint", "video_id", nullable=True, schema="marketplace")
    for name, rule in _CHECKS.items():
        op.create_check_constraint(f"ck_touchpoint_{name}", "touchpoint", rule, schema="marketplace")
    op.create_index(
        "ix_touchpoint_live",
        "touchpoint",
        ["org_id", "occurred_at"],
        schema="marketplace",
        postgresql_where=sa.text("live_item_id IS NOT NULL"),
    )


def downgrade() -> None:
    """What was seen in rooms is forgotten; what was attributed by it stays."""
    op.drop_index("ix_touchpoint_live", "touchpoint", schema="marketplace")
    for name in _CHECKS:
        op.drop_constraint(f"ck_touchpoint_{name}", "touchpoint", schema="marketplace")
    # Nobody deletes one, the owner included, by its trigger and by its row level security.
    for way in ("DISABLE TRIGGER USER", "NO FORCE ROW LEVEL SECURITY"):
        op.execute(f"ALTER TABLE {_TABLE} {way}")
    op.execute(f"DELETE FROM {_TABLE} WHERE video_id IS NULL")
    for way in ("FORCE ROW LEVEL SECURITY", "ENABLE TRIGGER USER"):
        op.execute(f"ALTER TABLE {_TABLE} {way}")
    op.alter_column("touchpoint", "video_id", nullable=False, schema="marketplace")
    for column in ("live_item_id", "live_session_id"):
        op.drop_column("touchpoint", column, schema="marketplace")
