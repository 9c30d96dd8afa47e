"""Cards are found by their video without an order, so that a listing's latest cards are read by the listing's own index."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A hash index in place of an ordered one."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_placement_video_id", table_name="placement", schema="marketplace")
    op.create_index("ix_placement_video_id", "placement", ["video_id"], schema="marketplace", postgresql_using="hash")


def downgrade() -> None:
    """The ordered one again."""
    op.drop_index("ix_placement_video_id", table_name="placement", schema="marketplace")
    op.create_index("ix_placement_video_id", "placement", ["video_id"], schema="marketplace")
