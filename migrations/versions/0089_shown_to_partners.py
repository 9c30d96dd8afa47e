"""Videos and products may be shown to the partners of their seller alone, all of them or those in some tiers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None

# In a subquery of its own it is asked once a statement, and not before the first row that is not for everybody.
OF_VIEWER = "partner_groups && (SELECT marketplace.partner_groups(kernel.current_org()))"
KEPT = "marketplace.keeps_listing(id, org_id, kernel.current_org())"
LISTING_BEFORE = "state IN ('published', 'suspended', 'retired')"
VIDEO_BEFORE = (
    "state = 'published' AND (visibility IN ('public', 'unlisted')"
    " OR (visibility = 'partners' AND kernel.current_org() = ANY(partner_ids)))"
)
LISTING = f"{LISTING_BEFORE} AND (visibility = 'public' OR {OF_VIEWER} OR {KEPT})"
VIDEO = (
    "state = 'published' AND (visibility IN ('public', 'unlisted')"
    f" OR (visibility = 'partners' AND (kernel.current_org() = ANY(partner_ids) OR {OF_VIEWER})))"
)
# As in 0008: looked up for each row, whatever the statistics say.
OF_A_LISTING = "published_at IS NOT NULL AND (SELECT true FROM marketplace.listing l WHERE l.id = listing_id)"


def upgrade() -> None:
    """What there is is shown to whom it was."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("video", "listing"):
        op.add_column(
            table,
            sa.Column("partner_groups", postgresql.ARRAY(sa.Uuid), nullable=False, server_default=sa.text("'{}'")),
            schema="marketplace",
        )
    op.add_column(
        "video", sa.Column("links_ended", sa.BigInteger, nullable=False, server_default="0"), schema="marketplace"
    )
    op.add_column(
        "listing", sa.Column("visibility", sa.Text, nullable=False, server_default="public"), schema="marketplace"
    )
    op.create_check_constraint(
        "ck_listing_visibility",
        "listing",
        "visibility = 'public' OR (visibility = 'partners' AND cardinality(partner_groups) > 0)",
        schema="marketplace",
    )
    _functions()
    _show(VIDEO, LISTING, OF_A_LISTING)


def _functions() -> None:
    op.execute("""
        CREATE FUNCTION marketplace.partner_groups(buyer uuid) RETURNS uuid[] LANGUAGE sql STABLE AS $$
            SELECT coalesce(array_agg(g.id), '{}')
            FROM marketplace.partner_link k, LATERAL (VALUES (k.seller_org_id), (k.tier_id)) AS g (id)
            WHERE k.buyer_org_id = buyer AND k.state = 'accepted'
        $$""")
    # Of what was bought or offered, the buyer goes on reading what it is.
    op.execute("""
        CREATE FUNCTION marketplace.keeps_listing(listing uuid, seller uuid, buyer uuid) RETURNS boolean
        LANGUAGE plpgsql STABLE AS $$
        DECLARE
            was text := current_setting('app.platform', true);
            kept boolean := false;
        BEGIN
            IF was = 'on' OR buyer IS NULL THEN
                -- The platform reads everything: asked by the look at plans below, too.
                RETURN coalesce(was, '') = 'on';
            END IF;
            PERFORM set_config('app.platform', 'on', true);
            kept := EXISTS (SELECT 1 FROM orders.order_line l
                            WHERE l.buyer_org_id = buyer AND l.seller_org_id = seller AND l.listing_id = listing)
                 OR EXISTS (SELECT 1 FROM orders.offer_line o JOIN marketplace.plan p ON p.id = o.plan_id
                            WHERE o.buyer_org_id = buyer AND o.seller_org_id = seller AND p.listing_id = listing);
            PERFORM set_config('app.platform', coalesce(was, ''), true);
            RETURN kept;
        END $$""")


def _show(video: str, listing: str, of_a_listing: str) -> None:
    op.execute(f"ALTER POLICY shown ON marketplace.video USING ({video})")
    op.execute(f"ALTER POLICY shown ON marketplace.listing USING ({listing})")
    for table in ("listing_version", "plan"):
        op.execute(f"ALTER POLICY shown ON marketplace.{table} USING ({of_a_listing})")


def downgrade() -> None:
    """What was for partners alone is taken off sale or kept inside: it is shown to nobody who did not see it."""
    _show(VIDEO_BEFORE, LISTING_BEFORE, "published_at IS NOT NULL")
    op.execute(
        "UPDATE marketplace.listing SET state = 'suspended' WHERE visibility = 'partners' AND state = 'published'"
    )
    op.execute(
        "UPDATE marketplace.video SET visibility = 'internal' WHERE visibility = 'partners' AND partner_ids = '{}'"
    )
    op.execute("DROP FUNCTION marketplace.keeps_listing(uuid, uuid, uuid)")
    op.execute("DROP FUNCTION marketplace.partner_groups(uuid)")
    op.drop_constraint("ck_listing_visibility", "listing", schema="marketplace")
    op.drop_column("listing", "visibility", schema="marketplace")
    op.drop_column("video", "links_ended", schema="marketplace")
    for table in ("listing", "video"):
        op.drop_column(table, "partner_groups", schema="marketplace")
