"""Alembic, run as the owner role, one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.resources import files

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

LOCK = 0x6D61726B6574
""""market" in ASCII: the advisory lock under which migrations run, so that two processes do not migrate at once."""


def upgrade(admin_url: str, revision: str = "head") -> None:
    """Bring the database of `admin_url` to a revision, the newest one unless said, in one transaction.

    What months its partitions lack are added.
    """
    from migrations.partitions import add_months_ahead

    with as_owner(admin_url) as connection:
        command.upgrade(_config(connection), revision)
        add_months_ahead(connection)
        _expect_rows(connection)


def downgrade(admin_url: str) -> None:
    """Take everything out of the database of `admin_url` again, in one transaction."""
    with as_owner(admin_url) as connection:
        command.downgrade(_config(connection), "base")


def find_revision(admin_url: str) -> tuple[str | None, str | None]:
    """The revision a database is at and the newest one of this release."""
    newest = ScriptDirectory.from_config(_config(None)).get_current_head()
    engine = create_engine(admin_url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision(), newest
    finally:
        engine.dispose()


def find_differences(admin_url: str) -> list[str]:
    """What differs between a migrated database and the models; empty when nothing does."""
    from migrations.metadata import SCHEMAS, metadata

    engine = create_engine(admin_url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "include_schemas": True,
                    "include_name": partial(include_name, schemas=SCHEMAS),
                    "compare_type": True,
                },
            )
            return [str(difference) for difference in compare_metadata(context, metadata)]
    finally:
        engine.dispose()


def include_name(
    name: str | None,
    kind: str,
    parents: object,  # noqa: ARG001  # Alembic's signature
    *,
    schemas: tuple[str, ...],
) -> bool:
    """Whether Alembic compares this object: our schemas; not partitions, which belong to their parents."""
    if kind == "schema":
        return name in schemas
    if kind == "table":
        return name is not None and "_p2" not in name and not name.endswith("_default")
    return True


_EXPECTED = """
    SELECT pg_restore_relation_stats('schemaname', n.nspname::text, 'relname', c.relname::text,
                                     'relpages', 1, 'reltuples', CAST(:rows AS real))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND c.relkind = 'r' AND c.reltuples < 0 AND c.oid != 'kernel.job'::regclass
"""
EXPECTED_ROWS = 300
_TABLES = """
    SELECT c.oid::regclass::text FROM pg_class c
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relowner = current_user::regrole
    ORDER BY 1
"""


def _expect_rows(connection: Connection) -> None:
    """Let plans that are made before a table has rows be those of a table that has, until it is analyzed.

    Plans are kept. One made for an empty table may take any index that has one of its columns (the check of a composite
    foreign key that of the organization alone), and reads a little more with every row that comes. PostgreSQL before 18
    cannot be told; there the first ANALYZE puts it right. `kernel.job` is emptied as fast as it fills, and is left alone:
    it must be vacuumed by what it really holds.
    """
    from migrations.metadata import SCHEMAS

    assert connection.dialect.server_version_info is not None  # noqa: S101 - known once a connection is open
    if connection.dialect.server_version_info >= (18,):
        connection.execute(text(_EXPECTED), {"rows": EXPECTED_ROWS, "schemas": list(SCHEMAS)})


def gather_statistics(admin_url: str) -> None:
    """Let plans be made for what the tables hold now, after masses of rows came at once.

    PostgreSQL does so by itself for tables that have grown; for the parents of partitions never.
    """
    with as_owner(admin_url) as connection:
        for name in connection.scalars(text(_TABLES)).all():
            connection.execute(text(f"ANALYZE {name}"))


@contextmanager
def as_owner(admin_url: str) -> Iterator[Connection]:
    """A transaction of the role that owns the tables; one at a time in the whole installation."""
    engine = create_engine(admin_url)
    try:
        with engine.begin() as connection:  # allow: one-commit a migration is its own unit of work
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            yield connection
    finally:
        engine.dispose()


def _config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
