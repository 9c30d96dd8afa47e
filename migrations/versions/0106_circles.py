"""Circles: organizations that are communities, who is in them, and what their members write."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0106"
down_revision = "0105"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
REPORTED = "comment review question answer video listing".split()


def upgrade() -> None:
    """There are none yet: every organization is a company."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "organization", sa.Column("kind", sa.Text, nullable=False, server_default="company"), schema="marketplace"
    )
    for name, rule in {
        "kind": "kind IN ('company', 'circle')",
        "circle": "kind = 'company' OR (tax_id IS NULL AND NOT is_seller AND NOT is_platform)",
    }.items():
        op.create_check_constraint(f"ck_organization_{name}", "organization", rule, schema="marketplace")
    _reported([*REPORTED, "circle_post"])
    _circle()
    _circle_member()
    _circle_channel()
    _circle_post()
    for table in ("circle", "circle_member", "circle_post"):
        ddl.grant(f"marketplace.{table}", "SELECT, INSERT, UPDATE")
    ddl.grant("marketplace.circle_channel", "SELECT, INSERT, DELETE")
    for table in ("circle", "circle_channel", "circle_post"):
        ddl.isolate(f"marketplace.{table}", "org_id")
    ddl.isolate("marketplace.circle_member", "org_id", "member_org_id")


def downgrade() -> None:
    """Reports of posts go with them."""
    for table in ("circle_post", "circle_channel", "circle_member", "circle"):
        op.drop_table(table, schema="marketplace")
    op.execute("DELETE FROM marketplace.content_report WHERE kind = 'circle_post'")
    _reported(REPORTED)
    for name in ("circle", "kind"):
        op.drop_constraint(f"ck_organization_{name}", "organization", schema="marketplace")
    op.drop_column("organization", "kind", schema="marketplace")


def _reported(kinds: list[str]) -> None:
    op.drop_constraint("ck_content_report_kind", "content_report", schema="marketplace")
    named = ", ".join(f"'{one}'" for one in kinds)
    op.create_check_constraint("ck_content_report_kind", "content_report", f"kind IN ({named})", schema="marketplace")


def _needed(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def _optional(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names.split()]


def _checks(table: str, checks: dict[str, str]) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(rule, name=f"ck_{table}_{name}") for name, rule in checks.items()]


def _to(table: str, target: str, **columns: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        list(columns),
        [f"marketplace.{target}.{one}" for one in columns.values()],
        name=f"fk_{table}_{'_'.join(columns)}",
    )


def _circle() -> None:
    op.create_table(
        "circle",
        *_needed(sa.Uuid, "org_id"),
        *_needed(sa.Text, "kind about visibility joining moderation code"),
        *_optional(sa.Uuid, "company_org_id"),
        *_needed(sa.Uuid, "founded_by"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("org_id", name="pk_circle"),
        sa.UniqueConstraint("code", name="uq_circle_code"),
        _to("circle", "organization", org_id="id"),
        _to("circle", "organization", company_org_id="id"),
        _to("circle", "person", founded_by="id"),
        *_checks(
            "circle",
            {
                "kind": "kind IN ('internal', 'teaching', 'exchange', 'community')",
                "visibility": "visibility IN ('open', 'closed')",
                "joining": "joining IN ('open', 'approval')",
                "moderation": "moderation IN ('before', 'after')",
                "company": "(kind = 'internal') = (company_org_id IS NOT NULL)",
                "internal_closed": "kind <> 'internal' OR visibility = 'closed'",
                "of_a_company": "company_org_id <> org_id",
            },
        ),
        sa.Index("ix_circle_company_org_id", "company_org_id"),
        sa.Index("ix_circle_founded_by", "founded_by"),
        sa.Index("ix_circle_listed", "created_at", "org_id", postgresql_where=sa.text("kind <> 'internal'")),
        schema="marketplace",
    )


def _circle_member() -> None:
    op.create_table(
        "circle_member",
        *_needed(sa.Uuid, "id org_id person_id member_org_id"),
        *_needed(sa.Text, "person_name org_name role state"),
        *_optional(INSTANT, "listed_at"),
        *_needed(INSTANT, "created_at"),
        *_optional(INSTANT, "joined_at"),
        sa.PrimaryKeyConstraint("id", name="pk_circle_member"),
        sa.UniqueConstraint("org_id", "person_id", name="uq_circle_member_org_id_person_id"),
        sa.UniqueConstraint("org_id", "id", name="uq_circle_member_org_id_id"),
        _to("circle_member", "circle", org_id="org_id"),
        _to("circle_member", "organization", member_org_id="id"),
        _to("circle_member", "person", person_id="id"),
        *_checks(
            "circle_member",
            {
                "state": "state IN ('asked', 'active', 'declined', 'left', 'removed')",
                "role": "role IN ('owner', 'moderator', 'member')",
                "owner_active": "role <> 'owner' OR state = 'active'",
                "joined": "state <> 'active' OR joined_at IS NOT NULL",
                "listed": "listed_at IS NULL OR state = 'active'",
            },
        ),
        sa.Index("uq_circle_member_owner", "org_id", unique=True, postgresql_where=sa.text("role = 'owner'")),
        sa.Index("ix_circle_member_org_id_state", "org_id", "state", "created_at", "id"),
        sa.Index("ix_circle_member_person_id", "person_id", "created_at", "id"),
        sa.Index("ix_circle_member_member_org_id", "member_org_id"),
        schema="marketplace",
    )


def _circle_channel() -> None:
    op.create_table(
        "circle_channel",
        *_needed(sa.Uuid, "org_id channel_id"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("org_id", "channel_id", name="pk_circle_channel"),
        _to("circle_channel", "circle", org_id="org_id"),
        _to("circle_channel", "channel", channel_id="id"),
        sa.Index("ix_circle_channel_channel_id", "channel_id"),
        schema="marketplace",
    )


def _circle_post() -> None:
    op.create_table(
        "circle_post",
        *_needed(sa.Uuid, "id org_id member_id"),
        *_needed(sa.Text, "body state"),
        *_optional(sa.Uuid, "video_id listing_id"),
        *_optional(INSTANT, "marked_at"),
        *_needed(INSTANT, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_circle_post"),
        _to("circle_post", "circle_member", org_id="org_id", member_id="id"),
        _to("circle_post", "video", video_id="id"),
        _to("circle_post", "listing", listing_id="id"),
        *_checks(
            "circle_post",
            {
                "state": "state IN ('waiting', 'shown', 'hidden', 'removed')",
                "one_card": "num_nonnulls(listing_id, video_id) <= 1",
                "marked": "marked_at IS NULL OR state = 'shown'",
            },
        ),
        sa.Index("ix_circle_post_org_id_state", "org_id", "state", "created_at", "id"),
        sa.Index("ix_circle_post_member_id", "org_id", "member_id", "created_at"),
        sa.Index("ix_circle_post_marked", "org_id", "marked_at", postgresql_where=sa.text("marked_at IS NOT NULL")),
        sa.Index("ix_circle_post_video_id", "video_id"),
        sa.Index("ix_circle_post_listing_id", "listing_id"),
        schema="marketplace",
    )
