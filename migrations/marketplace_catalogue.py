"""Tables of revision 0002 that the catalogue needs: listings, versions, plans, placements, claims, touchpoints."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

INSTANT = sa.DateTime(timezone=True)


def create_tables() -> None:
    """Create them in the order of their foreign keys."""
    _listings()
    _versions()
    _plans()
    _placements()
    _claims()
    _touchpoints()
    op.create_foreign_key(
        "fk_listing_current_version",
        "listing",
        "listing_version",
        ["org_id", "current_version_id"],
        ["org_id", "id"],
        source_schema="marketplace",
        referent_schema="marketplace",
    )
    ddl.partition_by_month("marketplace.touchpoint")


def _listings() -> None:
    op.create_table(
        "listing",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("current_version_id", sa.Uuid),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listing"),
        sa.UniqueConstraint("org_id", "id", name="uq_listing_org_id_id"),
        sa.UniqueConstraint("org_id", "slug", name="uq_listing_org_id_slug"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_listing_org_id"),
        sa.CheckConstraint("kind IN ('saas', 'service')", name="ck_listing_kind"),
        sa.CheckConstraint(
            "state <> 'published' OR current_version_id IS NOT NULL", name="ck_listing_published_has_version"
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'in_review', 'published', 'rejected', 'suspended', 'retired')", name="ck_listing_state"
        ),
        sa.Index("ix_listing_org_id_created_at", "org_id", "created_at"),
        sa.Index("ix_listing_org_id_current_version_id", "org_id", "current_version_id"),
        sa.Index(
            "ix_listing_published", "category", "created_at", "id", postgresql_where=sa.text("state = 'published'")
        ),
        schema="marketplace",
    )


def _versions() -> None:
    op.create_table(
        "listing_version",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("title_en", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("summary_en", sa.Text, nullable=False),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("description_en", sa.Text, nullable=False),
        sa.Column("tax_category", sa.Text, nullable=False),
        sa.Column("refund_window_days", sa.BigInteger, nullable=False),
        sa.Column("review_reasons", postgresql.JSONB),
        sa.Column("submitted_at", INSTANT),
        sa.Column("published_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_listing_version"),
        sa.UniqueConstraint("listing_id", "number", name="uq_listing_version_listing_id_number"),
        sa.UniqueConstraint("org_id", "id", name="uq_listing_version_org_id_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_listing_version_org_id_listing_id",
        ),
        sa.CheckConstraint("refund_window_days BETWEEN 0 AND 365", name="ck_listing_version_refund_window_days"),
        sa.CheckConstraint(
            "state IN ('draft', 'in_review', 'published', 'rejected', 'superseded')", name="ck_listing_version_state"
        ),
        sa.CheckConstraint("tax_category IN ('service', 'software')", name="ck_listing_version_tax_category"),
        sa.Index("ix_listing_version_in_review", "submitted_at", postgresql_where=sa.text("state = 'in_review'")),
        sa.Index("ix_listing_version_org_id_listing_id", "org_id", "listing_id", "number"),
        schema="marketplace",
    )


def _plans() -> None:
    op.create_table(
        "plan",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("version_id", sa.Uuid, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("pricing", sa.Text, nullable=False),
        sa.Column("interval", sa.Text, nullable=False),
        sa.Column("term_months", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger, nullable=False),
        sa.Column("tax_included", sa.Boolean, nullable=False),
        sa.Column("min_seats", sa.BigInteger, nullable=False),
        sa.Column("max_seats", sa.BigInteger, nullable=False),
        sa.Column("included_seats", sa.BigInteger, nullable=False),
        sa.Column("trial_days", sa.BigInteger, nullable=False),
        sa.Column("features", postgresql.JSONB, nullable=False),
        sa.Column("connector_id", sa.Uuid),
        sa.Column("deadline_s", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("published_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_plan"),
        sa.UniqueConstraint("org_id", "id", name="uq_plan_org_id_id"),
        sa.UniqueConstraint("version_id", "code", name="uq_plan_version_id_code"),
        sa.ForeignKeyConstraint(
            ["org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_plan_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "version_id"],
            ["marketplace.listing_version.org_id", "marketplace.listing_version.id"],
            name="fk_plan_org_id_version_id",
        ),
        sa.CheckConstraint("deadline_s BETWEEN 1 AND 7776000", name="ck_plan_deadline"),
        sa.CheckConstraint("unit_price_minor >= 0", name="ck_plan_price"),
        sa.CheckConstraint("pricing IN ('per_seat', 'flat', 'one_off')", name="ck_plan_pricing"),
        sa.CheckConstraint("min_seats >= 1 AND max_seats >= min_seats AND included_seats >= 0", name="ck_plan_seats"),
        sa.CheckConstraint("pricing = 'per_seat' OR max_seats = 1", name="ck_plan_single"),
        sa.CheckConstraint("state IN ('active', 'withdrawn')", name="ck_plan_state"),
        sa.CheckConstraint(
            "(\"interval\" = 'none' AND term_months = 0 AND pricing = 'one_off')"
            " OR (\"interval\" = 'month' AND term_months = 1 AND pricing <> 'one_off')"
            " OR (\"interval\" = 'year' AND term_months = 12 AND pricing <> 'one_off')",
            name="ck_plan_term",
        ),
        sa.CheckConstraint("trial_days BETWEEN 0 AND 90", name="ck_plan_trial_days"),
        sa.Index("ix_plan_org_id_listing_id", "org_id", "listing_id"),
        sa.Index("ix_plan_org_id_version_id", "org_id", "version_id"),
        schema="marketplace",
    )


def _placements() -> None:
    op.create_table(
        "placement",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("seller_org_id", sa.Uuid, nullable=False),
        sa.Column("listing_id", sa.Uuid, nullable=False),
        sa.Column("plan_id", sa.Uuid, nullable=False),
        sa.Column("start_ms", sa.BigInteger, nullable=False),
        sa.Column("end_ms", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("removed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_placement"),
        sa.UniqueConstraint("org_id", "id", name="uq_placement_org_id_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_placement_org_id_video_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_placement_seller_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(
            ["seller_org_id", "plan_id"],
            ["marketplace.plan.org_id", "marketplace.plan.id"],
            name="fk_placement_seller_org_id_plan_id",
        ),
        sa.CheckConstraint("action IN ('buy', 'trial', 'demo', 'quote')", name="ck_placement_action"),
        sa.CheckConstraint("start_ms >= 0 AND end_ms > start_ms", name="ck_placement_range"),
        sa.Index("ix_placement_listing_id", "listing_id"),
        sa.Index("ix_placement_org_id_video_id", "org_id", "video_id", "start_ms"),
        sa.Index("ix_placement_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index("ix_placement_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index("ix_placement_video_id", "video_id"),
        schema="marketplace",
    )


def _claims() -> None:
    op.create_table(
        "claim",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("org_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("placement_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("value_int", sa.BigInteger),
        sa.Column("value_text", sa.Text),
        sa.Column("currency", sa.CHAR(3)),
        sa.Column("unit", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("text_en", sa.Text, nullable=False),
        sa.Column("removed_at", INSTANT),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_claim"),
        sa.UniqueConstraint("org_id", "id", name="uq_claim_org_id_id"),
        sa.ForeignKeyConstraint(
            ["org_id", "placement_id"],
            ["marketplace.placement.org_id", "marketplace.placement.id"],
            name="fk_claim_org_id_placement_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_claim_org_id_video_id",
        ),
        sa.CheckConstraint("at_ms >= 0", name="ck_claim_at"),
        sa.CheckConstraint("(kind = 'price') = (currency IS NOT NULL)", name="ck_claim_currency"),
        sa.CheckConstraint(
            "kind IN ('price', 'included_seats', 'trial_days', 'feature', 'service_level')", name="ck_claim_kind"
        ),
        sa.Index("ix_claim_org_id_placement_id", "org_id", "placement_id"),
        sa.Index("ix_claim_org_id_video_id", "org_id", "video_id", "at_ms"),
        sa.Index("ix_claim_video_id", "video_id"),
        schema="marketplace",
    )


def _touchpoints() -> None:
    op.create_table(
        "touchpoint",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("occurred_at", INSTANT, nullable=False),
        sa.Column("org_id", sa.Uuid),
        sa.Column("person_id", sa.Uuid),
        sa.Column("anonymous_id", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel_org_id", sa.Uuid, nullable=False),
        sa.Column("video_id", sa.Uuid, nullable=False),
        sa.Column("placement_id", sa.Uuid),
        sa.Column("second_ms", sa.BigInteger, nullable=False),
        sa.Column("watched_ms", sa.BigInteger, nullable=False),
        sa.Column("share_link_id", sa.Uuid),
        sa.Column("sharer_org_id", sa.Uuid),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", "occurred_at", name="pk_touchpoint"),
        sa.CheckConstraint("second_ms >= 0 AND watched_ms >= 0", name="ck_touchpoint_durations"),
        sa.CheckConstraint("kind IN ('impression', 'view', 'card_click', 'share', 'lead')", name="ck_touchpoint_kind"),
        sa.Index("ix_touchpoint_channel_org_id_video_id_occurred_at", "channel_org_id", "video_id", "occurred_at"),
        sa.Index("ix_touchpoint_org_id_video_id_occurred_at", "org_id", "video_id", "occurred_at"),
        schema="marketplace",
        postgresql_partition_by="RANGE (occurred_at)",
    )
