"""Internal training: videos that members are to watch by a day, and what they really watched."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0102"
down_revision = "0100"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("training", "training_video", "training_member", "watched_video")


def upgrade() -> None:
    """Four tables of the organization whose members watch."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _training()
    _video()
    _member()
    _watched()
    for table in TABLES:
        ddl.grant(f"marketplace.{table}")
        ddl.isolate(f"marketplace.{table}", "org_id")
    ddl.leave_room("marketplace.watched_video")


def _ids(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", *names)]


def _key(table: str, columns: list[str], target: str, named: list[str]) -> sa.ForeignKeyConstraint:
    target_columns = [f"marketplace.{target}.{one}" for one in named]
    return sa.ForeignKeyConstraint(columns, target_columns, name=f"fk_{table}_{'_'.join(columns)}")


def _training() -> None:
    op.create_table(
        "training",
        *_ids("created_by"),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("title", "title_en")),
        sa.Column("due_on", sa.Date, nullable=False),
        sa.Column("reminded_days", sa.BigInteger),
        sa.Column("ended_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_training"),
        sa.UniqueConstraint("org_id", "id", name="uq_training_org_id_id"),
        _key("training", ["org_id"], "organization", ["id"]),
        _key("training", ["created_by"], "person", ["id"]),
        sa.Index("ix_training_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_training_created_by", "created_by"),
        sa.Index("ix_training_open", "due_on", "id", postgresql_where=sa.text("ended_at IS NULL")),
        schema="marketplace",
    )


def _video() -> None:
    op.create_table(
        "training_video",
        *_ids("training_id", "video_id"),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_training_video"),
        sa.UniqueConstraint("training_id", "video_id", name="uq_training_video_training_id_video_id"),
        _key("training_video", ["org_id", "training_id"], "training", ["org_id", "id"]),
        _key("training_video", ["video_id"], "video", ["id"]),
        sa.Index("ix_training_video_org_id_training_id", "org_id", "training_id", "number"),
        sa.Index("ix_training_video_video_id", "video_id"),
        schema="marketplace",
    )


def _member() -> None:
    op.create_table(
        "training_member",
        *_ids("training_id", "person_id"),
        sa.Column("completed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_training_member"),
        sa.UniqueConstraint("training_id", "person_id", name="uq_training_member_training_id_person_id"),
        _key("training_member", ["org_id", "training_id"], "training", ["org_id", "id"]),
        _key("training_member", ["person_id"], "person", ["id"]),
        sa.Index("ix_training_member_org_id_training_id", "org_id", "training_id"),
        sa.Index("ix_training_member_person_id", "person_id"),
        schema="marketplace",
    )


def _watched() -> None:
    op.create_table(
        "watched_video",
        *_ids("person_id", "video_id"),
        sa.Column("spans", postgresql.JSONB, nullable=False),
        sa.Column("watched_ms", sa.BigInteger, nullable=False),
        sa.Column("completed_at", INSTANT),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("reported_at", "created_at")),
        sa.PrimaryKeyConstraint("id", name="pk_watched_video"),
        sa.UniqueConstraint("org_id", "person_id", "video_id", name="uq_watched_video_org_id_person_id_video_id"),
        _key("watched_video", ["org_id"], "organization", ["id"]),
        _key("watched_video", ["person_id"], "person", ["id"]),
        _key("watched_video", ["video_id"], "video", ["id"]),
        sa.CheckConstraint("watched_ms >= 0", name="ck_watched_video_not_negative"),
        sa.Index("ix_watched_video_person_id", "person_id"),
        sa.Index("ix_watched_video_video_id", "video_id"),
        schema="marketplace",
    )


def downgrade() -> None:
    """What was watched is forgotten."""
    op.execute("DELETE FROM marketplace.notification WHERE kind LIKE 'training_%'")
    for table in reversed(TABLES):
        op.drop_table(table, schema="marketplace")
