"""What a request with an idempotency key was answered is kept byte for byte."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep text. Writes the table anew; it holds sixty days of answers at most."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("ALTER TABLE kernel.idempotency_key ALTER COLUMN answer TYPE text USING answer::text")


def downgrade() -> None:
    """Keep documents. A key whose answer was never given has an empty one."""
    op.execute(
        "ALTER TABLE kernel.idempotency_key ALTER COLUMN answer TYPE jsonb USING coalesce(nullif(answer, ''), '{}')::jsonb"
    )
