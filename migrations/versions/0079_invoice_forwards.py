"""Documents that are sent on to an address outside."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0079"
down_revision = "0078"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """None was sent on yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "invoice_forward",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("person_id", sa.Uuid),
        sa.Column("to_address", sa.Text, nullable=False),
        sa.Column("invoice_ids", postgresql.ARRAY(sa.Uuid), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_invoice_forward"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_invoice_forward_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_invoice_forward_person_id"),
        sa.CheckConstraint("cardinality(invoice_ids) BETWEEN 1 AND 100", name="ck_invoice_forward_number"),
        sa.CheckConstraint("expires_at > created_at", name="ck_invoice_forward_ends"),
        sa.Index("ix_invoice_forward_org_id_created_at", "org_id", "created_at", "id"),
        sa.Index("ix_invoice_forward_person_id", "person_id"),
        schema="billing",
    )
    ddl.grant("billing.invoice_forward", "SELECT, INSERT, UPDATE")
    ddl.isolate("billing.invoice_forward", "org_id")


def downgrade() -> None:
    """What was sent on is forgotten; its links open nothing."""
    op.drop_table("invoice_forward", schema="billing")
