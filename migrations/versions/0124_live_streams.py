"""A live session shows a stream in place of a film; the recording that is named afterwards is its replay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0124"
down_revision = "0123"
branch_labels = None
depends_on = None

_TABLE = "marketplace.live_session"
_CHECKS = {
    "shows": "video_id IS NOT NULL OR stream_url IS NOT NULL",
    "stream": "(stream_url IS NULL) = (stream_ms IS NULL) AND stream_ms > 0",
    "recorded": "stream_url IS NULL OR video_id IS NULL OR state = 'ended'",
}


def upgrade() -> None:
    """There are no streams yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("live_session", sa.Column("stream_url", sa.Text), schema="marketplace")
    op.add_column("live_session", sa.Column("stream_ms", sa.BigInteger), schema="marketplace")
    op.alter_column("live_session", "video_id", nullable=True, schema="marketplace")
    for name, rule in _CHECKS.items():
        op.create_check_constraint(f"ck_live_session_{name}", "live_session", rule, schema="marketplace")


def downgrade() -> None:
    """A stream without a recording gets the latest film of its channel; a channel without any needs one before."""
    for name in _CHECKS:
        op.drop_constraint(f"ck_live_session_{name}", "live_session", schema="marketplace")
    op.execute(
        f"""UPDATE {_TABLE} s SET video_id = (
            SELECT v.id FROM marketplace.video v WHERE v.channel_id = s.channel_id ORDER BY v.created_at DESC, v.id DESC LIMIT 1)
        WHERE s.video_id IS NULL"""
    )
    op.alter_column("live_session", "video_id", nullable=False, schema="marketplace")
    for column in ("stream_ms", "stream_url"):
        op.drop_column("live_session", column, schema="marketplace")
