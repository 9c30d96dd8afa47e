"""A headquarters allocates seats of what it bought to its subsidiaries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0105"
down_revision = "0104"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ALLOCATION, SEAT = "seat_allocation", "allocated_seat"


def upgrade() -> None:
    """Nothing is allocated yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "entitlement",
        sa.Column("seats_allocated", sa.BigInteger, nullable=False, server_default="0"),
        schema="fulfillment",
    )
    op.drop_constraint("ck_entitlement_seats", "entitlement", schema="fulfillment")
    op.create_check_constraint(
        "ck_entitlement_seats",
        "entitlement",
        "seats_used >= 0 AND seats_allocated >= 0 AND seats_used + seats_allocated <= seats",
        schema="fulfillment",
    )
    op.create_table(
        ALLOCATION,
        *(
            sa.Column(name, sa.Uuid, nullable=False)
            for name in ("id", "hq_org_id", "org_id", "entitlement_id", "membership_id")
        ),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("seats", "seats_used")),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT),
        sa.Column("ended_for", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_seat_allocation"),
        sa.UniqueConstraint("org_id", "id", name="uq_seat_allocation_org_id_id"),
        sa.ForeignKeyConstraint(
            ["hq_org_id", "entitlement_id"],
            ["fulfillment.entitlement.buyer_org_id", "fulfillment.entitlement.id"],
            name="fk_seat_allocation_hq_org_id_entitlement_id",
        ),
        sa.ForeignKeyConstraint(
            ["hq_org_id", "org_id", "membership_id"],
            [
                "marketplace.group_membership.hq_org_id",
                "marketplace.group_membership.org_id",
                "marketplace.group_membership.id",
            ],
            name="fk_seat_allocation_membership",
        ),
        sa.CheckConstraint("seats > 0", name="ck_seat_allocation_seats"),
        sa.CheckConstraint("seats_used BETWEEN 0 AND seats", name="ck_seat_allocation_seats_used"),
        sa.CheckConstraint("ended_at IS NULL OR seats_used = 0", name="ck_seat_allocation_ended"),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name="ck_seat_allocation_ended_for"),
        sa.CheckConstraint(
            "ended_for IN ('taken_back', 'group_ended', 'entitlement_ended', 'fewer_seats')",
            name="ck_seat_allocation_reason",
        ),
        sa.Index(
            "uq_seat_allocation_running",
            "entitlement_id",
            "org_id",
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.Index("ix_seat_allocation_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_seat_allocation_hq_org_id_entitlement_id", "hq_org_id", "entitlement_id"),
        sa.Index("ix_seat_allocation_membership", "hq_org_id", "org_id", "membership_id"),
        schema="fulfillment",
    )
    ddl.grant(f"fulfillment.{ALLOCATION}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"fulfillment.{ALLOCATION}", "hq_org_id", "org_id")
    op.create_table(
        SEAT,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "allocation_id", "person_id")),
        sa.Column("assigned_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_allocated_seat"),
        sa.ForeignKeyConstraint(
            ["org_id", "allocation_id"],
            ["fulfillment.seat_allocation.org_id", "fulfillment.seat_allocation.id"],
            name="fk_allocated_seat_org_id_allocation_id",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_allocated_seat_person_id"),
        sa.Index("ix_allocated_seat_org_id_allocation_id", "org_id", "allocation_id"),
        sa.Index("ix_allocated_seat_person_id", "person_id"),
        sa.Index(
            "uq_allocated_seat_holder",
            "allocation_id",
            "person_id",
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
        ),
        schema="fulfillment",
    )
    ddl.grant(f"fulfillment.{SEAT}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"fulfillment.{SEAT}", "org_id")


def downgrade() -> None:
    """What is allocated is nobody's."""
    op.drop_table(SEAT, schema="fulfillment")
    op.drop_table(ALLOCATION, schema="fulfillment")
    op.drop_constraint("ck_entitlement_seats", "entitlement", schema="fulfillment")
    op.create_check_constraint(
        "ck_entitlement_seats", "entitlement", "seats_used BETWEEN 0 AND seats", schema="fulfillment"
    )
    op.drop_column("entitlement", "seats_allocated", schema="fulfillment")
