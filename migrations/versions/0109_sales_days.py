"""Sales by day: what was ordered of a seller, where it was sold, and what has become of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0109"
down_revision = "0108"
branch_labels = None
depends_on = None

PLACES = ("video_id", "placement_id", "live_session_id", "promoter_org_id", "tier_id")
COUNTS = ("orders", "trials", "activated", "retained", "renewed", "refunded", "renewals", "active_s")
AMOUNTS = ("gross_minor", "net_minor", "refunded_minor")


def upgrade() -> None:
    """Orders that are there are counted by the first sweeps, a day of what was recorded at a time."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sales_day",
        sa.Column("id", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        *(sa.Column(name, sa.Uuid) for name in PLACES),
        sa.Column("second", sa.BigInteger),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in (*COUNTS, *AMOUNTS)),
        sa.PrimaryKeyConstraint("id", name="pk_sales_day"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.organization.id"], name=f"fk_sales_day_{name}")
            for name in ("seller_org_id", "promoter_org_id")
        ),
        sa.CheckConstraint("least(activated, retained, renewed, refunded, trials) >= 0", name="ck_sales_day_counts"),
        sa.CheckConstraint(
            "greatest(activated, retained, renewed, refunded, trials) <= orders", name="ck_sales_day_of_orders"
        ),
        sa.CheckConstraint("renewals >= 0 AND active_s >= 0", name="ck_sales_day_not_negative"),
        sa.CheckConstraint("net_minor <= gross_minor AND refunded_minor <= gross_minor", name="ck_sales_day_amounts"),
        sa.Index("ix_sales_day_seller_org_id_day", "seller_org_id", "day"),
        sa.Index(
            "ix_sales_day_promoter_org_id",
            "promoter_org_id",
            postgresql_where=sa.text("promoter_org_id IS NOT NULL"),
        ),
        schema="orders",
    )
    ddl.grant("orders.sales_day")
    ddl.isolate("orders.sales_day", "seller_org_id")


def downgrade() -> None:
    """What was counted can be counted again from the orders."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM kernel.event_cursor WHERE reader = 'sales_days'")
    op.drop_table("sales_day", schema="orders")
