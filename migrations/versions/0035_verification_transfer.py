"""An organization proves its tax identifier by a small transfer, too, in place of a document."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

TRANSFER = "transfer_reference IS NULL"


def upgrade() -> None:
    """What is to be transferred, of a proof without a file."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name, kind in (
        ("transfer_reference", sa.Text),
        ("transfer_minor", sa.BigInteger),
        ("currency", sa.CHAR(3)),
    ):
        op.add_column("legal_proof", sa.Column(name, kind), schema="marketplace")
    op.create_check_constraint(
        op.f("ck_legal_proof_file_or_transfer"),
        "legal_proof",
        f"({TRANSFER}) = (file_key <> '') AND ({TRANSFER}) = (transfer_minor IS NULL)"
        f" AND ({TRANSFER}) = (currency IS NULL) AND transfer_minor > 0 IS NOT FALSE",
        schema="marketplace",
    )
    op.create_index(
        "uq_legal_proof_transfer_reference",
        "legal_proof",
        ["transfer_reference"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("transfer_reference IS NOT NULL"),
    )


def downgrade() -> None:
    """Documents alone; transfers that were asked for are forgotten."""
    op.execute("DELETE FROM marketplace.legal_proof WHERE transfer_reference IS NOT NULL")
    op.drop_index("uq_legal_proof_transfer_reference", table_name="legal_proof", schema="marketplace")
    op.drop_constraint("ck_legal_proof_file_or_transfer", "legal_proof", schema="marketplace")
    for name in ("currency", "transfer_minor", "transfer_reference"):
        op.drop_column("legal_proof", name, schema="marketplace")
