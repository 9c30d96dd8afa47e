"""A member's link is to a product or a channel, too; who followed one to it is a touchpoint of that in place of a video."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0136"
down_revision = "0135"
branch_labels = None
depends_on = None

_SUBJECTS = {"listing_id": "marketplace.listing", "channel_id": "marketplace.channel"}
_TOUCHPOINT = "marketplace.touchpoint"
_IN_A_ROOM = "(live_session_id IS NULL) = (live_item_id IS NULL)"
_PLACE = f"num_nonnulls(video_id, live_session_id, listing_id, channel_id) = 1 AND {_IN_A_ROOM}"
_PLACE_BEFORE = f"(video_id IS NULL) = (live_session_id IS NOT NULL) AND {_IN_A_ROOM}"
_LINK = "(listing_id IS NULL AND channel_id IS NULL) OR (kind = 'arrival' AND share_link_id IS NOT NULL)"
_INDEXES = {
    "listing": (["org_id", "listing_id"], "listing_id IS NOT NULL"),
    "channel": (["org_id", "occurred_at"], "channel_id IS NOT NULL"),
    "link": (["share_link_id"], "listing_id IS NOT NULL OR channel_id IS NOT NULL"),
}


def upgrade() -> None:
    """All there are, are of videos."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column, parent in _SUBJECTS.items():
        op.add_column("share_link", sa.Column(column, sa.Uuid), schema="marketplace")
        schema, table = parent.split(".")
        op.create_foreign_key(
            f"fk_share_link_{column}",
            "share_link",
            table,
            [column],
            ["id"],
            source_schema=schema,
            referent_schema=schema,
        )
        op.create_unique_constraint(
            f"uq_share_link_org_id_person_id_{column}", "share_link", ["org_id", "person_id", column], schema=schema
        )
        op.create_index(f"ix_share_link_{column}", "share_link", [column], schema=schema)
        op.add_column("touchpoint", sa.Column(column, sa.Uuid), schema=schema)
    op.alter_column("share_link", "video_id", nullable=True, schema="marketplace")
    op.create_check_constraint(
        "ck_share_link_subject",
        "share_link",
        "num_nonnulls(video_id, listing_id, channel_id) = 1",
        schema="marketplace",
    )
    _find("video_id", "listing_id", "channel_id")
    op.drop_constraint("ck_touchpoint_place", "touchpoint", schema="marketplace")
    op.create_check_constraint("ck_touchpoint_place", "touchpoint", _PLACE, schema="marketplace")
    op.create_check_constraint("ck_touchpoint_link", "touchpoint", _LINK, schema="marketplace")
    for name, (columns, where) in _INDEXES.items():
        op.create_index(
            f"ix_touchpoint_{name}", "touchpoint", columns, schema="marketplace", postgresql_where=sa.text(where)
        )


def downgrade() -> None:
    """Links to products and channels lead nowhere any more, and who followed them is forgotten; what they sold stays with whom
    it is owed to.
    """
    op.execute("SET LOCAL lock_timeout = '5s'")
    for name in _INDEXES:
        op.drop_index(f"ix_touchpoint_{name}", table_name="touchpoint", schema="marketplace")
    for name in ("link", "place"):
        op.drop_constraint(f"ck_touchpoint_{name}", "touchpoint", schema="marketplace")
    _delete(_TOUCHPOINT, "listing_id IS NOT NULL OR channel_id IS NOT NULL")
    op.create_check_constraint("ck_touchpoint_place", "touchpoint", _PLACE_BEFORE, schema="marketplace")
    _find("video_id")
    # An attribution keeps the organization that it is owed to.
    _without_guards(
        "orders.attribution",
        "UPDATE orders.attribution SET share_link_id = NULL WHERE share_link_id IN "
        "(SELECT id FROM marketplace.share_link WHERE video_id IS NULL)",
    )
    _delete("marketplace.share_link", "video_id IS NULL")
    op.drop_constraint("ck_share_link_subject", "share_link", schema="marketplace")
    op.alter_column("share_link", "video_id", nullable=False, schema="marketplace")
    for column in _SUBJECTS:
        op.drop_column("share_link", column, schema="marketplace")
        op.drop_column("touchpoint", column, schema="marketplace")


def _find(*subjects: str) -> None:
    op.execute("DROP FUNCTION marketplace.find_share_link(text)")
    out = ", ".join(f"OUT {name} uuid" for name in ("id", "org_id", *subjects))
    columns = ", ".join(f"l.{name}" for name in ("id", "org_id", *subjects))
    op.execute(f"""
        CREATE FUNCTION marketplace.find_share_link(shared text, {out})
        LANGUAGE plpgsql AS $$
        DECLARE was text := current_setting('app.platform', true);
        BEGIN
            PERFORM set_config('app.platform', 'on', true);
            SELECT {columns} INTO {", ".join(("id", "org_id", *subjects))}
            FROM marketplace.share_link l WHERE l.code = shared;
            PERFORM set_config('app.platform', coalesce(was, ''), true);
        END $$""")


def _delete(table: str, where: str) -> None:
    _without_guards(table, f"DELETE FROM {table} WHERE {where}")


def _without_guards(table: str, statement: str) -> None:
    """Some of it nobody changes, the owner included, by triggers and by row level security."""
    for way in ("DISABLE TRIGGER USER", "NO FORCE ROW LEVEL SECURITY"):
        op.execute(f"ALTER TABLE {table} {way}")
    op.execute(statement)
    for way in ("FORCE ROW LEVEL SECURITY", "ENABLE TRIGGER USER"):
        op.execute(f"ALTER TABLE {table} {way}")
