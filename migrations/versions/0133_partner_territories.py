"""A partner orders for others in the regions that its seller names, and may be the only one there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0133"
down_revision = "0132"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "partner_territory"
CHECKS = {
    "of_another": "buyer_org_id <> seller_org_id",
    "regions": "cardinality(regions) >= 1",
    "listings": "is_exclusive OR cardinality(listing_ids) = 0",
    "ended": "ended_at >= created_at",
}


def upgrade() -> None:
    """Nobody has any yet: partners order for customers everywhere."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "seller_org_id", "buyer_org_id")),
        sa.Column("regions", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("is_exclusive", sa.Boolean, nullable=False),
        sa.Column("listing_ids", sa.ARRAY(sa.Uuid), nullable=False),
        sa.Column("set_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        *(
            sa.ForeignKeyConstraint([side], ["marketplace.organization.id"], name=f"fk_{TABLE}_{side}")
            for side in ("seller_org_id", "buyer_org_id")
        ),
        sa.ForeignKeyConstraint(["set_by"], ["marketplace.person.id"], name=f"fk_{TABLE}_set_by"),
        *(sa.CheckConstraint(rule, name=f"ck_{TABLE}_{name}") for name, rule in CHECKS.items()),
        sa.Index(
            f"uq_{TABLE}_running",
            "seller_org_id",
            "buyer_org_id",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index(f"ix_{TABLE}_seller_org_id_created_at", "seller_org_id", "created_at", "id"),
        sa.Index(f"ix_{TABLE}_buyer_org_id", "buyer_org_id"),
        sa.Index(f"ix_{TABLE}_set_by", "set_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "seller_org_id", "buyer_org_id")


def downgrade() -> None:
    """Partners order for customers everywhere."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table(TABLE, schema="marketplace")
