"""What a request with an idempotency key was answered is kept byte for byte; the token of a session's forms is not kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep answers as text, which writes their table anew: it holds those of sixty days. Forget the tokens."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE kernel.idempotency_key ALTER COLUMN answer TYPE text USING answer::text")
    op.drop_column("session", "csrf", schema="marketplace")


def downgrade() -> None:
    """Keep answers as documents, an empty one where none was given. Sessions end, as nobody can make their tokens."""
    op.execute("DELETE FROM marketplace.session")
    op.add_column("session", sa.Column("csrf", sa.Text, nullable=False), schema="marketplace")
    op.execute(
        "ALTER TABLE kernel.idempotency_key ALTER COLUMN answer TYPE jsonb USING coalesce(nullif(answer, ''), '{}')::jsonb"
    )
