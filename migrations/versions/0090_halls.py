"""Halls have booths, agendas and visitors; a badge that is given to a booth is a lead."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOSE: dict[str, tuple[str, ...]] = {
    "hall": ("org_id",),
    "hall_booth": ("org_id", "exhibitor_org_id"),
    "hall_booth_item": ("exhibitor_org_id",),
    "hall_agenda_item": ("org_id",),
    "hall_badge": ("org_id", "visitor_org_id"),
    "hall_visit": ("visitor_org_id", "exhibitor_org_id"),
    "hall_exchange": ("visitor_org_id", "exhibitor_org_id"),
}
"""By whom each is read; a hall that was published by everybody, what is in it by the platform's own look."""
REPLACED = ("hall_booth_item", "hall_agenda_item")


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for create in (_hall, _hall_booth, _hall_booth_item, _hall_agenda_item, _hall_badge, _hall_visit, _hall_exchange):
        create()
    for table, columns in WHOSE.items():
        rights = "SELECT, INSERT, UPDATE, DELETE" if table in REPLACED else "SELECT, INSERT, UPDATE"
        ddl.grant(f"marketplace.{table}", rights)
        ddl.isolate(f"marketplace.{table}", *columns, also_read="state = 'published'" if table == "hall" else None)


def downgrade() -> None:
    """Halls are forgotten; leads that came of them stay."""
    for table in reversed(WHOSE):
        op.drop_table(table, schema="marketplace")


