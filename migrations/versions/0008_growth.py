"""What must cost the same however much there is: conditions that look up one row instead of reading a whole table."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Inside an OR, an EXISTS may be answered by reading all of the other table into memory first. A subquery for one value is
# looked up for each row, whatever the statistics say.
OF_A_VIDEO = "(SELECT true FROM marketplace.video v WHERE v.id = video_id)"
OF_A_COLLEAGUE = "(SELECT true FROM marketplace.member m WHERE m.person_id = person.id LIMIT 1)"
BEFORE = "EXISTS (SELECT 1 FROM marketplace.video v WHERE v.id = video_id)"
COLLEAGUE_BEFORE = "EXISTS (SELECT 1 FROM marketplace.member m WHERE m.person_id = person.id)"
INDEXES = (
    # Credit notes name their order, too; the unique index leaves them out.
    ("billing.invoice", "ix_invoice_reference", ["reference"], None),
    # What sweeps look for is a few rows of many.
    ("billing.share", "ix_share_releasable", ["org_id", "releasable_at"], "state = 'releasable'"),
    ("billing.share", "ix_share_sale_releasable", ["seller_org_id", "releasable_at"], "state = 'releasable'"),
    ("marketplace.video", "ix_video_processing", ["id"], "state = 'processing'"),
    ("orders.quote", "ix_quote_unused", ["expires_at"], "used_at IS NULL"),
)


def upgrade() -> None:
    """Put the conditions in their places; index a listing's cards by their videos."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _show(OF_A_VIDEO, OF_A_COLLEAGUE)
    op.create_index("ix_placement_listing_id_video_id", "placement", ["listing_id", "video_id"], schema="marketplace")
    op.drop_index("ix_placement_listing_id", "placement", schema="marketplace")
    for table, name, columns, rows in INDEXES:
        schema, _, of = table.partition(".")
        op.create_index(name, of, columns, schema=schema, postgresql_where=sa.text(rows) if rows else None)


def _show(of_a_video: str, of_a_colleague: str) -> None:
    op.execute(
        f"ALTER POLICY shown ON marketplace.placement USING (seller_org_id = kernel.current_org() OR {of_a_video})"
    )
    op.execute(f"ALTER POLICY shown ON marketplace.claim USING ({of_a_video})")
    op.execute(f"ALTER POLICY colleague ON marketplace.person USING ({of_a_colleague})")


def downgrade() -> None:
    """As it was before."""
    for table, name, _, _ in INDEXES:
        schema, _, of = table.partition(".")
        op.drop_index(name, of, schema=schema)
    op.create_index("ix_placement_listing_id", "placement", ["listing_id"], schema="marketplace")
    op.drop_index("ix_placement_listing_id_video_id", "placement", schema="marketplace")
    _show(BEFORE, COLLEAGUE_BEFORE)
