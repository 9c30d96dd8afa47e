"""Test clocks: a test organization with a time of its own, and a series of numbers for documents that are dated by it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
SERIES = "org_id", "kind", "year"


def upgrade() -> None:
    """Nobody has one."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "test_clock",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "test_org_id")),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("present_at", INSTANT, nullable=False),
        sa.Column("target_at", INSTANT),
        sa.Column("made_by", sa.Uuid, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_test_clock"),
        *(
            sa.ForeignKeyConstraint([name], [f"marketplace.{parent}.id"], name=f"fk_test_clock_{name}")
            for name, parent in (("org_id", "organization"), ("test_org_id", "organization"), ("made_by", "person"))
        ),
        sa.CheckConstraint("state IN ('ready', 'advancing', 'deleting', 'deleted')", name="ck_test_clock_state"),
        sa.CheckConstraint("(state = 'advancing') = (target_at IS NOT NULL)", name="ck_test_clock_target"),
        sa.CheckConstraint(
            "present_at >= started_at AND (target_at >= present_at) IS NOT FALSE", name="ck_test_clock_forward"
        ),
        sa.CheckConstraint("org_id <> test_org_id", name="ck_test_clock_organizations"),
        sa.Index("ix_test_clock_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("uq_test_clock_test_org_id", "test_org_id", unique=True),
        sa.Index("ix_test_clock_made_by", "made_by"),
        schema="marketplace",
    )
    ddl.grant("marketplace.test_clock")
    ddl.isolate("marketplace.test_clock", "org_id")
    op.add_column("number_series", sa.Column("clock_id", sa.Uuid), schema="billing")
    op.drop_constraint("uq_number_series_org_id_kind_year", "number_series", schema="billing")
    op.create_unique_constraint(
        "uq_number_series_org_id_kind_year_clock_id",
        "number_series",
        [*SERIES, "clock_id"],
        schema="billing",
        postgresql_nulls_not_distinct=True,
    )


def downgrade() -> None:
    """Only where no test organization was sent a document: a document keeps its number."""
    op.drop_constraint("uq_number_series_org_id_kind_year_clock_id", "number_series", schema="billing")
    op.create_unique_constraint("uq_number_series_org_id_kind_year", "number_series", list(SERIES), schema="billing")
    op.drop_column("number_series", "clock_id", schema="billing")
    op.drop_table("test_clock", schema="marketplace")
