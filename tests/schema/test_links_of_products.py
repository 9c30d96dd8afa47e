"""Links of products and channels, what was followed by them and what they sold are no obstacle to the release before."""

from __future__ import annotations

import os

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from app.database_schema import _config, as_owner, upgrade
from app.embedded.databases import create_database, drop_database
from app.embedded.engines import Addresses

REVISION = "0136"
A, B, C, D = (f"'00000000-0000-7000-8000-00000000000{digit}'" for digit in "abcd")
ROWS = (
    *(
        f"""INSERT INTO marketplace.share_link (id, code, org_id, person_id, {column}, created_at)
            VALUES ({key}, '{column}', {A}, {A}, {A}, now())"""
        for column, key in (("video_id", A), ("listing_id", B), ("channel_id", C))
    ),
    *(
        f"""INSERT INTO marketplace.touchpoint (id, occurred_at, kind, channel_org_id, second_ms, watched_ms, share_link_id,
                                                sharer_org_id, {column}, received_at)
            VALUES ({key}, now(), 'arrival', {D}, 0, 0, {key}, {A}, {A}, now())"""
        for column, key in (("video_id", A), ("listing_id", B), ("channel_id", C))
    ),
    *(
        f"""INSERT INTO orders.attribution (id, order_line_id, buyer_org_id, seller_org_id, promoter_org_id, rule, video_id,
                                            share_link_id, path, decided_at)
            VALUES ({key}, {key}, {B}, {C}, {A}, 'last_click', {video}, {key}, '[]', now())"""
        for key, video in ((A, A), (B, "NULL"))
    ),
)


def test_they_are_forgotten_and_what_is_owed_stays(addresses: Addresses) -> None:
    assert addresses.database_admin_url is not None
    name = f"links_down_{os.getpid()}"
    own_url = create_database(addresses.database_admin_url, name)
    engine = create_engine(own_url)
    before = ScriptDirectory.from_config(_config(None)).get_revision(REVISION).down_revision
    assert isinstance(before, str)
    try:
        upgrade(own_url, REVISION)
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            for table, key in connection.execute(
                text(
                    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype = 'f' "
                    "AND conrelid::regclass::text IN ('marketplace.share_link', 'orders.attribution')"
                )
            ).all():
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {key}"))
            for statement in ROWS:
                connection.execute(text(statement))
        with as_owner(own_url) as connection:
            command.downgrade(_config(connection), before)
        with engine.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            assert connection.execute(text("SELECT code FROM marketplace.share_link")).scalars().all() == ["video_id"]
            assert connection.execute(text("SELECT count(*) FROM marketplace.touchpoint")).scalar() == 1
            owed = connection.execute(
                text("SELECT promoter_org_id::text, share_link_id IS NULL FROM orders.attribution ORDER BY id")
            ).all()
            assert [tuple(row) for row in owed] == [(A.strip("'"), False), (A.strip("'"), True)]
            found = connection.execute(
                text("SELECT video_id::text FROM marketplace.find_share_link('video_id')")
            ).scalar()
            assert found == A.strip("'")
        upgrade(own_url, REVISION)
    finally:
        engine.dispose()
        drop_database(addresses.database_admin_url, name)
