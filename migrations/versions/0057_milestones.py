"""Services are delivered, accepted, released and refunded milestone by milestone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
STATES = "state IN ('pending', 'open', 'delivered', 'rework', 'accepted', 'cancelled')"


def upgrade() -> None:
    """What was charged before was charged for the whole line."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("charge", sa.Column("part_reference", sa.Uuid), schema="billing")
    op.add_column("share", sa.Column("part_reference", sa.Uuid), schema="billing")
    op.drop_constraint("uq_charge_reference", "charge", schema="billing")
    op.create_unique_constraint(
        "uq_charge_reference_part_reference",
        "charge",
        ["reference", "part_reference"],
        schema="billing",
        postgresql_nulls_not_distinct=True,
    )
    _milestone()
    _delivery()
    _file()
    for table in ("milestone", "milestone_delivery", "milestone_file"):
        ddl.grant(f"orders.{table}")
        ddl.isolate(f"orders.{table}", *SIDES)
    ddl.leave_room("orders.milestone")


def _milestone() -> None:
    op.create_table(
        "milestone",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "order_id", "order_line_id")),
        sa.Column("position", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("code", "name", "name_en")),
        sa.Column("days", sa.BigInteger, nullable=False),
        sa.Column("accept_days", sa.BigInteger, nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in ("net", "tax", "gross")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("due_at", "deadline_at", "notice_at", "delivered_at", "accepted_at")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_milestone"),
        sa.UniqueConstraint("order_line_id", "position", name="uq_milestone_order_line_id_position"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_milestone_buyer_org_id_seller_org_id_id"),
        sa.ForeignKeyConstraint(
            [*SIDES, "order_id"],
            [f"orders.order.{name}" for name in (*SIDES, "id")],
            name="fk_milestone_buyer_org_id_seller_org_id_order_id",
        ),
        sa.ForeignKeyConstraint(
            [*SIDES, "order_line_id"],
            [f"orders.order_line.{name}" for name in (*SIDES, "id")],
            name="fk_milestone_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.CheckConstraint(STATES, name="ck_milestone_state"),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name="ck_milestone_sum"),
        sa.CheckConstraint("net_minor >= 0 AND tax_minor >= 0", name="ck_milestone_positive"),
        sa.CheckConstraint(
            "(deadline_at IS NULL) = (state IN ('accepted', 'cancelled'))", name="ck_milestone_deadline"
        ),
        sa.CheckConstraint("(accepted_at IS NOT NULL) = (state = 'accepted')", name="ck_milestone_accepted"),
        sa.Index("ix_milestone_order_id", "order_id"),
        sa.Index("ix_milestone_seller_org_id", "seller_org_id", "deadline_at"),
        sa.Index("ix_milestone_deadline_at", "deadline_at", postgresql_where=sa.text("deadline_at IS NOT NULL")),
        sa.Index("ix_milestone_notice_at", "notice_at", postgresql_where=sa.text("notice_at IS NOT NULL")),
        schema="orders",
    )


def _delivery() -> None:
    op.create_table(
        "milestone_delivery",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "milestone_id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("delivered_at", INSTANT, nullable=False),
        sa.Column("rework_words", sa.Text),
        sa.Column("answered_at", INSTANT),
        *_of_milestone("milestone_delivery"),
        sa.UniqueConstraint("milestone_id", "version", name="uq_milestone_delivery_milestone_id_version"),
        schema="orders",
    )


def _file() -> None:
    op.create_table(
        "milestone_file",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "milestone_id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("file_key", "file_name", "media_type", "sha256")),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        *_of_milestone("milestone_file"),
        sa.UniqueConstraint(
            "milestone_id",
            "version",
            "sha256",
            "file_name",
            name="uq_milestone_file_milestone_id_version_sha256_file_name",
        ),
        schema="orders",
    )


def _of_milestone(table: str) -> tuple[sa.schema.SchemaItem, ...]:
    return (
        sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        sa.ForeignKeyConstraint(
            [*SIDES, "milestone_id"],
            [f"orders.milestone.{name}" for name in (*SIDES, "id")],
            name=f"fk_{table}_buyer_org_id_seller_org_id_milestone_id",
        ),
        sa.CheckConstraint("version > 0", name=f"ck_{table}_version"),
    )


def downgrade() -> None:
    """Only where nothing was charged in milestones: a line has one charge again."""
    for table in ("milestone_file", "milestone_delivery", "milestone"):
        op.drop_table(table, schema="orders")
    op.drop_constraint("uq_charge_reference_part_reference", "charge", schema="billing")
    op.create_unique_constraint("uq_charge_reference", "charge", ["reference"], schema="billing")
    for table in ("share", "charge"):
        op.drop_column(table, "part_reference", schema="billing")
