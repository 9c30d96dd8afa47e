"""Buyers order by sheets of many lines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0099"
down_revision = "0098"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    checks = {
        "state": "state IN ('draft', 'ordered', 'discarded')",
        "ended": "(state = 'draft') = (ended_at IS NULL)",
        "ordered": "(state = 'ordered') = (cardinality(purchase_ids) > 0)",
        "wrong": "wrong BETWEEN 0 AND jsonb_array_length(rows)",
    }
    op.create_table(
        "order_sheet",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "buyer_org_id")),
        sa.Column("made_by", sa.Uuid),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name", "state")),
        sa.Column("rows", postgresql.JSONB, nullable=False),
        sa.Column("wrong", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.ARRAY(sa.Uuid), nullable=False) for name in ("quote_ids", "purchase_ids")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_order_sheet"),
        sa.ForeignKeyConstraint(["buyer_org_id"], ["marketplace.organization.id"], name="fk_order_sheet_buyer_org_id"),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_order_sheet_made_by"),
        *(sa.CheckConstraint(rule, name=f"ck_order_sheet_{name}") for name, rule in checks.items()),
        sa.Index("ix_order_sheet_buyer_org_id_created_at", "buyer_org_id", "created_at", "id"),
        sa.Index("ix_order_sheet_made_by", "made_by"),
        schema="orders",
    )
    ddl.grant("orders.order_sheet", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.order_sheet", "buyer_org_id")


def downgrade() -> None:
    """What was ordered by one stays ordered."""
    op.drop_table("order_sheet", schema="orders")
