"""Service windows: a thread of each two organizations, how far each person has read it, and a seller's hours of service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOTH = ("buyer_org_id", "seller_org_id")


def upgrade() -> None:
    """Four tables. A seller's hours are read by whoever waits for it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _window()
    _conversation()
    _message()
    _reading()


def _window() -> None:
    op.create_table(
        "service_window",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("weekdays", JSONB, nullable=False),
        sa.Column("from_minute", sa.BigInteger, nullable=False),
        sa.Column("to_minute", sa.BigInteger, nullable=False),
        sa.Column("days_off", JSONB, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answer_en", sa.Text, nullable=False),
        sa.Column("saved_by", sa.Uuid, nullable=False),
        sa.Column("saved_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_service_window"),
        sa.UniqueConstraint("org_id", name="uq_service_window_org_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_service_window_org_id"),
        sa.ForeignKeyConstraint(["saved_by"], ["marketplace.person.id"], name="fk_service_window_saved_by"),
        sa.CheckConstraint(
            "0 <= from_minute AND from_minute < to_minute AND to_minute <= 1440", name="ck_service_window_hours"
        ),
        sa.CheckConstraint("jsonb_array_length(weekdays) BETWEEN 1 AND 7", name="ck_service_window_weekdays"),
        sa.CheckConstraint("jsonb_array_length(days_off) <= 60", name="ck_service_window_days_off"),
        sa.Index("ix_service_window_saved_by", "saved_by"),
        schema="marketplace",
    )
    ddl.grant("marketplace.service_window")
    ddl.isolate("marketplace.service_window", "org_id", also_read="true")


def _conversation() -> None:
    op.create_table(
        "conversation",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *BOTH)),
        sa.Column("buyer_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("assigned_to", sa.Uuid),
        sa.Column("assigned_name", sa.Text),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("answered_by_itself_at", INSTANT),
        sa.Column("muted_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.UniqueConstraint(*BOTH, name="uq_conversation_buyer_org_id_seller_org_id"),
        sa.UniqueConstraint(*BOTH, "id", name="uq_conversation_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint([column], ["marketplace.organization.id"], name=f"fk_conversation_{column}")
            for column in BOTH
        ),
        sa.ForeignKeyConstraint(["assigned_to"], ["marketplace.person.id"], name="fk_conversation_assigned_to"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="ck_conversation_state"),
        sa.CheckConstraint("buyer_org_id <> seller_org_id", name="ck_conversation_of_another"),
        sa.CheckConstraint("(assigned_to IS NULL) = (assigned_name IS NULL)", name="ck_conversation_assigned"),
        sa.CheckConstraint("last_number >= 0", name="ck_conversation_last_number"),
        sa.Index("ix_conversation_buyer_org_id_last_at", "buyer_org_id", "last_at", "id"),
        sa.Index("ix_conversation_seller_org_id_last_at", "seller_org_id", "last_at", "id"),
        sa.Index("ix_conversation_seller_org_id_assigned_to", "seller_org_id", "assigned_to", "last_at", "id"),
        sa.Index("ix_conversation_assigned_to", "assigned_to"),
        schema="orders",
    )
    ddl.grant("orders.conversation")
    ddl.isolate("orders.conversation", *BOTH)
    ddl.leave_room("orders.conversation")


def _message() -> None:
    op.create_table(
        "conversation_message",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "conversation_id", *BOTH)),
        sa.Column("number", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("side", "kind")),
        sa.Column("person_id", sa.Uuid),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("text_en", sa.Text),
        sa.Column("assigned_to", sa.Uuid),
        sa.Column("order_id", sa.Uuid),
        *(sa.Column(name, sa.Text) for name in ("file_key", "file_name", "media_type")),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversation_message"),
        sa.UniqueConstraint("conversation_id", "number", name="uq_conversation_message_conversation_id_number"),
        *(
            sa.ForeignKeyConstraint(
                [*BOTH, column],
                [f"{table}.{key}" for key in (*BOTH, "id")],
                name=name,
            )
            for column, table, name in (
                ("conversation_id", "orders.conversation", "fk_conversation_message_conversation_id"),
                ("order_id", "orders.order", "fk_conversation_message_buyer_org_id_seller_org_id_order_id"),
            )
        ),
        *(
            sa.ForeignKeyConstraint([column], ["marketplace.person.id"], name=f"fk_conversation_message_{column}")
            for column in ("person_id", "assigned_to")
        ),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_conversation_message_side"),
        sa.CheckConstraint("kind IN ('written', 'automatic', 'handover')", name="ck_conversation_message_kind"),
        sa.CheckConstraint("number >= 1", name="ck_conversation_message_number"),
        sa.CheckConstraint("(person_id IS NULL) = (kind = 'automatic')", name="ck_conversation_message_author"),
        sa.CheckConstraint(
            "(text_en IS NOT NULL) = (kind = 'automatic')", name="ck_conversation_message_in_both_languages"
        ),
        sa.CheckConstraint(
            "text <> '' OR file_key IS NOT NULL OR order_id IS NOT NULL OR kind <> 'written'",
            name="ck_conversation_message_not_empty",
        ),
        sa.CheckConstraint(
            "num_nulls(file_key, file_name, media_type, size_bytes, sha256) IN (0, 5)",
            name="ck_conversation_message_file",
        ),
        sa.Index("ix_conversation_message_buyer_org_id", *BOTH, "conversation_id"),
        sa.Index("ix_conversation_message_seller_org_id", "seller_org_id", "conversation_id"),
        *(sa.Index(f"ix_conversation_message_{column}", column) for column in ("person_id", "assigned_to", "order_id")),
        schema="orders",
    )
    ddl.isolate("orders.conversation_message", *BOTH)
    ddl.append_only("orders.conversation_message")


def _reading() -> None:
    op.create_table(
        "conversation_reading",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "conversation_id", "org_id", "person_id")),
        sa.Column("read_number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversation_reading"),
        sa.UniqueConstraint(
            "conversation_id", "org_id", "person_id", name="uq_conversation_reading_conversation_id_org_id_person_id"
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["orders.conversation.id"], name="fk_conversation_reading_conversation_id"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_conversation_reading_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_conversation_reading_person_id"),
        sa.CheckConstraint("read_number >= 0", name="ck_conversation_reading_read_number"),
        sa.Index("ix_conversation_reading_org_id", "org_id", "person_id", "conversation_id"),
        sa.Index("ix_conversation_reading_person_id", "person_id"),
        schema="orders",
    )
    ddl.grant("orders.conversation_reading")
    ddl.isolate("orders.conversation_reading", "org_id")
    ddl.leave_room("orders.conversation_reading")


def downgrade() -> None:
    """Forget what was said, and the hours."""
    for table in ("conversation_reading", "conversation_message", "conversation"):
        op.drop_table(table, schema="orders")
    op.drop_table("service_window", schema="marketplace")
