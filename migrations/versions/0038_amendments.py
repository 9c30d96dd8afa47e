"""Subscriptions change within their term, by amendments that are bought, and from the next term on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from migrations import ddl

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

BOTH = ("buyer_org_id", "seller_org_id")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """The plan in force of what runs is that of the line that pays for its latest term."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("quote", sa.Column("amends", JSONB), schema="orders")
    _subscription()
    op.create_table(
        "amendment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription_id", sa.Uuid(), nullable=False),
        sa.Column("buyer_org_id", sa.Uuid(), nullable=False),
        sa.Column("seller_org_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("quantity_before", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id_before", sa.Uuid(), nullable=False),
        sa.Column("price", JSONB),
        sa.Column("price_before", JSONB),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("applied_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("state IN ('pending', 'applied', 'void', 'reversed')", name=op.f("ck_amendment_state")),
        sa.CheckConstraint("quantity > 0 AND quantity_before > 0", name=op.f("ck_amendment_quantities")),
        sa.CheckConstraint(
            "(applied_at IS NOT NULL) = (state IN ('applied', 'reversed'))", name=op.f("ck_amendment_applied")
        ),
        *_references("amendment"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendment")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_amendment_order_line_id")),
        schema="orders",
    )
    op.create_index("ix_amendment_subscription_id", "amendment", ["subscription_id"], schema="orders")
    op.create_index("ix_amendment_seller_org_id_plan_id", "amendment", ["seller_org_id", "plan_id"], schema="orders")
    op.create_index(
        "ix_amendment_seller_org_id_plan_id_before", "amendment", ["seller_org_id", "plan_id_before"], schema="orders"
    )
    op.create_index(
        "uq_amendment_pending",
        "amendment",
        ["subscription_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("state = 'pending'"),
    )
    ddl.grant("orders.amendment")
    ddl.isolate("orders.amendment", *BOTH)


def downgrade() -> None:
    """Only where nothing was changed within a term: its orders could not say what they paid for."""
    op.drop_table("amendment", schema="orders")
    for column in ("next_plan_id", "next_quantity", "term_price", "plan_id"):
        op.drop_column("subscription", column, schema="orders")
    op.drop_column("quote", "amends", schema="orders")


def _subscription() -> None:
    for column in ("plan_id", "next_plan_id"):
        op.add_column("subscription", sa.Column(column, sa.Uuid()), schema="orders")
        op.create_foreign_key(
            f"fk_subscription_seller_org_id_{column}",
            "subscription",
            "plan",
            ["seller_org_id", column],
            ["org_id", "id"],
            source_schema="orders",
            referent_schema="marketplace",
        )
    op.add_column("subscription", sa.Column("term_price", JSONB), schema="orders")
    op.add_column("subscription", sa.Column("next_quantity", sa.BigInteger()), schema="orders")
    op.execute(
        """
        UPDATE orders.subscription s SET plan_id = (
            SELECT l.plan_id FROM orders.subscription_term t JOIN orders.order_line l ON l.id = t.order_line_id
            WHERE t.subscription_id = s.id ORDER BY t.revoked_at IS NULL DESC, t.number DESC LIMIT 1)
        """
    )
    op.alter_column("subscription", "plan_id", nullable=False, schema="orders")
    op.create_check_constraint(
        op.f("ck_subscription_quantities"), "subscription", "quantity > 0 AND next_quantity > 0", schema="orders"
    )
    op.create_index(
        "ix_subscription_seller_org_id_plan_id", "subscription", ["seller_org_id", "plan_id"], schema="orders"
    )
    op.create_index(
        "ix_subscription_seller_org_id_next_plan_id",
        "subscription",
        ["seller_org_id", "next_plan_id"],
        schema="orders",
        postgresql_where=sa.text("next_plan_id IS NOT NULL"),
    )


def _references(table: str) -> list[sa.ForeignKeyConstraint]:
    targets = [
        ([*BOTH, "subscription_id"], "orders.subscription", [*BOTH, "id"]),
        ([*BOTH, "order_line_id"], "orders.order_line", [*BOTH, "id"]),
        (["seller_org_id", "plan_id"], "marketplace.plan", ["org_id", "id"]),
        (["seller_org_id", "plan_id_before"], "marketplace.plan", ["org_id", "id"]),
    ]
    return [
        sa.ForeignKeyConstraint(columns, [f"{target}.{name}" for name in named], name=f"fk_{table}_{'_'.join(columns)}")
        for columns, target, named in targets
    ]
