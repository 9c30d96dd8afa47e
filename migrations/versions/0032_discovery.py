"""Buyers review what they use and ask about products, which have pictures; the feed's order is worked out beforehand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ON_SALE = "state = 'shown' AND EXISTS (SELECT 1 FROM marketplace.listing l WHERE l.id = listing_id)"
"""Asked under row level security itself: a product one may not see shows nothing of what is said about it either."""
RANKED = ("outcome_h", "newcomer_h", "crowding_h")


def upgrade() -> None:
    """Reviews with their revisions and reports, questions, what a listing's cards say of them, and a video's rank."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _review()
    _revision()
    _report()
    _question()
    for name in ("rating_count", "rating_sum"):
        op.add_column(
            "listing",
            sa.Column(name, sa.BigInteger, nullable=False, server_default="0"),
            schema="marketplace",
        )
    op.create_check_constraint(
        "ck_listing_rating",
        "listing",
        "rating_count >= 0 AND rating_sum BETWEEN rating_count AND rating_count * 5",
        schema="marketplace",
    )
    op.add_column(
        "listing_version",
        sa.Column("images", postgresql.JSONB, nullable=False, server_default="[]"),
        schema="marketplace",
    )
    op.add_column("listing_version", sa.Column("terms", postgresql.JSONB), schema="marketplace")
    _rank()


