"""Videos have captions, chapters, covers that their owners choose, and a moment at which they are to be published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ADDED = "publish_refused_params publish_refused_code publish_at cover_refused_code cover_request_id chapters captions".split()


def upgrade() -> None:
    """None for the videos there are."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _fill("captions", postgresql.JSONB, "'{}'::jsonb")
    _fill("chapters", postgresql.JSONB, "'[]'::jsonb")
    op.add_column("video", sa.Column("cover_request_id", sa.Uuid), schema="marketplace")
    op.add_column("video", sa.Column("cover_refused_code", sa.Text), schema="marketplace")
    op.add_column("video", sa.Column("publish_at", INSTANT), schema="marketplace")
    op.add_column("video", sa.Column("publish_refused_code", sa.Text), schema="marketplace")
    op.add_column("video", sa.Column("publish_refused_params", postgresql.JSONB), schema="marketplace")
    op.create_index(
        "ix_video_publish_at",
        "video",
        ["publish_at", "id"],
        schema="marketplace",
        postgresql_where=sa.text("publish_at IS NOT NULL"),
    )
    op.create_index(
        "ix_video_cover_request_id",
        "video",
        ["id"],
        schema="marketplace",
        postgresql_where=sa.text("cover_request_id IS NOT NULL"),
    )


def _fill(column: str, kind: sa.types.TypeEngine | type[sa.types.TypeEngine], value: str) -> None:
    op.add_column("video", sa.Column(column, kind, nullable=False, server_default=sa.text(value)), schema="marketplace")
    op.alter_column("video", column, server_default=None, schema="marketplace")


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_video_publish_at", table_name="video", schema="marketplace")
    op.drop_index("ix_video_cover_request_id", table_name="video", schema="marketplace")
    for column in ADDED:
        op.drop_column("video", column, schema="marketplace")
