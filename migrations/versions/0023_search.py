"""Products, videos and channels are found by their words; a product says how reliably it is delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The index of words, filled by a sweep, and a count over orders that shows none of them."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "search_entry",
        sa.Column("subject_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("audience_id", sa.Uuid),
        sa.Column("document", postgresql.TSVECTOR, nullable=False),
        sa.Column("words_version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("subject_id", name="pk_search_entry"),
        sa.CheckConstraint("kind IN ('product', 'video', 'channel')", name="ck_search_entry_kind"),
        sa.Index("ix_search_entry_document", "document", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        schema="marketplace",
    )
    ddl.grant("marketplace.search_entry")
    # The latest lines of a listing are read in their order.
    op.drop_index("ix_order_line_listing_id", table_name="order_line", schema="orders")
    op.create_index("ix_order_line_listing_id", "order_line", ["listing_id", "id"], schema="orders")
    op.execute("""
        CREATE FUNCTION orders.count_deliveries(listing uuid, latest integer, OUT ended bigint, OUT delivered bigint)
        LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true);
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT count(*), count(*) FILTER (WHERE t.active_at IS NOT NULL) INTO ended, delivered
            FROM (SELECT o.active_at FROM orders.order_line l JOIN orders."order" o ON o.id = l.order_id
                  WHERE l.listing_id = listing AND o.paid_at IS NOT NULL
                  AND (o.active_at IS NOT NULL OR o.failure IS NOT NULL)
                  ORDER BY l.id DESC LIMIT latest) t;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
        END $$""")


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP FUNCTION orders.count_deliveries")
    op.drop_index("ix_order_line_listing_id", table_name="order_line", schema="orders")
    op.create_index("ix_order_line_listing_id", "order_line", ["listing_id"], schema="orders")
    op.drop_table("search_entry", schema="marketplace")
