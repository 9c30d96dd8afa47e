"""Jobs, their tries, incoming messages and the sandbox gateway's books are the platform's: no organization reads them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = ("kernel.job", "kernel.job_attempt", "kernel.inbox", "billing.sandbox_operation")


def upgrade() -> None:
    """Close them by force. A unit of work leaves its jobs as the platform, whoever acts in it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY platform ON {table} USING (kernel.is_platform())")


def downgrade() -> None:
    """Open them again."""
    for table in TABLES:
        op.execute(f"DROP POLICY platform ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