def _review() -> None:
    op.create_table(
        "customer_review",
        *(
            sa.Column(name, sa.Uuid, nullable=False)
            for name in ("id", "org_id", "seller_org_id", "listing_id", "entitlement_id", "person_id")
        ),
        sa.Column("org_name", sa.Text, nullable=False),
        sa.Column("stars", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.Column("changed_at", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer_review"),
        sa.UniqueConstraint("org_id", "listing_id", name="uq_customer_review_org_id_listing_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_customer_review_person_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "seller_org_id", "entitlement_id"],
            [
                "fulfillment.entitlement.buyer_org_id",
                "fulfillment.entitlement.seller_org_id",
                "fulfillment.entitlement.id",
            ],
            name="fk_customer_review_entitlement",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_customer_review_listing",
        ),
        sa.CheckConstraint("stars BETWEEN 1 AND 5", name="ck_customer_review_stars"),
        sa.CheckConstraint("org_id <> seller_org_id", name="ck_customer_review_of_another"),
        sa.CheckConstraint("(answer = '') = (answered_at IS NULL)", name="ck_customer_review_answered"),
        sa.CheckConstraint("state IN ('shown', 'withdrawn', 'removed')", name="ck_customer_review_state"),
        sa.Index("ix_customer_review_org_id_seller_org_id_entitlement_id", "org_id", "seller_org_id", "entitlement_id"),
        sa.Index("ix_customer_review_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index("ix_customer_review_listing_id_created_at", "listing_id", "created_at", "id"),
        sa.Index("ix_customer_review_person_id", "person_id"),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.customer_review")
    ddl.isolate("fulfillment.customer_review", "org_id", "seller_org_id", also_read=ON_SALE)


def _revision() -> None:
    op.create_table(
        "customer_review_revision",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "review_id", "person_id")),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("stars", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer_review_revision"),
        sa.UniqueConstraint("review_id", "number", name="uq_customer_review_revision_review_id_number"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_customer_review_revision_org_id"),
        sa.ForeignKeyConstraint(
            ["review_id"], ["fulfillment.customer_review.id"], name="fk_customer_review_revision_review_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_customer_review_revision_person_id"),
        sa.Index("ix_customer_review_revision_org_id", "org_id", "review_id"),
        sa.Index("ix_customer_review_revision_person_id", "person_id"),
        schema="fulfillment",
    )
    seen = "EXISTS (SELECT 1 FROM fulfillment.customer_review r WHERE r.id = review_id AND r.state = 'shown')"
    ddl.isolate("fulfillment.customer_review_revision", "org_id", also_read=seen)
    ddl.append_only("fulfillment.customer_review_revision")


def _report() -> None:
    op.create_table(
        "customer_review_report",
        *(sa.Column(name, sa.Uuid, nullable=False) for name in ("id", "org_id", "person_id", "review_id")),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("decided_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_customer_review_report"),
        sa.UniqueConstraint(
            "org_id", "person_id", "review_id", name="uq_customer_review_report_org_id_person_id_review_id"
        ),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_customer_review_report_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_customer_review_report_person_id"),
        sa.ForeignKeyConstraint(
            ["review_id"], ["fulfillment.customer_review.id"], name="fk_customer_review_report_review_id"
        ),
        sa.Index("ix_customer_review_report_person_id", "person_id"),
        sa.Index("ix_customer_review_report_review_id", "review_id"),
        sa.Index("ix_customer_review_report_open", "created_at", postgresql_where=sa.text("decided_at IS NULL")),
        schema="fulfillment",
    )
    ddl.grant("fulfillment.customer_review_report")
    ddl.isolate("fulfillment.customer_review_report", "org_id")


def _question() -> None:
    op.create_table(
        "product_question",
        *(
            sa.Column(name, sa.Uuid, nullable=False)
            for name in ("id", "org_id", "person_id", "seller_org_id", "listing_id")
        ),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("person_name", "org_name", "body", "state", "answer")),
        sa.Column("answered_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_product_question"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_product_question_org_id"),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_product_question_person_id"),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_product_question_listing",
        ),
        sa.CheckConstraint("(answer = '') = (answered_at IS NULL)", name="ck_product_question_answered"),
        sa.CheckConstraint("state IN ('shown', 'hidden', 'removed')", name="ck_product_question_state"),
        sa.Index("ix_product_question_org_id_person_id_created_at", "org_id", "person_id", "created_at"),
        sa.Index("ix_product_question_person_id", "person_id"),
        sa.Index("ix_product_question_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index("ix_product_question_listing_id_created_at", "listing_id", "created_at", "id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.product_question")
    ddl.isolate("marketplace.product_question", "org_id", "seller_org_id", also_read=ON_SALE)


def _rank() -> None:
    for name in RANKED:
        op.add_column("video", sa.Column(name, sa.BigInteger, nullable=False, server_default="0"), schema="marketplace")
    op.add_column("video", sa.Column("category", sa.Text), schema="marketplace")
    op.add_column("video", sa.Column("ranked_at", INSTANT), schema="marketplace")
    op.add_column(
        "organization",
        sa.Column("interests", postgresql.ARRAY(sa.Text), nullable=False, server_default="{}"),
        schema="marketplace",
    )
    op.execute("UPDATE marketplace.video SET ranked_at = published_at WHERE published_at IS NOT NULL")
    # Whoever writes one of what it is made of cannot forget it. (No generated column: adding hours to an instant is not
    # what PostgreSQL calls immutable.)
    op.execute("""
        CREATE FUNCTION marketplace.rank_video() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.ranked_at := NEW.published_at
                + make_interval(hours => (NEW.outcome_h + NEW.newcomer_h - NEW.crowding_h)::integer);
            RETURN NEW;
        END $$""")
    op.execute(
        "CREATE TRIGGER video_is_ranked BEFORE INSERT OR UPDATE OF published_at, outcome_h, newcomer_h, crowding_h "
        "ON marketplace.video FOR EACH ROW EXECUTE FUNCTION marketplace.rank_video()"
    )
    _index_attributions("video_id", "id")
    published = sa.text("state = 'published'")
    op.create_index("ix_video_ranked", "video", ["ranked_at", "id"], schema="marketplace", postgresql_where=published)
    for name, column in (("channel", "channel_id"), ("category", "category")):
        op.create_index(
            f"ix_video_{name}_ranked",
            "video",
            [column, sa.text("ranked_at NULLS FIRST"), "id"],
            schema="marketplace",
            postgresql_where=published,
        )


def _index_attributions(*columns: str) -> None:
    """The latest orders of a video are read in their order."""
    op.drop_index("ix_attribution_video_id", table_name="attribution", schema="orders")
    op.create_index(
        "ix_attribution_video_id",
        "attribution",
        list(columns),
        schema="orders",
        postgresql_where=sa.text("video_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Forget them; the feed is in the order of publication."""
    for name in ("ranked", "channel_ranked", "category_ranked"):
        op.drop_index(f"ix_video_{name}", table_name="video", schema="marketplace")
    _index_attributions("video_id")
    op.execute("DROP TRIGGER video_is_ranked ON marketplace.video")
    op.execute("DROP FUNCTION marketplace.rank_video()")
    op.drop_column("organization", "interests", schema="marketplace")
    for name in ("ranked_at", "category", *RANKED):
        op.drop_column("video", name, schema="marketplace")
    for name in ("terms", "images"):
        op.drop_column("listing_version", name, schema="marketplace")
    op.drop_constraint("ck_listing_rating", "listing", schema="marketplace")
    for name in ("rating_count", "rating_sum"):
        op.drop_column("listing", name, schema="marketplace")
    op.drop_table("product_question", schema="marketplace")
    for table in ("customer_review_report", "customer_review_revision", "customer_review"):
        op.drop_table(table, schema="fulfillment")
