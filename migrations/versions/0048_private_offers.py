"""Private offers, without a request; a buyer answers an offer with other figures; a replaced offer is superseded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SIDES = ("buyer_org_id", "seller_org_id")
BEFORE = "state IN ('open', 'accepted', 'withdrawn', 'declined')"
STATES = "state IN ('open', 'accepted', 'withdrawn', 'declined', 'superseded')"


def upgrade() -> None:
    """Nothing that was offered before changes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _states(STATES)
    op.add_column("offer", sa.Column("supersedes_id", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_offer_supersedes_id",
        "offer",
        "offer",
        ["supersedes_id"],
        ["id"],
        source_schema="orders",
        referent_schema="orders",
    )
    op.create_index(
        "ix_offer_supersedes_id",
        "offer",
        ["supersedes_id"],
        schema="orders",
        postgresql_where=sa.text("supersedes_id IS NOT NULL"),
    )
    op.create_unique_constraint("uq_offer_buyer_org_id_seller_org_id_id", "offer", [*SIDES, "id"], schema="orders")
    _counter_offer()
    _private()


def _states(known: str) -> None:
    op.drop_constraint("ck_offer_state", "offer", schema="orders")
    op.create_check_constraint("ck_offer_state", "offer", known, schema="orders")


def _private() -> None:
    """An offer names its buyer itself, and need not answer a request."""
    op.alter_column("offer", "lead_id", nullable=True, schema="orders")
    op.add_column("offer", sa.Column("buyer_name", sa.Text), schema="orders")
    op.execute("UPDATE orders.offer o SET buyer_name = l.buyer_name FROM marketplace.lead l WHERE l.id = o.lead_id")
    op.alter_column("offer", "buyer_name", nullable=False, schema="orders")
    op.add_column("offer", sa.Column("terms", sa.Text, nullable=False, server_default=""), schema="orders")
    op.add_column("offer", sa.Column("takes_more", sa.Boolean, nullable=False, server_default="false"), schema="orders")
    op.add_column("offer", sa.Column("files", postgresql.JSONB, nullable=False, server_default="{}"), schema="orders")
    for name in ("terms", "takes_more", "files"):
        op.alter_column("offer", name, server_default=None, schema="orders")
    op.create_check_constraint("ck_offer_of_another", "offer", "buyer_org_id <> seller_org_id", schema="orders")
    for name in SIDES:
        _key("offer", [name], ["id"], "organization", "marketplace")
        op.create_index(f"ix_offer_{name}_created_at", "offer", [name, "created_at", "id"], schema="orders")
    op.drop_constraint("fk_offer_line_buyer_org_id_seller_org_id_lead_id_offer_id", "offer_line", schema="orders")
    op.drop_index("ix_offer_line_offer", table_name="offer_line", schema="orders")
    op.drop_column("offer_line", "lead_id", schema="orders")
    op.create_index("ix_offer_line_offer", "offer_line", [*SIDES, "offer_id"], schema="orders")
    _key("offer_line", [*SIDES, "offer_id"], [*SIDES, "id"], "offer")
    op.drop_constraint("ck_order_offer_of_lead", "order", schema="orders")
    op.create_check_constraint(
        "ck_order_offer_of_lead", "order", "lead_id IS NULL OR offer_id IS NOT NULL", schema="orders"
    )
    _key("order", [*SIDES, "offer_id"], [*SIDES, "id"], "offer")


def _key(table: str, columns: list[str], named: list[str], parent: str, schema: str = "orders") -> None:
    op.create_foreign_key(
        f"fk_{table}_{'_'.join(columns)}", table, parent, columns, named, source_schema="orders", referent_schema=schema
    )


def _counter_offer() -> None:
    op.create_table(
        "counter_offer",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "offer_id", *SIDES)),
        sa.Column("lines", postgresql.JSONB, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("made_by", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_counter_offer"),
        sa.ForeignKeyConstraint(
            [*SIDES, "offer_id"],
            [f"orders.offer.{name}" for name in (*SIDES, "id")],
            name="fk_counter_offer_buyer_org_id_seller_org_id_offer_id",
        ),
        sa.ForeignKeyConstraint(["made_by"], ["marketplace.person.id"], name="fk_counter_offer_made_by"),
        sa.Index("ix_counter_offer_offer_id", "offer_id", "created_at"),
        sa.Index("ix_counter_offer_offer", *SIDES, "offer_id"),
        sa.Index("ix_counter_offer_made_by", "made_by"),
        schema="orders",
    )
    ddl.append_only("orders.counter_offer")
    ddl.isolate("orders.counter_offer", *SIDES)


def downgrade() -> None:
    """Only where no private offer was made: there is no request to put it under. What buyers proposed is forgotten; what was
    superseded counts as withdrawn.
    """
    _public()
    op.drop_table("counter_offer", schema="orders")
    op.drop_constraint("uq_offer_buyer_org_id_seller_org_id_id", "offer", schema="orders")
    op.drop_index("ix_offer_supersedes_id", table_name="offer", schema="orders")
    op.drop_constraint("fk_offer_supersedes_id", "offer", schema="orders")
    op.drop_column("offer", "supersedes_id", schema="orders")
    op.execute("UPDATE orders.offer SET state = 'withdrawn' WHERE state = 'superseded'")
    _states(BEFORE)


def _public() -> None:
    op.drop_constraint("fk_order_buyer_org_id_seller_org_id_offer_id", "order", schema="orders")
    op.drop_constraint("ck_order_offer_of_lead", "order", schema="orders")
    op.create_check_constraint(
        "ck_order_offer_of_lead", "order", "(lead_id IS NULL) = (offer_id IS NULL)", schema="orders"
    )
    op.add_column("offer_line", sa.Column("lead_id", sa.Uuid), schema="orders")
    op.execute("ALTER TABLE orders.offer_line DISABLE TRIGGER orders_offer_line_append_only")
    op.execute("UPDATE orders.offer_line l SET lead_id = o.lead_id FROM orders.offer o WHERE o.id = l.offer_id")
    op.execute("ALTER TABLE orders.offer_line ENABLE TRIGGER orders_offer_line_append_only")
    op.alter_column("offer_line", "lead_id", nullable=False, schema="orders")
    op.drop_constraint("fk_offer_line_buyer_org_id_seller_org_id_offer_id", "offer_line", schema="orders")
    op.drop_index("ix_offer_line_offer", table_name="offer_line", schema="orders")
    op.create_index("ix_offer_line_offer", "offer_line", [*SIDES, "lead_id", "offer_id"], schema="orders")
    _key("offer_line", [*SIDES, "lead_id", "offer_id"], [*SIDES, "lead_id", "id"], "offer")
    for name in SIDES:
        op.drop_index(f"ix_offer_{name}_created_at", table_name="offer", schema="orders")
        op.drop_constraint(f"fk_offer_{name}", "offer", schema="orders")
    op.drop_constraint("ck_offer_of_another", "offer", schema="orders")
    for name in ("files", "takes_more", "terms", "buyer_name"):
        op.drop_column("offer", name, schema="orders")
    op.alter_column("offer", "lead_id", nullable=False, schema="orders")
