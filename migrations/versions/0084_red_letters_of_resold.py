"""A red letter of what the platform sold itself is for a refund of the listing's seller: they have their buyer in common."""

from __future__ import annotations

from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None

BOTH = "fk_red_letter_buyer_org_id_seller_org_id_refund_id"
ALONE = "fk_red_letter_refund_id"
SIDES = ["buyer_org_id", "seller_org_id"]


def upgrade() -> None:
    """The key names the refund alone, as that of a credit note does; `market verify` compares the buyers."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _drop(BOTH)
    _create(ALONE, ["refund_id"], ["id"])


def _drop(name: str) -> None:
    op.drop_constraint(name, "red_letter", schema="billing", type_="foreignkey")


def _create(name: str, own: list[str], other: list[str]) -> None:
    op.create_foreign_key(name, "red_letter", "refund", own, other, source_schema="billing", referent_schema="billing")


def downgrade() -> None:
    """Only where the platform took back no tax invoice of its own before a refund."""
    _drop(ALONE)
    _create(BOTH, [*SIDES, "refund_id"], [*SIDES, "id"])
