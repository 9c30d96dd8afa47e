"""Files of videos may arrive in pieces."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Uploads that may go on where they stopped."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _media_upload()


def _media_upload() -> None:
    op.create_table(
        "media_upload",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("metadata_header", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("received_bytes", sa.BigInteger, nullable=False),
        sa.Column("parts", postgresql.JSONB, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("completed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media_upload"),
        sa.ForeignKeyConstraint(
            ["org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_media_upload_org_id_video_id",
        ),
        sa.CheckConstraint(
            "size_bytes > 0 AND received_bytes BETWEEN 0 AND size_bytes", name="ck_media_upload_received"
        ),
        sa.CheckConstraint("(completed_at IS NULL) = (received_bytes < size_bytes)", name="ck_media_upload_completed"),
        sa.Index("ix_media_upload_org_id_video_id", "org_id", "video_id"),
        sa.Index(
            "uq_media_upload_open",
            "org_id",
            "video_id",
            unique=True,
            postgresql_where=sa.text("completed_at IS NULL"),
        ),
        sa.Index("ix_media_upload_expires_at", "expires_at"),
        schema="marketplace",
    )
    ddl.grant("marketplace.media_upload")
    ddl.isolate("marketplace.media_upload", "org_id")
    ddl.leave_room("marketplace.media_upload")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("media_upload", schema="marketplace")
