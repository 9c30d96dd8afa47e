"""An offer has several lines: plans of one seller, taken together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

OF_OFFER = ("buyer_org_id", "seller_org_id", "lead_id")
MOVED = ("plan_id", "quantity", "unit_price_minor", "list_price_minor")


def upgrade() -> None:
    """What stood in an offer is its first line."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "offer_line",
        sa.Column("offer_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("lead_id", "buyer_org_id", "seller_org_id", "plan_id")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in MOVED[1:]),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.PrimaryKeyConstraint("offer_id", "number", name="pk_offer_line"),
        sa.UniqueConstraint("offer_id", "plan_id", name="uq_offer_line_offer_id_plan_id"),
        sa.ForeignKeyConstraint(
            [*OF_OFFER, "offer_id"],
            [f"orders.offer.{name}" for name in (*OF_OFFER, "id")],
            name="fk_offer_line_buyer_org_id_seller_org_id_lead_id_offer_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["marketplace.plan.org_id", "marketplace.plan.id"],
            name="fk_offer_line_seller_org_id_plan_id",
        ),
        sa.CheckConstraint("number >= 1", name="ck_offer_line_number"),
        sa.CheckConstraint("quantity >= 1", name="ck_offer_line_quantity"),
        sa.CheckConstraint("unit_price_minor BETWEEN 0 AND list_price_minor", name="ck_offer_line_unit_price"),
        sa.Index("ix_offer_line_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index("ix_offer_line_offer", *OF_OFFER, "offer_id"),
        schema="orders",
    )
    moved, given = ", ".join(MOVED), ", ".join(OF_OFFER)
    op.execute(f"""INSERT INTO orders.offer_line (offer_id, number, {given}, {moved}, currency)
        SELECT id, 1, {given}, {moved}, currency FROM orders.offer""")
    ddl.append_only("orders.offer_line")
    ddl.isolate("orders.offer_line", "buyer_org_id", "seller_org_id")
    op.drop_index("ix_offer_seller_org_id_plan_id", table_name="offer", schema="orders")
    op.drop_constraint("fk_offer_seller_org_id_plan_id", "offer", schema="orders")
    for name in ("quantity", "unit_price"):
        op.drop_constraint(f"ck_offer_{name}", "offer", schema="orders")
    for name in MOVED:
        op.drop_column("offer", name, schema="orders")


def downgrade() -> None:
    """Of each offer its first line is kept; further ones are forgotten."""
    op.add_column("offer", sa.Column("plan_id", sa.Uuid), schema="orders")
    for name in MOVED[1:]:
        op.add_column("offer", sa.Column(name, sa.BigInteger), schema="orders")
    given = ", ".join(f"{name} = l.{name}" for name in MOVED)
    op.execute(f"UPDATE orders.offer o SET {given} FROM orders.offer_line l WHERE l.offer_id = o.id AND l.number = 1")
    for name in MOVED:
        op.alter_column("offer", name, nullable=False, schema="orders")
    op.create_check_constraint("ck_offer_quantity", "offer", "quantity >= 1", schema="orders")
    op.create_check_constraint(
        "ck_offer_unit_price", "offer", "unit_price_minor BETWEEN 0 AND list_price_minor", schema="orders"
    )
    op.create_foreign_key(
        "fk_offer_seller_org_id_plan_id",
        "offer",
        "plan",
        ["seller_org_id", "plan_id"],
        ["org_id", "id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    op.create_index("ix_offer_seller_org_id_plan_id", "offer", ["seller_org_id", "plan_id"], schema="orders")
    op.drop_table("offer_line", schema="orders")
