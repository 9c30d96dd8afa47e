"""A refund of what stands on a Chinese tax invoice (数电票) waits until a red one takes that back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
BEFORE = "'requested', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'resending', 'settled'"
AFTER = "'requested', 'held', 'processing', 'unknown', 'succeeded', 'failed', 'returned', 'resending', 'settled'"


def upgrade() -> None:
    """No refund has waited so far; every red letter was for a credit note."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("refund", sa.Column("held_at", INSTANT), schema="billing")
    op.add_column("refund", sa.Column("red_waiver", sa.Text), schema="billing")
    _states(AFTER)
    op.create_check_constraint("ck_refund_held", "refund", "state <> 'held' OR held_at IS NOT NULL", schema="billing")
    op.create_check_constraint(
        "ck_refund_red_waiver", "refund", "red_waiver IN ('promise', 'operator')", schema="billing"
    )
    op.create_index(
        "ix_refund_held", "refund", ["held_at"], schema="billing", postgresql_where=sa.text("state = 'held'")
    )
    op.alter_column("red_letter", "note_id", nullable=True, schema="billing")
    op.add_column("red_letter", sa.Column("refund_id", sa.Uuid), schema="billing")
    sides = ["buyer_org_id", "seller_org_id"]
    op.create_foreign_key(
        "fk_red_letter_buyer_org_id_seller_org_id_refund_id",
        "red_letter",
        "refund",
        [*sides, "refund_id"],
        [*sides, "id"],
        source_schema="billing",
        referent_schema="billing",
    )
    op.create_check_constraint(
        "ck_red_letter_cause", "red_letter", "note_id IS NOT NULL OR refund_id IS NOT NULL", schema="billing"
    )
    op.create_index(
        "ix_red_letter_refund_id",
        "red_letter",
        ["refund_id"],
        schema="billing",
        postgresql_where=sa.text("refund_id IS NOT NULL"),
    )


def _states(states: str) -> None:
    op.drop_constraint("ck_refund_state", "refund", schema="billing")
    op.create_check_constraint("ck_refund_state", "refund", f"state IN ({states})", schema="billing")


def downgrade() -> None:
    """Only where no refund waits, and none waited for a letter that has no credit note."""
    op.drop_constraint("ck_red_letter_cause", "red_letter", schema="billing")
    op.drop_index("ix_red_letter_refund_id", "red_letter", schema="billing")
    op.drop_column("red_letter", "refund_id", schema="billing")
    op.alter_column("red_letter", "note_id", nullable=False, schema="billing")
    op.drop_index("ix_refund_held", "refund", schema="billing")
    op.drop_constraint("ck_refund_red_waiver", "refund", schema="billing")
    op.drop_constraint("ck_refund_held", "refund", schema="billing")
    _states(BEFORE)
    op.drop_column("refund", "red_waiver", schema="billing")
    op.drop_column("refund", "held_at", schema="billing")
