"""Demos have the address of an online meeting: a seller's own, and that of each booking."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0132"
down_revision = "0131"
branch_labels = None
depends_on = None

AN_ADDRESS = "{0} LIKE 'https://%' AND length({0}) <= 500"


def upgrade() -> None:
    """What is booked has none until its seller says so."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "demo_meeting",
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("saved_by", sa.Uuid, nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("org_id", name="pk_demo_meeting"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_demo_meeting_org_id"),
        sa.ForeignKeyConstraint(["saved_by"], ["marketplace.person.id"], name="fk_demo_meeting_saved_by"),
        sa.CheckConstraint(AN_ADDRESS.format("url"), name="ck_demo_meeting_url"),
        sa.Index("ix_demo_meeting_saved_by", "saved_by"),
        schema="marketplace",
    )
    ddl.grant("marketplace.demo_meeting")
    ddl.isolate("marketplace.demo_meeting", "org_id")
    op.add_column("demo_booking", sa.Column("meeting_url", sa.Text), schema="marketplace")
    op.create_check_constraint(
        "ck_demo_booking_meeting_url", "demo_booking", AN_ADDRESS.format("meeting_url"), schema="marketplace"
    )


def downgrade() -> None:
    """Forget where demos are held."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("demo_booking", "meeting_url", schema="marketplace")
    op.drop_table("demo_meeting", schema="marketplace")
