"""The version of what the catalogue shows, and the feed's order for those who see more than what is public."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from migrations import ddl

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SHOWN = "channel video placement claim listing listing_version plan".split()
"""Any change of these may be seen in the feed."""
OF_ORGANIZATION = "display_name, state, is_seller"
"""What cards show of a seller, and what lets them show at all."""


def upgrade() -> None:
    """Create the version and the triggers that replace it; index every published video by the feed's order."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "catalogue_version",
        sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("version", sa.Uuid, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_catalogue_version"),
        sa.CheckConstraint("id = 1", name="ck_catalogue_version_single"),
        schema="marketplace",
    )
    # One row, replaced again and again: its old versions stay on its page, and no index learns of them.
    op.execute("ALTER TABLE marketplace.catalogue_version SET (fillfactor = 10)")
    ddl.grant("marketplace.catalogue_version", "SELECT, INSERT, UPDATE")
    op.execute("INSERT INTO marketplace.catalogue_version VALUES (1, gen_random_uuid())")
    # Once a transaction: what the setting says ends with the transaction, or with the savepoint that undoes the change.
    op.execute("""
        CREATE FUNCTION marketplace.replace_catalogue_version() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('app.catalogue_version_replaced', true) = 'on' THEN
                RETURN NULL;
            END IF;
            INSERT INTO marketplace.catalogue_version VALUES (1, gen_random_uuid())
            ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version;
            PERFORM set_config('app.catalogue_version_replaced', 'on', true);
            RETURN NULL;
        END $$""")
    for table in SHOWN:
        _watch(table, "INSERT OR UPDATE OR DELETE")
    _watch("organization", f"UPDATE OF {OF_ORGANIZATION}")
    op.drop_index("ix_video_feed", "video", schema="marketplace")
    op.create_index(
        "ix_video_feed",
        "video",
        ["published_at", "id"],
        schema="marketplace",
        postgresql_where=sa.text("state = 'published'"),
    )


def _watch(table: str, changes: str) -> None:
    # Deferred to the commit, so that writers wait for each other no longer than a commit takes.
    op.execute(
        f"CREATE CONSTRAINT TRIGGER {table}_replaces_catalogue_version AFTER {changes} ON marketplace.{table} "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION marketplace.replace_catalogue_version()"
    )


def downgrade() -> None:
    """Forget the version; index public videos alone."""
    for table in (*SHOWN, "organization"):
        op.execute(f"DROP TRIGGER {table}_replaces_catalogue_version ON marketplace.{table}")
    op.execute("DROP FUNCTION marketplace.replace_catalogue_version()")
    op.drop_table("catalogue_version", schema="marketplace")
    op.drop_index("ix_video_feed", "video", schema="marketplace")
    op.create_index(
        "ix_video_feed",
        "video",
        ["published_at", "id"],
        schema="marketplace",
        postgresql_where=sa.text("state = 'published' AND visibility = 'public'"),
    )
