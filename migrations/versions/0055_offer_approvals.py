"""Offers below their seller's floor wait for its approval, unseen by their buyer; sellers are told that a coupon ends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = "state IN ('open', 'accepted', 'withdrawn', 'declined', 'superseded')"
STATES = "state IN ('awaiting_approval', 'open', 'accepted', 'withdrawn', 'declined', 'superseded', 'rejected')"
EITHER = "kernel.is_platform() OR buyer_org_id = kernel.current_org() OR seller_org_id = kernel.current_org()"
SHOWN = (
    "kernel.is_platform() OR seller_org_id = kernel.current_org() "
    "OR (buyer_org_id = kernel.current_org() AND shown_at IS NOT NULL)"
)


def upgrade() -> None:
    """What was offered before was shown at once. There are no floors yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("offer", sa.Column("shown_at", INSTANT), schema="orders")
    op.execute("UPDATE orders.offer SET shown_at = created_at")
    _states(STATES)
    op.create_check_constraint(
        "ck_offer_shown",
        "offer",
        "shown_at IS NOT NULL OR state IN ('awaiting_approval', 'withdrawn', 'superseded', 'rejected')",
        schema="orders",
    )
    op.create_check_constraint(
        "ck_offer_not_shown",
        "offer",
        "shown_at IS NULL OR state NOT IN ('awaiting_approval', 'rejected')",
        schema="orders",
    )
    op.create_index(
        "uq_offer_awaiting",
        "offer",
        ["lead_id"],
        unique=True,
        schema="orders",
        postgresql_where=sa.text("state = 'awaiting_approval'"),
    )
    _policy(SHOWN)
    _approval()
    _floor()
    op.add_column("coupon", sa.Column("end_told_at", INSTANT), schema="orders")
    op.create_index(
        "ix_coupon_end_to_tell",
        "coupon",
        ["ends_at"],
        schema="orders",
        postgresql_where=sa.text("ended_at IS NULL AND end_told_at IS NULL"),
    )


def _policy(rule: str) -> None:
    op.execute("DROP POLICY organization ON orders.offer")
    op.execute(f"CREATE POLICY organization ON orders.offer USING ({rule}) WITH CHECK ({rule})")


def _states(known: str) -> None:
    op.drop_constraint("ck_offer_state", "offer", schema="orders")
    op.create_check_constraint("ck_offer_state", "offer", known, schema="orders")


def _approval() -> None:
    op.create_table(
        "offer_approval",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("offer_id", "seller_org_id")),
        sa.Column("lines", postgresql.JSONB, nullable=False),
        sa.Column("decision", sa.Text),
        sa.Column("decision_text", sa.Text, nullable=False),
        sa.Column("decided_by", sa.Uuid),
        sa.Column("decided_at", INSTANT),
        sa.PrimaryKeyConstraint("offer_id", name="pk_offer_approval"),
        sa.ForeignKeyConstraint(["offer_id"], ["orders.offer.id"], name="fk_offer_approval_offer_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name="fk_offer_approval_seller_org_id"
        ),
        sa.ForeignKeyConstraint(["decided_by"], ["marketplace.person.id"], name="fk_offer_approval_decided_by"),
        sa.CheckConstraint("decision IN ('approved', 'rejected')", name="ck_offer_approval_decision"),
        sa.CheckConstraint(
            "(decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)",
            name="ck_offer_approval_decided",
        ),
        sa.CheckConstraint("decision IS NOT NULL OR decision_text = ''", name="ck_offer_approval_decision_text"),
        sa.Index("ix_offer_approval_seller_org_id", "seller_org_id", "offer_id"),
        sa.Index("ix_offer_approval_decided_by", "decided_by"),
        schema="orders",
    )
    ddl.grant("orders.offer_approval", "SELECT, INSERT, UPDATE")
    ddl.isolate("orders.offer_approval", "seller_org_id")


def _floor() -> None:
    op.create_table(
        "offer_floor",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "seller_org_id")),
        sa.Column("listing_id", sa.Uuid),
        sa.Column("floor_ppm", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_offer_floor"),
        sa.ForeignKeyConstraint(
            ["seller_org_id"], ["marketplace.organization.id"], name="fk_offer_floor_seller_org_id"
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_offer_floor_seller_org_id_listing_id",
        ),
        sa.CheckConstraint("floor_ppm BETWEEN 1 AND 1000000", name="ck_offer_floor_floor_ppm"),
        sa.Index("uq_offer_floor", "seller_org_id", "listing_id", unique=True, postgresql_nulls_not_distinct=True),
        schema="orders",
    )
    ddl.grant("orders.offer_floor")
    ddl.isolate("orders.offer_floor", "seller_org_id")


def downgrade() -> None:
    """What waited or was refused by its own side counts as withdrawn. Floors are forgotten."""
    op.drop_index("ix_coupon_end_to_tell", table_name="coupon", schema="orders")
    op.drop_column("coupon", "end_told_at", schema="orders")
    op.drop_table("offer_floor", schema="orders")
    op.drop_table("offer_approval", schema="orders")
    _policy(EITHER)
    op.drop_index("uq_offer_awaiting", table_name="offer", schema="orders")
    op.drop_constraint("ck_offer_not_shown", "offer", schema="orders")
    op.drop_constraint("ck_offer_shown", "offer", schema="orders")
    op.execute("UPDATE orders.offer SET state = 'withdrawn' WHERE state IN ('awaiting_approval', 'rejected')")
    _states(BEFORE)
    op.drop_column("offer", "shown_at", schema="orders")
