"""A webhook that was put aside can be closed by an operator, with what was done about it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

BEFORE = "'received', 'processed', 'ignored', 'quarantined'"


def upgrade() -> None:
    """One state more, and what belongs to it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("inbox", sa.Column("subject_id", sa.Uuid), schema="kernel")
    op.add_column("inbox", sa.Column("settled_at", sa.DateTime(timezone=True)), schema="kernel")
    for column in ("settled_by", "resolution"):
        op.add_column("inbox", sa.Column(column, sa.Text), schema="kernel")
    _allow(f"{BEFORE}, 'settled'", indexed="state IN ('quarantined', 'settled')")
    op.create_check_constraint(
        "ck_inbox_settled",
        "inbox",
        "(state = 'settled') = (settled_at IS NOT NULL AND settled_by IS NOT NULL AND resolution IS NOT NULL)",
        schema="kernel",
    )


def downgrade() -> None:
    """What was settled counts as processed."""
    op.drop_constraint("ck_inbox_settled", "inbox", schema="kernel")
    op.execute("UPDATE kernel.inbox SET state = 'processed' WHERE state = 'settled'")
    _allow(BEFORE, indexed="state = 'quarantined'")
    for column in ("subject_id", "settled_at", "settled_by", "resolution"):
        op.drop_column("inbox", column, schema="kernel")


def _allow(states: str, indexed: str) -> None:
    op.drop_constraint("ck_inbox_state", "inbox", schema="kernel")
    op.create_check_constraint("ck_inbox_state", "inbox", f"state IN ({states})", schema="kernel")
    op.drop_index("ix_inbox_quarantined", "inbox", schema="kernel")
    op.create_index(
        "ix_inbox_quarantined", "inbox", ["received_at"], postgresql_where=sa.text(indexed), schema="kernel"
    )
