"""An organization is handed over: an owner offers, a member accepts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """One table of an organization's own."""
    op.create_table(
        "ownership_transfer",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("from_person_id", sa.Uuid, nullable=False),
        sa.Column("to_person_id", sa.Uuid, nullable=False),
        sa.Column("keeps", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ownership_transfer"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_ownership_transfer_org_id"),
        sa.ForeignKeyConstraint(
            ["from_person_id"], ["marketplace.person.id"], name="fk_ownership_transfer_from_person_id"
        ),
        sa.ForeignKeyConstraint(["to_person_id"], ["marketplace.person.id"], name="fk_ownership_transfer_to_person_id"),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'declined', 'withdrawn')", name="ck_ownership_transfer_state"
        ),
        sa.CheckConstraint("from_person_id <> to_person_id", name="ck_ownership_transfer_two"),
        sa.Index(
            "uq_ownership_transfer_org_id_from_person_id",
            "org_id",
            "from_person_id",
            unique=True,
            postgresql_where=sa.text("state = 'pending'"),
        ),
        sa.Index("ix_ownership_transfer_org_id", "org_id"),
        sa.Index("ix_ownership_transfer_from_person_id", "from_person_id"),
        sa.Index("ix_ownership_transfer_to_person_id", "to_person_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.ownership_transfer")
    ddl.isolate("marketplace.ownership_transfer", "org_id")


def downgrade() -> None:
    """Forget it."""
    op.drop_table("ownership_transfer", schema="marketplace")
