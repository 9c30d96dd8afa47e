"""An attribution names the member's link that led to the sale."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0111"
down_revision = "0110"
branch_labels = None
depends_on = None

COLUMN = "share_link_id"


def upgrade() -> None:
    """Of what was sold until now the organization is known alone."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("attribution", sa.Column(COLUMN, sa.Uuid), schema="orders")
    op.create_foreign_key(
        f"fk_attribution_{COLUMN}",
        "attribution",
        "share_link",
        [COLUMN],
        ["id"],
        source_schema="orders",
        referent_schema="marketplace",
    )
    op.create_index(
        f"ix_attribution_{COLUMN}",
        "attribution",
        [COLUMN],
        schema="orders",
        postgresql_where=sa.text(f"{COLUMN} IS NOT NULL"),
    )


def downgrade() -> None:
    """Who of an organization brought a sale is forgotten; the organization stays."""
    op.drop_index(f"ix_attribution_{COLUMN}", table_name="attribution", schema="orders")
    op.drop_column("attribution", COLUMN, schema="orders")
