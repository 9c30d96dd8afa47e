"""Cards that sell nothing: apply, download, learn, register; who answered, and how often they were seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
VIDEO = ["marketplace.video.org_id", "marketplace.video.id"]
CARD = ["marketplace.response_card.org_id", "marketplace.response_card.id"]
ERASED = (
    "(erased_at IS NULL) = (email_key IS NOT NULL) AND (erased_at IS NULL OR (name = '' AND email = '' "
    "AND phone = '' AND company = '' AND message = '' AND note = '' AND person_id IS NULL))"
)


def upgrade() -> None:
    """Three tables, and what the player shows of them in the video's own row."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "video",
        sa.Column("response_cards", postgresql.JSONB, nullable=False, server_default="[]"),
        schema="marketplace",
    )
    _card()
    _response()
    _day()
    for table in ("response_card", "card_response", "card_day"):
        ddl.grant(f"marketplace.{table}")
        ddl.isolate(f"marketplace.{table}", "org_id")
    ddl.leave_room("marketplace.card_day")


def _card() -> None:
    op.create_table(
        "response_card",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "video_id")),
        sa.Column("kind", sa.Text, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("start_ms", "end_ms")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("title", "title_en", "text", "text_en")),
        sa.Column("fields", postgresql.JSONB, nullable=False),
        sa.Column("places", sa.BigInteger),
        sa.Column("closes_at", INSTANT),
        sa.Column("retention_days", sa.BigInteger, nullable=False),
        sa.Column("learn_video_id", sa.Uuid),
        *(sa.Column(name, sa.Text) for name in ("file_key", "file_name", "file_type")),
        sa.Column("file_bytes", sa.BigInteger),
        sa.Column("file_sha256", sa.Text),
        sa.Column("removed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_response_card"),
        sa.UniqueConstraint("org_id", "id", name="uq_response_card_org_id_id"),
        sa.ForeignKeyConstraint(["org_id", "video_id"], VIDEO, name="fk_response_card_org_id_video_id"),
        sa.ForeignKeyConstraint(["org_id", "learn_video_id"], VIDEO, name="fk_response_card_org_id_learn_video_id"),
        sa.CheckConstraint("kind IN ('apply', 'download', 'learn', 'register')", name="ck_response_card_kind"),
        sa.CheckConstraint("start_ms >= 0 AND end_ms > start_ms", name="ck_response_card_range"),
        sa.CheckConstraint("places >= 1", name="ck_response_card_places"),
        sa.CheckConstraint("retention_days BETWEEN 1 AND 1095", name="ck_response_card_retention"),
        sa.CheckConstraint("kind = 'download' OR file_key IS NULL", name="ck_response_card_file"),
        sa.CheckConstraint("(kind = 'learn') = (learn_video_id IS NOT NULL)", name="ck_response_card_learn"),
        sa.Index("ix_response_card_org_id_video_id", "org_id", "video_id", "start_ms"),
        sa.Index(
            "ix_response_card_org_id_learn_video_id",
            "org_id",
            "learn_video_id",
            postgresql_where=sa.text("learn_video_id IS NOT NULL"),
        ),
        schema="marketplace",
    )


def _response() -> None:
    said = ("name", "email", "phone", "company", "message", "note", "consent_version", "consent_text", "state")
    op.create_table(
        "card_response",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "card_id")),
        sa.Column("person_id", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in said),
        sa.Column("email_key", sa.Text),
        sa.Column("second_ms", sa.BigInteger, nullable=False),
        *(sa.Column(name, INSTANT, nullable=False) for name in ("consented_at", "erase_at", "created_at")),
        sa.Column("erased_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_card_response"),
        sa.UniqueConstraint("org_id", "id", name="uq_card_response_org_id_id"),
        sa.UniqueConstraint("card_id", "email_key", name="uq_card_response_card_id_email_key"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_card_response_person_id"),
        sa.ForeignKeyConstraint(["org_id", "card_id"], CARD, name="fk_card_response_org_id_card_id"),
        sa.CheckConstraint("state IN ('new', 'working', 'done', 'declined')", name="ck_card_response_state"),
        sa.CheckConstraint("second_ms >= 0", name="ck_card_response_second"),
        sa.CheckConstraint(ERASED, name="ck_card_response_erased"),
        sa.Index("ix_card_response_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_card_response_org_id_card_id", "org_id", "card_id", "created_at", "id"),
        sa.Index("ix_card_response_person_id", "person_id", postgresql_where=sa.text("person_id IS NOT NULL")),
        sa.Index("ix_card_response_erase_at", "erase_at", postgresql_where=sa.text("erased_at IS NULL")),
        schema="marketplace",
    )


def _day() -> None:
    op.create_table(
        "card_day",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "card_id")),
        sa.Column("day", sa.Date, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("impressions", "clicks")),
        sa.PrimaryKeyConstraint("id", name="pk_card_day"),
        sa.UniqueConstraint("card_id", "day", name="uq_card_day_card_id_day"),
        sa.ForeignKeyConstraint(["org_id", "card_id"], CARD, name="fk_card_day_org_id_card_id"),
        sa.CheckConstraint("impressions >= 0 AND clicks >= 0", name="ck_card_day_not_negative"),
        sa.Index("ix_card_day_org_id_card_id", "org_id", "card_id"),
        schema="marketplace",
    )


def downgrade() -> None:
    """Answers, and what was asked, are forgotten."""
    op.execute("DELETE FROM marketplace.notification WHERE kind = 'card_answered'")
    for table in ("card_day", "card_response", "response_card"):
        op.drop_table(table, schema="marketplace")
    op.drop_column("video", "response_cards", schema="marketplace")
