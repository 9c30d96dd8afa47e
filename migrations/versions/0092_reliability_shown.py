"""How reliably listings are delivered: counted, shown, and a reason to keep them from new buyers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0092"
down_revision = "0091"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
STATES = "'draft', 'in_review', 'published', 'rejected', 'suspended'"
SHOWN = "'published', 'suspended'"
TO_READER = (  # As before: to everybody, to its seller's partners, or to whom it was sold.
    "visibility = 'public' OR partner_groups && (SELECT marketplace.partner_groups(kernel.current_org()))"
    " OR marketplace.keeps_listing(id, org_id, kernel.current_org())"
)


def upgrade() -> None:
    """Nothing is shown until the first count, which takes minutes; what failed in the last week may pause a listing then."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("listing", sa.Column("reliability", postgresql.JSONB), schema="marketplace")
    _states(f"{STATES}, 'paused', 'retired'", f"{SHOWN}, 'paused', 'retired'")
    op.create_index(
        "ix_run_provisioned",
        "run",
        ["finished_at"],
        schema="fulfillment",
        postgresql_where=sa.text("operation = 'provision' AND state IN ('succeeded', 'failed', 'dead')"),
    )
    op.create_index(
        "ix_run_undelivered",
        "run",
        ["finished_at"],
        schema="fulfillment",
        postgresql_where=sa.text("operation = 'provision' AND state IN ('failed', 'dead')"),
    )
    _reliability()
    _pause()


def _states(states: str, shown: str) -> None:
    op.drop_constraint("ck_listing_state", "listing", schema="marketplace")
    op.create_check_constraint("ck_listing_state", "listing", f"state IN ({states})", schema="marketplace")
    op.execute(f"ALTER POLICY shown ON marketplace.listing USING (state IN ({shown}) AND ({TO_READER}))")


def _of_listing(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["seller_org_id", "listing_id"],
        ["marketplace.listing.org_id", "marketplace.listing.id"],
        name=f"fk_{table}_seller_org_id_listing_id",
    )


def _reliability() -> None:
    op.create_table(
        "listing_reliability",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("listing_id", "seller_org_id")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("counted", "succeeded")),
        *(sa.Column(name, sa.BigInteger) for name in ("median_s", "p95_s")),
        sa.Column("counted_until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("listing_id", name="pk_listing_reliability"),
        _of_listing("listing_reliability"),
        sa.CheckConstraint("succeeded BETWEEN 0 AND counted", name="ck_listing_reliability_counted"),
        sa.CheckConstraint(
            "(succeeded > 0) = (median_s IS NOT NULL AND p95_s IS NOT NULL)", name="ck_listing_reliability_timed"
        ),
        sa.CheckConstraint("0 <= median_s AND median_s <= p95_s", name="ck_listing_reliability_times"),
        sa.Index("ix_listing_reliability_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.listing_reliability", "SELECT, INSERT, UPDATE")
    ddl.isolate("fulfillment.listing_reliability", "seller_org_id")


def _pause() -> None:
    op.create_table(
        "listing_pause",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "seller_org_id", "listing_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("state", "rule")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("failed", "counted")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("released_at", INSTANT),
        sa.Column("released_by", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_listing_pause"),
        _of_listing("listing_pause"),
        sa.CheckConstraint("state IN ('paused', 'released')", name="ck_listing_pause_state"),
        sa.CheckConstraint("rule IN ('in_row', 'share')", name="ck_listing_pause_rule"),
        sa.CheckConstraint("failed BETWEEN 1 AND counted", name="ck_listing_pause_failed"),
        sa.CheckConstraint("released_by IN ('confirmed', 'replayed', 'operator')", name="ck_listing_pause_released_by"),
        sa.CheckConstraint(
            "(state = 'released') = (released_at IS NOT NULL) AND (state = 'released') = (released_by IS NOT NULL)",
            name="ck_listing_pause_released",
        ),
        sa.Index("ix_listing_pause_seller_org_id_listing_id", "seller_org_id", "listing_id", "created_at"),
        sa.Index("ix_listing_pause_listing_id_released_at", "listing_id", "released_at"),
        sa.Index("uq_listing_pause_open", "listing_id", unique=True, postgresql_where=sa.text("state = 'paused'")),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.listing_pause", "SELECT, INSERT, UPDATE")
    ddl.isolate("fulfillment.listing_pause", "seller_org_id")


def downgrade() -> None:
    """What is paused is suspended: the platform may look at it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("listing_pause", schema="fulfillment")
    op.drop_table("listing_reliability", schema="fulfillment")
    op.drop_index("ix_run_undelivered", "run", schema="fulfillment")
    op.drop_index("ix_run_provisioned", "run", schema="fulfillment")
    op.execute("UPDATE marketplace.listing SET state = 'suspended' WHERE state = 'paused'")
    _states(f"{STATES}, 'retired'", f"{SHOWN}, 'retired'")
    op.drop_column("listing", "reliability", schema="marketplace")
