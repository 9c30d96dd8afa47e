"""Files of videos may arrive in pieces; people like videos and comment on them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Uploads that may go on where they stopped, likes, comments and reports of them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _media_upload()
    _video_like()
    _comment()
    _comment_report()


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


def _video_like() -> None:
    op.create_table(
        "video_like",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_video_like"),
        sa.UniqueConstraint("org_id", "person_id", "video_id", name="uq_video_like_org_id_person_id_video_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_video_like_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_video_like_person_id"),
        sa.ForeignKeyConstraint(["video_id"], ["marketplace.video.id"], name="fk_video_like_video_id"),
        sa.Index("ix_video_like_person_id", "person_id"),
        sa.Index("ix_video_like_video_id", "video_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.video_like")
    ddl.isolate("marketplace.video_like", "org_id")
    # How many is everybody's to know, who is not: the rows stay with their organization.
    op.execute("""
        CREATE FUNCTION marketplace.count_likes(asked uuid[]) RETURNS TABLE(video_id uuid, likes bigint)
        LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true);
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            RETURN QUERY SELECT l.video_id, count(*) FROM marketplace.video_like l
                WHERE l.video_id = ANY(asked) GROUP BY l.video_id;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
        END $$""")


def _comment() -> None:
    op.create_table(
        "comment",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("channel_org_id", sa.Uuid, nullable=False),
        sa.Column("person_name", sa.Text, nullable=False),
        sa.Column("org_name", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_comment_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_comment_person_id"),
        sa.ForeignKeyConstraint(
            ["channel_org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_comment_channel_org_id_video_id",
        ),
        sa.CheckConstraint("state IN ('shown', 'hidden', 'removed')", name="ck_comment_state"),
        sa.Index("ix_comment_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        sa.Index("ix_comment_person_id", "person_id"),
        sa.Index("ix_comment_channel_org_id_video_id", "channel_org_id", "video_id"),
        sa.Index("ix_comment_video_id_created_at", "video_id", "created_at", "id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.comment")
    # Asked under row level security itself: a video one may not see shows no comments either.
    seen = "state = 'shown' AND EXISTS (SELECT 1 FROM marketplace.video v WHERE v.id = video_id)"
    ddl.isolate("marketplace.comment", "org_id", "channel_org_id", also_read=seen)


def _comment_report() -> None:
    op.create_table(
        "comment_report",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("comment_id", sa.Uuid, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comment_report"),
        sa.UniqueConstraint("org_id", "person_id", "comment_id", name="uq_comment_report_org_id_person_id_comment_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_comment_report_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_comment_report_person_id"),
        sa.ForeignKeyConstraint(["comment_id"], ["marketplace.comment.id"], name="fk_comment_report_comment_id"),
        sa.Index("ix_comment_report_person_id", "person_id"),
        sa.Index("ix_comment_report_comment_id", "comment_id"),
        sa.Index("ix_comment_report_open", "created_at", postgresql_where=sa.text("decided_at IS NULL")),
        schema="marketplace",
    )
    ddl.grant("marketplace.comment_report")
    ddl.isolate("marketplace.comment_report", "org_id")


def downgrade() -> None:
    """Forget them."""
    op.drop_table("comment_report", schema="marketplace")
    op.drop_table("comment", schema="marketplace")
    op.execute("DROP FUNCTION marketplace.count_likes(uuid[])")
    op.drop_table("video_like", schema="marketplace")
    op.drop_table("media_upload", schema="marketplace")