def _needed(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def _optional(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names.split()]


def _hall() -> None:
    op.create_table(
        "hall",
        *_needed(sa.Uuid, "id org_id"),
        *_needed(sa.Text, "organizer_name title title_en about about_en visibility state"),
        *_needed(INSTANT, "opens_at closes_at created_at"),
        *_optional(INSTANT, "published_at"),
        sa.CheckConstraint("(published_at IS NOT NULL) = (state <> 'draft')", name="ck_hall_published"),
        sa.CheckConstraint("state IN ('draft', 'published', 'archived')", name="ck_hall_state"),
        sa.CheckConstraint("visibility IN ('public', 'unlisted')", name="ck_hall_visibility"),
        sa.CheckConstraint("closes_at > opens_at", name="ck_hall_dates"),
        sa.ForeignKeyConstraint(["org_id"], ["marketplace.organization.id"], name="fk_hall_org_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hall"),
        sa.UniqueConstraint("org_id", "id", name="uq_hall_org_id_id"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_org_id_created_at", "hall", ["org_id", "created_at", "id"], unique=False, schema="marketplace"
    )
    op.create_index(
        "ix_hall_shown",
        "hall",
        ["opens_at", "id"],
        unique=False,
        schema="marketplace",
        postgresql_where=sa.text("state = 'published' AND visibility = 'public'"),
    )


def _hall_booth() -> None:
    op.create_table(
        "hall_booth",
        *_needed(sa.Uuid, "id hall_id org_id exhibitor_org_id"),
        *_needed(sa.Text, "exhibitor_name state words words_en"),
        *_needed(sa.BigInteger, "position"),
        *_optional(sa.Uuid, "channel_id"),
        *_needed(INSTANT, "created_at"),
        sa.CheckConstraint("state IN ('invited', 'accepted', 'declined', 'removed')", name="ck_hall_booth_state"),
        sa.CheckConstraint("position >= 1", name="ck_hall_booth_position"),
        sa.ForeignKeyConstraint(
            ["exhibitor_org_id", "channel_id"],
            ["marketplace.channel.org_id", "marketplace.channel.id"],
            name="fk_hall_booth_exhibitor_org_id_channel_id",
        ),
        sa.ForeignKeyConstraint(
            ["exhibitor_org_id"], ["marketplace.organization.id"], name="fk_hall_booth_exhibitor_org_id"
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "hall_id"],
            ["marketplace.hall.org_id", "marketplace.hall.id"],
            name="fk_hall_booth_org_id_hall_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hall_booth"),
        sa.UniqueConstraint("exhibitor_org_id", "id", name="uq_hall_booth_exhibitor_org_id_id"),
        sa.UniqueConstraint("org_id", "exhibitor_org_id", "id", name="uq_hall_booth_org_id_exhibitor_org_id_id"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_booth_channel_id", "hall_booth", ["exhibitor_org_id", "channel_id"], unique=False, schema="marketplace"
    )
    op.create_index(
        "ix_hall_booth_exhibitor_org_id_created_at",
        "hall_booth",
        ["exhibitor_org_id", "created_at", "id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_booth_hall_id", "hall_booth", ["org_id", "hall_id", "position"], unique=False, schema="marketplace"
    )
    op.create_index(
        "uq_hall_booth_standing",
        "hall_booth",
        ["hall_id", "exhibitor_org_id"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("state IN ('invited', 'accepted')"),
    )


def _hall_booth_item() -> None:
    op.create_table(
        "hall_booth_item",
        *_needed(sa.Uuid, "id booth_id exhibitor_org_id"),
        *_needed(sa.BigInteger, "position"),
        *_optional(sa.Uuid, "listing_id video_id"),
        sa.CheckConstraint("num_nonnulls(listing_id, video_id) = 1", name="ck_hall_booth_item_one_of_two"),
        sa.CheckConstraint("position >= 1", name="ck_hall_booth_item_position"),
        sa.ForeignKeyConstraint(
            ["exhibitor_org_id", "booth_id"],
            ["marketplace.hall_booth.exhibitor_org_id", "marketplace.hall_booth.id"],
            name="fk_hall_booth_item_exhibitor_org_id_booth_id",
        ),
        sa.ForeignKeyConstraint(
            ["exhibitor_org_id", "listing_id"],
            ["marketplace.listing.org_id", "marketplace.listing.id"],
            name="fk_hall_booth_item_exhibitor_org_id_listing_id",
        ),
        sa.ForeignKeyConstraint(
            ["exhibitor_org_id", "video_id"],
            ["marketplace.video.org_id", "marketplace.video.id"],
            name="fk_hall_booth_item_exhibitor_org_id_video_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hall_booth_item"),
        sa.UniqueConstraint("booth_id", "position", name="uq_hall_booth_item_booth_id_position"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_booth_item_booth_id",
        "hall_booth_item",
        ["exhibitor_org_id", "booth_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_booth_item_listing_id",
        "hall_booth_item",
        ["exhibitor_org_id", "listing_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_booth_item_video_id",
        "hall_booth_item",
        ["exhibitor_org_id", "video_id"],
        unique=False,
        schema="marketplace",
    )


def _hall_agenda_item() -> None:
    op.create_table(
        "hall_agenda_item",
        *_needed(sa.Uuid, "id hall_id org_id"),
        *_needed(INSTANT, "starts_at ends_at"),
        *_needed(sa.Text, "title title_en speaker"),
        *_optional(sa.Uuid, "video_id"),
        sa.CheckConstraint("ends_at > starts_at", name="ck_hall_agenda_item_times"),
        sa.ForeignKeyConstraint(
            ["org_id", "hall_id"],
            ["marketplace.hall.org_id", "marketplace.hall.id"],
            name="fk_hall_agenda_item_org_id_hall_id",
        ),
        sa.ForeignKeyConstraint(["video_id"], ["marketplace.video.id"], name="fk_hall_agenda_item_video_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hall_agenda_item"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_agenda_item_hall_id",
        "hall_agenda_item",
        ["org_id", "hall_id", "starts_at"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_agenda_item_video_id", "hall_agenda_item", ["video_id"], unique=False, schema="marketplace"
    )


def _hall_badge() -> None:
    op.create_table(
        "hall_badge",
        *_needed(sa.Uuid, "id hall_id org_id visitor_org_id person_id"),
        *_needed(sa.Text, "state code name company job_title email phone"),
        *_optional(sa.Text, "consent_version consent_text"),
        *_optional(INSTANT, "consented_at"),
        *_needed(INSTANT, "created_at"),
        sa.CheckConstraint("(consented_at IS NOT NULL) = (state = 'registered')", name="ck_hall_badge_consent"),
        sa.CheckConstraint(
            "consented_at IS NOT NULL OR (name = '' AND company = '' AND job_title = '' AND email = '' AND phone = '')",
            name="ck_hall_badge_no_contact_without_consent",
        ),
        sa.CheckConstraint("state IN ('registered', 'withdrawn')", name="ck_hall_badge_state"),
        sa.CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="ck_hall_badge_consent_words",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "hall_id"],
            ["marketplace.hall.org_id", "marketplace.hall.id"],
            name="fk_hall_badge_org_id_hall_id",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["marketplace.person.id"], name="fk_hall_badge_person_id"),
        sa.ForeignKeyConstraint(
            ["visitor_org_id"], ["marketplace.organization.id"], name="fk_hall_badge_visitor_org_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hall_badge"),
        sa.UniqueConstraint("code", name="uq_hall_badge_code"),
        sa.UniqueConstraint(
            "hall_id", "visitor_org_id", "person_id", name="uq_hall_badge_hall_id_visitor_org_id_person_id"
        ),
        sa.UniqueConstraint("org_id", "visitor_org_id", "id", name="uq_hall_badge_org_id_visitor_org_id_id"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_badge_hall_id",
        "hall_badge",
        ["org_id", "hall_id", "created_at", "id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index("ix_hall_badge_person_id", "hall_badge", ["person_id"], unique=False, schema="marketplace")
    op.create_index(
        "ix_hall_badge_visitor_org_id",
        "hall_badge",
        ["visitor_org_id", "person_id"],
        unique=False,
        schema="marketplace",
    )


def _hall_visit() -> None:
    op.create_table(
        "hall_visit",
        *_needed(sa.Uuid, "booth_id badge_id org_id exhibitor_org_id visitor_org_id"),
        *_needed(INSTANT, "visited_at"),
        sa.ForeignKeyConstraint(
            ["org_id", "exhibitor_org_id", "booth_id"],
            ["marketplace.hall_booth.org_id", "marketplace.hall_booth.exhibitor_org_id", "marketplace.hall_booth.id"],
            name="fk_hall_visit_org_id_exhibitor_org_id_booth_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "visitor_org_id", "badge_id"],
            ["marketplace.hall_badge.org_id", "marketplace.hall_badge.visitor_org_id", "marketplace.hall_badge.id"],
            name="fk_hall_visit_org_id_visitor_org_id_badge_id",
        ),
        sa.PrimaryKeyConstraint("booth_id", "badge_id", name="pk_hall_visit"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_visit_badge_id",
        "hall_visit",
        ["org_id", "visitor_org_id", "badge_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_visit_exhibitor_org_id",
        "hall_visit",
        ["org_id", "exhibitor_org_id", "booth_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_visit_of_exhibitor", "hall_visit", ["exhibitor_org_id"], unique=False, schema="marketplace"
    )
    op.create_index(
        "ix_hall_visit_visitor_org_id", "hall_visit", ["visitor_org_id"], unique=False, schema="marketplace"
    )


def _hall_exchange() -> None:
    op.create_table(
        "hall_exchange",
        *_needed(sa.Uuid, "id booth_id badge_id org_id exhibitor_org_id visitor_org_id"),
        *_needed(sa.Text, "state name company job_title email phone"),
        *_needed(sa.Boolean, "by_exhibitor"),
        *_optional(sa.Text, "consent_version consent_text"),
        *_optional(INSTANT, "consented_at given_at"),
        *_optional(sa.Uuid, "lead_id"),
        *_needed(INSTANT, "created_at"),
        sa.CheckConstraint("(consented_at IS NOT NULL) = (state = 'given')", name="ck_hall_exchange_consent"),
        sa.CheckConstraint("(given_at IS NOT NULL) = (state IN ('given', 'revoked'))", name="ck_hall_exchange_given"),
        sa.CheckConstraint(
            "consented_at IS NOT NULL OR (name = '' AND company = '' AND job_title = '' AND email = '' AND phone = '')",
            name="ck_hall_exchange_no_contact_without_consent",
        ),
        sa.CheckConstraint("state IN ('asked', 'given', 'declined', 'revoked')", name="ck_hall_exchange_state"),
        sa.CheckConstraint(
            "(consented_at IS NULL) = (consent_version IS NULL) AND (consented_at IS NULL) = (consent_text IS NULL)",
            name="ck_hall_exchange_consent_words",
        ),
        sa.CheckConstraint("(lead_id IS NOT NULL) = (given_at IS NOT NULL)", name="ck_hall_exchange_lead"),
        sa.CheckConstraint("visitor_org_id <> exhibitor_org_id", name="ck_hall_exchange_of_another"),
        sa.ForeignKeyConstraint(
            ["org_id", "exhibitor_org_id", "booth_id"],
            ["marketplace.hall_booth.org_id", "marketplace.hall_booth.exhibitor_org_id", "marketplace.hall_booth.id"],
            name="fk_hall_exchange_org_id_exhibitor_org_id_booth_id",
        ),
        sa.ForeignKeyConstraint(
            ["org_id", "visitor_org_id", "badge_id"],
            ["marketplace.hall_badge.org_id", "marketplace.hall_badge.visitor_org_id", "marketplace.hall_badge.id"],
            name="fk_hall_exchange_org_id_visitor_org_id_badge_id",
        ),
        sa.ForeignKeyConstraint(
            ["visitor_org_id", "exhibitor_org_id", "lead_id"],
            ["marketplace.lead.buyer_org_id", "marketplace.lead.seller_org_id", "marketplace.lead.id"],
            name="fk_hall_exchange_visitor_org_id_exhibitor_org_id_lead_id",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hall_exchange"),
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_exchange_badge_id",
        "hall_exchange",
        ["org_id", "visitor_org_id", "badge_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_exchange_booth_id",
        "hall_exchange",
        ["exhibitor_org_id", "booth_id", "created_at", "id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_exchange_lead_id",
        "hall_exchange",
        ["visitor_org_id", "exhibitor_org_id", "lead_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "ix_hall_exchange_org_id",
        "hall_exchange",
        ["org_id", "exhibitor_org_id", "booth_id"],
        unique=False,
        schema="marketplace",
    )
    op.create_index(
        "uq_hall_exchange_standing",
        "hall_exchange",
        ["booth_id", "badge_id"],
        unique=True,
        schema="marketplace",
        postgresql_where=sa.text("state IN ('asked', 'given')"),
    )
