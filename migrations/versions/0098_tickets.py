"""Support tickets: what an order needs help with, what both sides wrote, and the clock of the first answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0098"
down_revision = "0096"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BOTH = ("buyer_org_id", "seller_org_id")


def upgrade() -> None:
    """Two tables."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _ticket()
    _message()


def _ticket() -> None:
    op.create_table(
        "ticket",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *BOTH, "order_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("subject", "severity", "state")),
        sa.Column("opened_by", sa.Uuid, nullable=False),
        sa.Column("first_due_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("first_answered_at", "due_at", "breached_at", "escalated_at")),
        sa.Column("last_number", sa.BigInteger, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("rating", sa.BigInteger),
        sa.Column("rating_text", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sa.UniqueConstraint(*BOTH, "id", name="uq_ticket_buyer_org_id_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            [*BOTH, "order_id"],
            [f"orders.order.{key}" for key in (*BOTH, "id")],
            name="fk_ticket_buyer_org_id_seller_org_id_order_id",
        ),
        sa.ForeignKeyConstraint(["opened_by"], ["marketplace.person.id"], name="fk_ticket_opened_by"),
        *(
            sa.CheckConstraint(rule, name=f"ck_ticket_{name}")
            for name, rule in (
                ("severity", "severity IN ('low', 'normal', 'high', 'critical')"),
                ("state", "state IN ('open', 'waiting_seller', 'waiting_buyer', 'resolved', 'closed')"),
                ("open_unanswered", "state <> 'open' OR first_answered_at IS NULL"),
                ("first_due", "first_due_at >= created_at"),
                ("breached", "breached_at >= first_due_at"),
                ("escalated", "escalated_at IS NULL OR breached_at IS NOT NULL"),
                ("rating", "rating BETWEEN 1 AND 5"),
                ("rated", "(rating IS NULL OR state = 'closed') AND (rating IS NOT NULL OR rating_text = '')"),
                ("last_number", "last_number >= 1"),
            )
        ),
        sa.Index("ix_ticket_buyer_org_id_last_at", "buyer_org_id", "last_at", "id"),
        sa.Index("ix_ticket_seller_org_id_last_at", "seller_org_id", "last_at", "id"),
        sa.Index("ix_ticket_due_at", "due_at", postgresql_where=sa.text("due_at IS NOT NULL")),
        sa.Index("ix_ticket_escalated_at", "escalated_at", "id", postgresql_where=sa.text("escalated_at IS NOT NULL")),
        sa.Index("ix_ticket_order_id", "order_id"),
        sa.Index("ix_ticket_opened_by", "opened_by"),
        schema="orders",
    )
    ddl.grant("orders.ticket")
    ddl.isolate("orders.ticket", *BOTH)
    ddl.leave_room("orders.ticket")


def _message() -> None:
    op.create_table(
        "ticket_message",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "ticket_id", *BOTH)),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("person_id", sa.Uuid, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("file_key", "file_name", "media_type")),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.Text),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_message"),
        sa.UniqueConstraint("ticket_id", "number", name="uq_ticket_message_ticket_id_number"),
        sa.ForeignKeyConstraint(
            [*BOTH, "ticket_id"],
            [f"orders.ticket.{key}" for key in (*BOTH, "id")],
            name="fk_ticket_message_ticket_id",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_ticket_message_person_id"),
        sa.CheckConstraint("side IN ('buyer', 'seller')", name="ck_ticket_message_side"),
        sa.CheckConstraint("number >= 1", name="ck_ticket_message_number"),
        sa.CheckConstraint("text <> '' OR file_key IS NOT NULL", name="ck_ticket_message_not_empty"),
        sa.CheckConstraint(
            "num_nulls(file_key, file_name, media_type, size_bytes, sha256) IN (0, 5)", name="ck_ticket_message_file"
        ),
        sa.Index("ix_ticket_message_buyer_org_id", *BOTH, "ticket_id"),
        sa.Index("ix_ticket_message_seller_org_id", "seller_org_id", "ticket_id"),
        sa.Index("ix_ticket_message_person_id", "person_id"),
        schema="orders",
    )
    ddl.isolate("orders.ticket_message", *BOTH)
    ddl.append_only("orders.ticket_message")


def downgrade() -> None:
    """Forget them."""
    for table in ("ticket_message", "ticket"):
        op.drop_table(table, schema="orders")
