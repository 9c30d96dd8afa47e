"""A buyer answers an offer with other figures; an offer that another took the place of is superseded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0047"
down_revision = "0042"
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


def _states(known: str) -> None:
    op.drop_constraint("ck_offer_state", "offer", schema="orders")
    op.create_check_constraint("ck_offer_state", "offer", known, schema="orders")


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
    """What buyers proposed is forgotten; what was superseded counts as withdrawn."""
    op.drop_table("counter_offer", schema="orders")
    op.drop_constraint("uq_offer_buyer_org_id_seller_org_id_id", "offer", schema="orders")
    op.drop_index("ix_offer_supersedes_id", table_name="offer", schema="orders")
    op.drop_constraint("fk_offer_supersedes_id", "offer", schema="orders")
    op.drop_column("offer", "supersedes_id", schema="orders")
    op.execute("UPDATE orders.offer SET state = 'withdrawn' WHERE state = 'superseded'")
    _states(BEFORE)
