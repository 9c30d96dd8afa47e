"""A quote keeps whom the invoice will name: this party decides the tax."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Quotes so far were taxed by the buyer's organization, their lines by the category of what was sold."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("quote", sa.Column("invoice_party", postgresql.JSONB), schema="orders")
    op.execute(
        """
        UPDATE orders.quote q SET
            invoice_party = jsonb_build_object(
                'billing_profile_id', NULL, 'legal_name', o.legal_name, 'country', o.country, 'tax_id', o.tax_id),
            lines = (
                SELECT coalesce(jsonb_agg(line || jsonb_build_object('taxed_as', v.tax_category) ORDER BY place), '[]')
                FROM jsonb_array_elements(q.lines) WITH ORDINALITY AS each (line, place)
                JOIN marketplace.listing_version v ON v.id = (line->>'listing_version_id')::uuid)
        FROM marketplace.organization o WHERE o.id = q.buyer_org_id
        """
    )
    op.alter_column("quote", "invoice_party", nullable=False, schema="orders")


def downgrade() -> None:
    """Forget whom quotes were for."""
    op.drop_column("quote", "invoice_party", schema="orders")
