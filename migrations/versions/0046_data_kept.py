"""A version says for how long a customer's data are kept after the end; what ends is given the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0042"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """What was sold so far was sold with nothing said of it, and stays so."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "listing_version",
        sa.Column("data_kept_days", sa.BigInteger, nullable=False, server_default="30"),
        schema="marketplace",
    )
    op.create_check_constraint(
        "ck_listing_version_data_kept_days",
        "listing_version",
        "data_kept_days BETWEEN 0 AND 3650",
        schema="marketplace",
    )
    op.add_column("entitlement", sa.Column("data_kept_days", sa.BigInteger), schema="fulfillment")
    op.add_column("entitlement", sa.Column("data_kept_until", INSTANT), schema="fulfillment")
    op.add_column("entitlement", sa.Column("data_noticed_at", INSTANT), schema="fulfillment")
    op.create_check_constraint(
        "ck_entitlement_data_kept", "entitlement", "data_kept_until IS NULL OR state = 'ended'", schema="fulfillment"
    )
    op.create_index(
        "ix_entitlement_data_kept_until",
        "entitlement",
        ["data_kept_until"],
        schema="fulfillment",
        postgresql_where=sa.text("data_kept_until IS NOT NULL AND data_noticed_at IS NULL"),
    )


def downgrade() -> None:
    """What was promised is forgotten."""
    op.drop_index("ix_entitlement_data_kept_until", "entitlement", schema="fulfillment")
    op.drop_constraint("ck_entitlement_data_kept", "entitlement", schema="fulfillment")
    for name in ("data_noticed_at", "data_kept_until", "data_kept_days"):
        op.drop_column("entitlement", name, schema="fulfillment")
    op.drop_constraint("ck_listing_version_data_kept_days", "listing_version", schema="marketplace")
    op.drop_column("listing_version", "data_kept_days", schema="marketplace")
