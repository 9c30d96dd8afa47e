"""Channels go live: sessions, their shelves, what was explained from when to when, and who asked to be reminded."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations import ddl

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
TABLES = ("live_reminder", "live_explanation", "live_item", "live_session")
_IN_A_ROOM = "EXISTS (SELECT 1 FROM marketplace.live_session s WHERE s.id = session_id)"


def upgrade() -> None:
    """There are none yet."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    _session()
    _item()
    _explanation()
    _reminder()


def _needed(name: str, kind: Any, **more: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **more)


def _belongs(table: str, *columns: str, to: str) -> sa.ForeignKeyConstraint:
    referred = ["id"] if len(columns) == 1 else ["org_id", "id"]
    if columns[0] == "session_id" and len(columns) > 1:
        referred = ["session_id", "id"]
    return sa.ForeignKeyConstraint(
        columns, [f"marketplace.{to}.{name}" for name in referred], name=f"fk_{table}_{'_'.join(columns)}"
    )


def _checks(table: str, checks: dict[str, str]) -> list[sa.CheckConstraint]:
    return [sa.CheckConstraint(rule, name=f"ck_{table}_{name}") for name, rule in checks.items()]


def _session() -> None:
    name = "live_session"
    checks = {
        "state": "state IN ('scheduled', 'live', 'ended', 'cancelled')",
        "visibility": "visibility IN ('public', 'unlisted', 'partners', 'internal')",
        "started": "(started_at IS NULL) = (state IN ('scheduled', 'cancelled'))",
        "ended": "(ended_at IS NULL) = (state IN ('scheduled', 'live'))",
        "ended_after_start": "ended_at >= started_at",
        "ends": "(ends_at IS NULL) = (started_at IS NULL) AND ends_at > started_at",
    }
    op.create_table(
        name,
        _needed("id", sa.Uuid),
        *(_needed(column, sa.Uuid) for column in ("org_id", "channel_id", "video_id")),
        *(_needed(column, sa.Text) for column in ("title", "title_en", "description", "description_en", "visibility")),
        _needed("partner_ids", postgresql.ARRAY(sa.Uuid)),
        _needed("state", sa.Text),
        _needed("starts_at", INSTANT),
        *(sa.Column(column, INSTANT) for column in ("started_at", "ends_at", "ended_at", "soon_told_at")),
        _needed("sequence", sa.BigInteger, server_default="0"),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("org_id", "id", name=f"uq_{name}_org_id_id"),
        _belongs(name, "org_id", "channel_id", to="channel"),
        _belongs(name, "org_id", "video_id", to="video"),
        *_checks(name, checks),
        sa.Index(f"ix_{name}_org_id_channel_id", "org_id", "channel_id"),
        sa.Index(f"ix_{name}_org_id_video_id", "org_id", "video_id"),
        *(
            sa.Index(f"ix_{name}_{first}_starts_at", first, "starts_at", "id")
            for first in ("org_id", "state", "channel_id")
        ),
        sa.Index("uq_live_session_on_air", "channel_id", unique=True, postgresql_where=sa.text("state = 'live'")),
        sa.Index(
            "ix_live_session_to_tell",
            "starts_at",
            "id",
            postgresql_where=sa.text("state = 'scheduled' AND soon_told_at IS NULL"),
        ),
        schema="marketplace",
    )
    ddl.grant("marketplace.live_session")
    shared = "visibility = 'partners' AND kernel.current_org() = ANY(partner_ids)"
    ddl.isolate("marketplace.live_session", "org_id", also_read=f"visibility IN ('public', 'unlisted') OR ({shared})")
    ddl.leave_room("marketplace.live_session")


def _item() -> None:
    name = "live_item"
    op.create_table(
        name,
        *(
            _needed(column, sa.Uuid)
            for column in ("id", "org_id", "session_id", "seller_org_id", "listing_id", "plan_id")
        ),
        _needed("position", sa.BigInteger),
        sa.Column("removed_at", INSTANT),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("org_id", "id", name=f"uq_{name}_org_id_id"),
        sa.UniqueConstraint("session_id", "id", name=f"uq_{name}_session_id_id"),
        _belongs(name, "org_id", "session_id", to="live_session"),
        _belongs(name, "seller_org_id", "listing_id", to="listing"),
        _belongs(name, "seller_org_id", "plan_id", to="plan"),
        sa.Index(f"ix_{name}_org_id_session_id", "org_id", "session_id"),
        sa.Index(f"ix_{name}_seller_org_id_listing_id", "seller_org_id", "listing_id"),
        sa.Index(f"ix_{name}_seller_org_id_plan_id", "seller_org_id", "plan_id"),
        sa.Index(
            "uq_live_item_plan", "session_id", "plan_id", unique=True, postgresql_where=sa.text("removed_at IS NULL")
        ),
        schema="marketplace",
    )
    ddl.grant("marketplace.live_item")
    ddl.isolate("marketplace.live_item", "org_id", also_read=_IN_A_ROOM)


def _explanation() -> None:
    name = "live_explanation"
    op.create_table(
        name,
        *(_needed(column, sa.Uuid) for column in ("id", "org_id", "session_id", "item_id")),
        _needed("from_ms", sa.BigInteger),
        sa.Column("to_ms", sa.BigInteger),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        _belongs(name, "org_id", "session_id", to="live_session"),
        _belongs(name, "org_id", "item_id", to="live_item"),
        _belongs(name, "session_id", "item_id", to="live_item"),
        *_checks(name, {"span": "from_ms >= 0 AND to_ms >= from_ms"}),
        sa.Index(f"ix_{name}_org_id_session_id", "org_id", "session_id", "from_ms"),
        sa.Index(f"ix_{name}_org_id_item_id", "org_id", "item_id"),
        sa.Index(f"ix_{name}_session_id_item_id", "session_id", "item_id"),
        sa.Index("uq_live_explanation_open", "session_id", unique=True, postgresql_where=sa.text("to_ms IS NULL")),
        schema="marketplace",
    )
    ddl.grant("marketplace.live_explanation")
    ddl.isolate("marketplace.live_explanation", "org_id", also_read=_IN_A_ROOM)


def _reminder() -> None:
    name = "live_reminder"
    op.create_table(
        name,
        *(_needed(column, sa.Uuid) for column in ("id", "org_id", "person_id", "session_id")),
        _needed("created_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.UniqueConstraint("org_id", "person_id", "session_id", name=f"uq_{name}_org_id_person_id_session_id"),
        _belongs(name, "org_id", to="organization"),
        _belongs(name, "person_id", to="person"),
        _belongs(name, "session_id", to="live_session"),
        sa.Index(f"ix_{name}_person_id", "person_id"),
        sa.Index(f"ix_{name}_session_id", "session_id"),
        schema="marketplace",
    )
    ddl.grant("marketplace.live_reminder")
    ddl.isolate("marketplace.live_reminder", "org_id")


def downgrade() -> None:
    """What was shown live is gone."""
    for table in TABLES:
        op.drop_table(table, schema="marketplace")
