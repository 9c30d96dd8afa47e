"""Offers of own figures for a price of components, and of contracts; first terms that end with another subscription."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None

FIRST = ("first_paid_from", "first_ends_at")


def upgrade() -> None:
    """What was offered before has one figure, and the contract of its plan."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("offer_line", sa.Column("price", JSONB), schema="orders")
    op.add_column("offer", sa.Column("contract_terms", sa.BigInteger), schema="orders")
    for name in FIRST:
        op.add_column("entitlement", sa.Column(name, sa.DateTime(timezone=True)), schema="fulfillment")
    op.create_check_constraint(
        "ck_entitlement_first_term",
        "entitlement",
        "(first_ends_at IS NULL) = (first_paid_from IS NULL) AND first_ends_at > first_paid_from",
        schema="fulfillment",
    )
    op.add_column("offer", sa.Column("contract_ends_at", sa.DateTime(timezone=True)), schema="orders")
    op.create_check_constraint(
        "ck_offer_contract", "offer", "contract_terms IS NULL OR contract_ends_at IS NULL", schema="orders"
    )
    op.create_check_constraint("ck_offer_contract_terms", "offer", "contract_terms BETWEEN 1 AND 60", schema="orders")


def downgrade() -> None:
    """Only where no such price was offered: its figure would be taken for a unit's. First terms are then whole ones."""
    op.drop_constraint("ck_entitlement_first_term", "entitlement", schema="fulfillment")
    for name in reversed(FIRST):
        op.drop_column("entitlement", name, schema="fulfillment")
    op.drop_constraint("ck_offer_contract", "offer", schema="orders")
    op.drop_column("offer", "contract_ends_at", schema="orders")
    op.drop_column("offer", "contract_terms", schema="orders")
    op.drop_column("offer_line", "price", schema="orders")
