"""Videos have captions and chapters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """None for the videos there are."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _fill("captions", postgresql.JSONB, "'{}'::jsonb")
    _fill("chapters", postgresql.JSONB, "'[]'::jsonb")


def _fill(column: str, kind: sa.types.TypeEngine | type[sa.types.TypeEngine], value: str) -> None:
    op.add_column("video", sa.Column(column, kind, nullable=False, server_default=sa.text(value)), schema="marketplace")
    op.alter_column("video", column, server_default=None, schema="marketplace")


def downgrade() -> None:
    """Forget them."""
    for column in ("chapters", "captions"):
        op.drop_column("video", column, schema="marketplace")
