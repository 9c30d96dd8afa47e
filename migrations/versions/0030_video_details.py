"""Videos have captions, chapters, chosen covers, a moment at which they are to be published, and partners who see them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
ADDED = "publish_refused_params publish_refused_code publish_at cover_refused_code cover_request_id chapters captions".split()


def upgrade() -> None:
    """None for the videos there are."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _fill("captions", postgresql.JSONB, "'{}'::jsonb")
    _fill("chapters", postgresql.JSONB, "'[]'::jsonb")
    op.add_column("video", sa.Column("cover_request_id", sa.Uuid), schema="marketplace")
    op.add_column("video", sa.Column("cover_refused_code", sa.Text), schema="marketplace")
    op.add_column("video", sa.Column("publish_at", INSTANT), schema="marketplace")
    op.add_column("video", sa.Column("publish_refused_code", sa.Text), schema="marketplace")
    op.add_column("video", sa.Column("publish_refused_params", postgresql.JSONB), schema="marketplace")
    _readers()
    op.create_index(
        "ix_video_publish_at",
        "video",
        ["publish_at", "id"],
        schema="marketplace",
        postgresql_where=sa.text("publish_at IS NOT NULL"),
    )
    op.create_index(
        "ix_video_cover_request_id",
        "video",
        ["id"],
        schema="marketplace",
        postgresql_where=sa.text("cover_request_id IS NOT NULL"),
    )


def _readers() -> None:
    _fill("partner_ids", postgresql.ARRAY(sa.Uuid), "'{}'")
    _visibilities("public", "unlisted", "partners", "internal")
    op.create_index(
        "ix_video_partners",
        "video",
        ["created_at"],
        schema="marketplace",
        postgresql_where=sa.text("visibility = 'partners'"),
    )
    shared = "visibility = 'partners' AND kernel.current_org() = ANY(partner_ids)"
    op.execute(
        "ALTER POLICY shown ON marketplace.video "
        f"USING (state = 'published' AND (visibility IN ('public', 'unlisted') OR {shared}))"
    )
    # Whoever was given an organization's number may know its name; the row stays with the organization.
    op.execute("""
        CREATE FUNCTION marketplace.organization_names(asked uuid[]) RETURNS TABLE(id uuid, display_name text)
        LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true);
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            RETURN QUERY SELECT o.id, o.display_name FROM marketplace.organization o
                WHERE o.id = ANY(asked) AND o.state = 'active' AND NOT o.is_platform;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
        END $$""")


def _visibilities(*known: str) -> None:
    op.drop_constraint("ck_video_visibility", "video", schema="marketplace")
    listed = ", ".join(f"'{one}'" for one in known)
    op.create_check_constraint("ck_video_visibility", "video", f"visibility IN ({listed})", schema="marketplace")


def _fill(column: str, kind: Any, value: str) -> None:
    op.add_column("video", sa.Column(column, kind, nullable=False, server_default=sa.text(value)), schema="marketplace")
    op.alter_column("video", column, server_default=None, schema="marketplace")


def downgrade() -> None:
    """Forget them."""
    op.execute("DROP FUNCTION marketplace.organization_names(uuid[])")
    op.execute("ALTER POLICY shown ON marketplace.video USING (state = 'published' AND visibility = 'public')")
    op.drop_index("ix_video_partners", table_name="video", schema="marketplace")
    op.execute("UPDATE marketplace.video SET visibility = 'internal' WHERE visibility = 'unlisted'")
    _visibilities("public", "partners", "internal")
    op.drop_column("video", "partner_ids", schema="marketplace")
    op.drop_index("ix_video_publish_at", table_name="video", schema="marketplace")
    op.drop_index("ix_video_cover_request_id", table_name="video", schema="marketplace")
    for column in ADDED:
        op.drop_column("video", column, schema="marketplace")
