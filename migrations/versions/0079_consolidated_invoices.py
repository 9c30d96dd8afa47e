"""Billing profiles that get one invoice a month, orders that wait for it, and whose lines are on a consolidated invoice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
LINE_TEXTS = ("order_number", "order_details")
LINE_DAYS = ("period_start_on", "period_end_on")


def upgrade() -> None:
    """Nobody has chosen it yet: every order that is delivered has its own invoice."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "billing_profile",
        sa.Column("monthly_invoice", sa.Boolean, nullable=False, server_default=sa.text("false")),
        schema="marketplace",
    )
    op.add_column("invoice", sa.Column("month", sa.Date), schema="billing")
    op.create_check_constraint(
        "ck_invoice_month",
        "invoice",
        "month IS NULL OR (kind <> 'commission_invoice' AND date_trunc('month', month) = month)",
        schema="billing",
    )
    op.add_column("invoice_line", sa.Column("order_id", sa.Uuid), schema="billing")
    for name in LINE_TEXTS:
        op.add_column(
            "invoice_line", sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''")), schema="billing"
        )
    for name in LINE_DAYS:
        op.add_column("invoice_line", sa.Column(name, sa.Date), schema="billing")
    op.create_check_constraint(
        "ck_invoice_line_period", "invoice_line", "period_end_on > period_start_on", schema="billing"
    )
    op.create_index(
        "ix_invoice_line_order_id",
        "invoice_line",
        ["order_id"],
        schema="billing",
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    _waiting()


def _waiting() -> None:
    op.create_table(
        "unbilled_order",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *SIDES, "order_id", "billing_profile_id")),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        *(sa.Column(name, sa.Date) for name in LINE_DAYS),
        sa.Column("settled_at", INSTANT),
        sa.Column("reference", sa.Uuid),
        sa.Column("deducted", postgresql.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unbilled_order"),
        sa.UniqueConstraint("order_id", name="uq_unbilled_order_order_id"),
        sa.UniqueConstraint(*SIDES, "id", name="uq_unbilled_order_buyer_org_id_seller_org_id_id"),
        *(
            sa.ForeignKeyConstraint(
                [*SIDES, column],
                [f"orders.{table}.{name}" for name in (*SIDES, "id")],
                name=f"fk_unbilled_order_buyer_org_id_seller_org_id_{column}",
            )
            for column, table in (("order_id", "order"), ("reference", "unbilled_order"))
        ),
        sa.ForeignKeyConstraint(
            ["buyer_org_id", "billing_profile_id"],
            ["marketplace.billing_profile.org_id", "marketplace.billing_profile.id"],
            name="fk_unbilled_order_buyer_org_id_billing_profile_id",
        ),
        sa.CheckConstraint("date_trunc('month', month) = month", name="ck_unbilled_order_month"),
        sa.CheckConstraint("period_end_on > period_start_on", name="ck_unbilled_order_period"),
        sa.CheckConstraint("reference IS NULL OR settled_at IS NOT NULL", name="ck_unbilled_order_settled"),
        *(sa.Index(f"ix_unbilled_order_{side}_created_at", side, "created_at", "id") for side in SIDES),
        sa.Index("ix_unbilled_order_reference", "reference", postgresql_where=sa.text("reference IS NOT NULL")),
        sa.Index("ix_unbilled_order_due_at", "due_at", postgresql_where=sa.text("settled_at IS NULL")),
        sa.Index("ix_unbilled_order_billing_profile_id", "billing_profile_id", "month"),
        schema="orders",
    )
    ddl.grant("orders.unbilled_order", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.unbilled_order", *SIDES)
    ddl.leave_room("orders.unbilled_order")


def downgrade() -> None:
    """Only where no order waits or came on a consolidated invoice: nothing would say which invoice is whose."""
    op.drop_table("unbilled_order", schema="orders")
    op.drop_index("ix_invoice_line_order_id", table_name="invoice_line", schema="billing")
    for name in (*LINE_DAYS, *LINE_TEXTS, "order_id"):
        op.drop_column("invoice_line", name, schema="billing")
    op.drop_column("invoice", "month", schema="billing")
    op.drop_column("billing_profile", "monthly_invoice", schema="marketplace")
