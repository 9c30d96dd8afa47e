"""Trials: a plan says how one begins, an order begins one for each organization and listing, a subscription knows its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
LINE = ("buyer_org_id", "seller_org_id", "order_line_id")


def upgrade() -> None:
    """Nothing that was sold so far is a trial."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "plan",
        sa.Column("trial_needs_method", sa.Boolean, nullable=False, server_default=sa.false()),
        schema="marketplace",
    )
    op.create_check_constraint(
        "ck_plan_trial_needs_method", "plan", "trial_days > 0 OR NOT trial_needs_method", schema="marketplace"
    )
    op.add_column("subscription", sa.Column("trial_ends_at", INSTANT), schema="orders")
    op.add_column("subscription", sa.Column("trial_days", sa.BigInteger), schema="orders")
    op.create_check_constraint(
        "ck_subscription_trial", "subscription", "(trial_ends_at IS NULL) = (trial_days IS NULL)", schema="orders"
    )
    op.add_column(
        "entitlement",
        sa.Column("trial_days", sa.BigInteger, nullable=False, server_default="0"),
        schema="fulfillment",
    )
    _trial()


def _trial() -> None:
    op.create_table(
        "trial",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", *LINE, "listing_id")),
        sa.Column("days", sa.BigInteger, nullable=False),
        sa.Column("converts", sa.Boolean, nullable=False),
        sa.Column("full_line", postgresql.JSONB, nullable=False),
        sa.Column("invoice_party", postgresql.JSONB, nullable=False),
        sa.Column("extended_days", sa.BigInteger),
        sa.Column("released_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_trial"),
        sa.UniqueConstraint("order_line_id", name="uq_trial_order_line_id"),
        sa.ForeignKeyConstraint(
            list(LINE),
            ["orders.order_line.buyer_org_id", "orders.order_line.seller_org_id", "orders.order_line.id"],
            name="fk_trial_buyer_org_id_seller_org_id_order_line_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_trial_seller_org_id_listing_id",
        ),
        sa.CheckConstraint("days BETWEEN 1 AND 90", name="ck_trial_days"),
        sa.CheckConstraint("extended_days BETWEEN 1 AND days", name="ck_trial_extended_days"),
        sa.Index(
            "uq_trial_begun",
            "buyer_org_id",
            "listing_id",
            unique=True,
            postgresql_where=sa.text("released_at IS NULL"),
        ),
        sa.Index("ix_trial_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        schema="orders",
    )
    ddl.grant("orders.trial", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.trial", "buyer_org_id", "seller_org_id")


def downgrade() -> None:
    """Only where no trial was begun: what is tried would be taken for paid."""
    op.drop_table("trial", schema="orders")
    op.drop_column("entitlement", "trial_days", schema="fulfillment")
    op.drop_constraint("ck_subscription_trial", "subscription", schema="orders")
    for name in ("trial_days", "trial_ends_at"):
        op.drop_column("subscription", name, schema="orders")
    op.drop_constraint("ck_plan_trial_needs_method", "plan", schema="marketplace")
    op.drop_column("plan", "trial_needs_method", schema="marketplace")
