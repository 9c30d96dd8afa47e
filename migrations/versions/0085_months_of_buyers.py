"""The first fact of a buyer's month is found without reading all that it ever paid or was invoiced."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None

DATED = (("payment", "payer_org_id", "captured_at"), ("invoice", "buyer_org_id", "issued_at"))


def upgrade() -> None:
    """By the instants that a month's statement goes by."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, org_id, at in DATED:
        op.create_index(
            f"ix_{table}_{org_id}_{at}",
            table,
            [org_id, at],
            schema="billing",
            postgresql_where=sa.text(f"{at} IS NOT NULL"),
        )


def downgrade() -> None:
    """They are only faster."""
    for table, org_id, at in DATED:
        op.drop_index(f"ix_{table}_{org_id}_{at}", table, schema="billing")
