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


PUBLISHED = (
    "SELECT id, 'product', ''::tsvector, 0, NULL::uuid FROM marketplace.listing WHERE state = 'published'",
    """SELECT id, 'video', ''::tsvector, 0, CASE WHEN visibility <> 'public' THEN org_id END
       FROM marketplace.video WHERE state = 'published'""",
    "SELECT id, 'channel', ''::tsvector, 0, NULL::uuid FROM marketplace.channel",
)


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
        sa.Index("ix_search_entry_words_version", "words_version"),
        sa.Index("ix_search_entry_document", "document", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        schema="marketplace",
    )
    ddl.grant("marketplace.search_entry")
    # Without words for now: a sweep writes them, as they are cut by a dictionary.
    for published in PUBLISHED:
        op.execute(
            f"INSERT INTO marketplace.search_entry (subject_id, kind, document, words_version, audience_id) {published}"
        )
    op.create_index(
        "ix_listing_on_sale",
        "listing",
        ["created_at", "id"],
        schema="marketplace",
        postgresql_where=sa.text("state = 'published'"),
    )
    op.create_index(
        "ix_organization_sellers",
        "organization",
        ["display_name", "id"],
        schema="marketplace",
        postgresql_where=sa.text("is_seller"),
    )
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
    op.drop_index("ix_organization_sellers", table_name="organization", schema="marketplace")
    op.drop_index("ix_listing_on_sale", table_name="listing", schema="marketplace")
    op.drop_table("search_entry", schema="marketplace")
