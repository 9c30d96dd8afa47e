"""Organizations have departments: whose spending a purchase is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NAMED_BY = (
    ("marketplace", "member", "org_id"),
    ("orders", "purchase", "buyer_org_id"),
    ("orders", "subscription", "buyer_org_id"),
)
"""Tables whose rows may name a department, and the column with whose it is."""


def upgrade() -> None:
    """What was bought before is of none."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "department",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("code", "name", "name_en")),
        sa.Column("parent_id", sa.Uuid),
        sa.Column("archived_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_department"),
        sa.UniqueConstraint("org_id", "id", name="uq_department_org_id_id"),
        sa.UniqueConstraint("org_id", "code", name="uq_department_org_id_code"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_department_org_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "parent_id"],
            ["marketplace.department.org_id", "marketplace.department.id"],
            name="fk_department_org_id_parent_id",
        ),
        sa.CheckConstraint("parent_id <> id", name="ck_department_parent"),
        sa.CheckConstraint("code = upper(code) AND code <> ''", name="ck_department_code"),
        sa.Index("ix_department_parent_id", "org_id", "parent_id", postgresql_where=sa.text("parent_id IS NOT NULL")),
        schema="marketplace",
    )
    ddl.grant("marketplace.department", "SELECT, INSERT, UPDATE")
    ddl.isolate("marketplace.department", "org_id")
    for schema, table, owner in NAMED_BY:
        op.add_column(table, sa.Column("department_id", sa.Uuid), schema=schema)
        op.create_foreign_key(
            f"fk_{table}_{owner}_department_id",
            table,
            "department",
            [owner, "department_id"],
            ["org_id", "id"],
            source_schema=schema,
            referent_schema="marketplace",
        )
        op.create_index(
            f"ix_{table}_department_id",
            table,
            [owner, "department_id"],
            schema=schema,
            postgresql_where=sa.text("department_id IS NOT NULL"),
        )
    op.add_column("invoice", sa.Column("cost_centre", sa.Text, nullable=False, server_default=""), schema="billing")


def downgrade() -> None:
    """Which department a purchase was of is forgotten."""
    op.drop_column("invoice", "cost_centre", schema="billing")
    for schema, table, owner in NAMED_BY:
        op.drop_index(f"ix_{table}_department_id", table_name=table, schema=schema)
        op.drop_constraint(f"fk_{table}_{owner}_department_id", table, schema=schema)
        op.drop_column(table, "department_id", schema=schema)
    op.drop_table("department", schema="marketplace")
