"""Videos have captions, chapters, and covers that their owners choose."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None for the videos there are."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _fill("captions", postgresql.JSONB, "'{}'::jsonb")
    _fill("chapters", postgresql.JSONB, "'[]'::jsonb")
    op.add_column("video", sa.Column("cover_request_id", sa.Uuid), schema="marketplace")
    op.add_column("video", sa.Column("cover_refused_code", sa.Text), schema="marketplace")
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
    op.drop_index("ix_video_cover_request_id", table_name="video", schema="marketplace")
    for column in ("cover_refused_code", "cover_request_id", "chapters", "captions"):
        op.drop_column("video", column, schema="marketplace")
