"""A term may be paid in instalments; each further one is charged by an order of its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
STATES = "state IN ('scheduled', 'asked', 'paid', 'cancelled')"


def upgrade() -> None:
    """Until now every term was paid in one."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _instalment()
    ddl.grant("orders.instalment")
    ddl.isolate("orders.instalment", *SIDES)
    ddl.leave_room("orders.instalment")
    _of_order()
    op.add_column("offer_line", sa.Column("instalments", sa.BigInteger, nullable=True), schema="orders")
    op.create_check_constraint("ck_offer_line_instalments", "offer_line", "instalments >= 1", schema="orders")


def _instalment() -> None:
    op.create_table(
        "instalment",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "subscription_id", "order_line_id")),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        *(sa.Column(f"{name}_minor", sa.BigInteger, nullable=False) for name in ("net", "tax", "gross")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("next_step_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_instalment"),
        sa.UniqueConstraint("order_line_id", "number", name="uq_instalment_order_line_id_number"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_instalment_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint(
                [*SIDES, column],
                [f"orders.{table}.{name}" for name in (*SIDES, "id")],
                name=f"fk_instalment_buyer_org_id_seller_org_id_{column}",
            )
            for column, table in (("subscription_id", "subscription"), ("order_line_id", "order_line"))
        ),
        sa.CheckConstraint(STATES, name="ck_instalment_state"),
        sa.CheckConstraint("number BETWEEN 2 AND count", name="ck_instalment_number"),
        sa.CheckConstraint("gross_minor = net_minor + tax_minor", name="ck_instalment_sum"),
        sa.CheckConstraint("net_minor >= 0 AND tax_minor >= 0 AND gross_minor > 0", name="ck_instalment_positive"),
        sa.CheckConstraint("(next_step_at IS NOT NULL) = (state = 'scheduled')", name="ck_instalment_next_step"),
        sa.Index("ix_instalment_subscription_id", "subscription_id"),
        sa.Index(
            "ix_instalment_buyer_org_id_due_at",
            "buyer_org_id",
            "due_at",
            postgresql_where=sa.text("state = 'scheduled'"),
        ),
        sa.Index("ix_instalment_next_step_at", "next_step_at", postgresql_where=sa.text("next_step_at IS NOT NULL")),
        schema="orders",
    )


def _of_order() -> None:
    op.add_column("order", sa.Column("instalment_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_order_buyer_org_id_seller_org_id_instalment_id",
        "order",
        "instalment",
        [*SIDES, "instalment_id"],
        [*SIDES, "id"],
        source_schema="orders",
        referent_schema="orders",
    )
    op.create_check_constraint(
        "ck_order_instalment_of_subscription",
        "order",
        "instalment_id IS NULL OR (subscription_id IS NOT NULL AND usage_period_id IS NULL)",
        schema="orders",
    )
    op.create_index(
        "uq_order_instalment_id",
        "order",
        ["instalment_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("instalment_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Only where nothing was sold in instalments."""
    op.drop_constraint("ck_offer_line_instalments", "offer_line", schema="orders")
    op.drop_column("offer_line", "instalments", schema="orders")
    op.drop_index("uq_order_instalment_id", "order", schema="orders")
    op.drop_constraint("ck_order_instalment_of_subscription", "order", schema="orders")
    op.drop_column("order", "instalment_id", schema="orders")
    op.drop_table("instalment", schema="orders")
