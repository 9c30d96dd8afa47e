"""A headquarters pays by the right that its subsidiary gave it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0131"
down_revision = "0130"
branch_labels = None
depends_on = None

TABLE = "payer_agreement"


def upgrade() -> None:
    """What stands was accepted; nothing of it is by right."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(TABLE, sa.Column("membership_id", sa.Uuid), schema="marketplace")
    op.create_foreign_key(
        "fk_payer_agreement_membership_id",
        TABLE,
        "group_membership",
        ["payer_org_id", "org_id", "membership_id"],
        ["hq_org_id", "org_id", "id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    op.create_check_constraint(
        "ck_payer_agreement_by_right",
        TABLE,
        "membership_id IS NULL OR (by_payer AND accepted_at IS NOT NULL)",
        schema="marketplace",
    )
    op.create_index("ix_payer_agreement_membership_id", TABLE, ["membership_id"], schema="marketplace")


def downgrade() -> None:
    """What stood on a right stands as if it had been accepted."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column(TABLE, "membership_id", schema="marketplace")
