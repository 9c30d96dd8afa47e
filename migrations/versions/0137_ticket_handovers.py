"""A ticket has somebody of its seller's who takes care of it, and remembers who had it before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0137"
down_revision = "0136"
branch_labels = None
depends_on = None

TABLE = "ticket_handover"


def upgrade() -> None:
    """Nobody has those that are open."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("ticket", sa.Column("assigned_to", sa.Uuid), schema="orders")
    op.create_foreign_key(
        "fk_ticket_assigned_to",
        "ticket",
        "person",
        ["assigned_to"],
        ["id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    op.create_index(
        "ix_ticket_assigned_to",
        "ticket",
        ["assigned_to"],
        schema="orders",
        postgresql_where=sa.text("assigned_to IS NOT NULL"),
    )
    op.create_table(
        TABLE,
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "ticket_id", "seller_org_id")),
        sa.Column("person_id", sa.Uuid),
        sa.Column("by", sa.Uuid, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
        sa.ForeignKeyConstraint(["ticket_id"], ["orders.ticket.id"], name=f"fk_{TABLE}_ticket_id"),
        sa.ForeignKeyConstraint(["seller_org_id"], ["marketplace.organization.id"], name=f"fk_{TABLE}_seller_org_id"),
        *(
            sa.ForeignKeyConstraint([name], ["marketplace.person.id"], name=f"fk_{TABLE}_{name}")
            for name in ("person_id", "by")
        ),
        sa.Index(f"ix_{TABLE}_ticket_id", "ticket_id", "created_at"),
        sa.Index(f"ix_{TABLE}_seller_org_id", "seller_org_id"),
        sa.Index(f"ix_{TABLE}_person_id", "person_id", postgresql_where=sa.text("person_id IS NOT NULL")),
        sa.Index(f"ix_{TABLE}_by", "by"),
        schema="orders",
    )
    ddl.isolate(f"orders.{TABLE}", "seller_org_id")
    ddl.append_only(f"orders.{TABLE}")


def downgrade() -> None:
    """Forget who takes care of what."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table(TABLE, schema="orders")
    op.drop_index("ix_ticket_assigned_to", "ticket", schema="orders")
    op.drop_constraint("fk_ticket_assigned_to", "ticket", schema="orders")
    op.drop_column("ticket", "assigned_to", schema="orders")
