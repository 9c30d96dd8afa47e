"""Organizations are in groups: a headquarters, and subsidiaries that say what it may do."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0104"
down_revision = "0103"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLE = "group_membership"


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "hq_org_id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("hq_name", "org_name", "state")),
        sa.Column("by_hq", sa.Boolean, nullable=False),
        sa.Column("rights", postgresql.ARRAY(sa.Text), nullable=False),
        sa.Column("asked_by", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        *(sa.Column(name, INSTANT) for name in ("accepted_at", "ended_at")),
        sa.PrimaryKeyConstraint("id", name="pk_group_membership"),
        sa.UniqueConstraint("hq_org_id", "org_id", "id", name="uq_group_membership_hq_org_id_org_id_id"),
        sa.ForeignKeyConstraint(["hq_org_id"], ["marketplace.organization.id"], name="fk_group_membership_hq_org_id"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_group_membership_org_id"),
        sa.ForeignKeyConstraint(["asked_by"], ["marketplace.person.id"], name="fk_group_membership_asked_by"),
        sa.CheckConstraint("hq_org_id <> org_id", name="ck_group_membership_of_another"),
        sa.CheckConstraint(
            "state IN ('requested', 'active', 'declined', 'withdrawn', 'ended')", name="ck_group_membership_state"
        ),
        sa.CheckConstraint(
            "(accepted_at IS NOT NULL) = (state IN ('active', 'ended'))", name="ck_group_membership_accepted"
        ),
        sa.CheckConstraint("(ended_at IS NOT NULL) = (state = 'ended')", name="ck_group_membership_ended"),
        sa.CheckConstraint(
            "rights <@ ARRAY['see_orders', 'see_usage', 'see_seat_holders', 'allocate_seats', 'pay']",
            name="ck_group_membership_rights",
        ),
        sa.Index(
            "uq_group_membership_standing",
            "hq_org_id",
            "org_id",
            unique=True,
            postgresql_where=sa.text("state IN ('requested', 'active')"),
        ),
        sa.Index(
            "uq_group_membership_headquarters",
            "org_id",
            unique=True,
            postgresql_where=sa.text("state = 'active'"),
        ),
        sa.Index("ix_group_membership_hq_org_id_created_at", "hq_org_id", "created_at", "id"),
        sa.Index("ix_group_membership_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_group_membership_asked_by", "asked_by"),
        schema="marketplace",
    )
    ddl.grant(f"marketplace.{TABLE}", "SELECT, INSERT, UPDATE")
    ddl.isolate(f"marketplace.{TABLE}", "hq_org_id", "org_id")


def downgrade() -> None:
    """Nobody is in a group."""
    op.drop_table(TABLE, schema="marketplace")
