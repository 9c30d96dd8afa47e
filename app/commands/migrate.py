"""`market migrate`: Alembic, run as the owner role, one process at a time."""

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

from app.console import choose, console
from app.embedded.databases import create_database, drop_database
from app.embedded.engine_error import EngineError
from app.embedded.engines import running_engines

LOCK = 0x6D61726B6574
""""market" in ASCII: the advisory lock under which migrations run, so that two processes do not migrate at once."""


def run(*, check: bool) -> int:
    """Upgrade to the newest revision, or with `check` prove the migrations on a throw-away database."""
    with running_engines() as settings:
        if settings.database_admin_url is None:
            raise EngineError(
                "DATABASE_ADMIN_URL is not set: migrations run as the role that owns the schemas. Nothing was changed.",
                "未设置 DATABASE_ADMIN_URL：迁移须以数据库结构的所有者角色执行。未作任何更改。",
            )
        if check:
            return _check(settings.database_admin_url)
        upgrade(settings.database_admin_url)
    return 0


def upgrade(admin_url: str) -> None:
    """Bring the database of `admin_url` to the newest revision and add what months its partitions lack, in one transaction."""
    from migrations.partitions import add_months_ahead

    with as_owner(admin_url) as connection:
        command.upgrade(_config(connection), "head")
        add_months_ahead(connection)


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


def _check(admin_url: str) -> int:
    name = "market_migration_check"
    own_url = create_database(admin_url, name)
    try:
        upgrade(own_url)
        differences = find_differences(own_url)
        for difference in differences:
            console.print(choose("Differs from the models: ", "与模型不一致：") + difference, markup=False)
        downgrade(own_url)
        upgrade(own_url)
    finally:
        drop_database(admin_url, name)
    if not differences:
        console.print(
            choose("Migrations equal the models; up, down, up works.", "迁移与模型一致；升级、回退、再升级均正常。")
        )
    return 1 if differences else 0


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
