"""Statements that models cannot say: roles, row level security, append-only tables, partitions by month."""

from __future__ import annotations

from alembic import op

APP_ROLE = "market_app"


def create_schema(name: str) -> None:
    """A package's schema, usable by the serving role."""
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
    op.execute(f"GRANT USAGE ON SCHEMA {name} TO {APP_ROLE}")


def grant(table: str, rights: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """What the serving role may do with a table."""
    op.execute(f"GRANT {rights} ON {table} TO {APP_ROLE}")


def isolate(table: str, *columns: str, also_read: str | None = None) -> None:
    """Row level security: rows of the acting organization (any of `columns`), or everything for the platform's own work.

    `also_read` is an SQL condition under which others may read (published, public). FORCE makes it hold for the owner too.
    """
    mine = " OR ".join(_matches(column) for column in columns)
    rule = f"kernel.is_platform() OR {mine}"
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY organization ON {table} USING ({rule}) WITH CHECK ({rule})")
    if also_read:
        op.execute(f"CREATE POLICY shown ON {table} FOR SELECT USING ({also_read})")


def _matches(column: str) -> str:
    if column.endswith("[]"):
        return f"{column[:-2]} @> ARRAY[kernel.current_org()]"
    return f"{column} = kernel.current_org()"


def append_only(table: str) -> None:
    """The serving role adds and reads; nobody updates, deletes or truncates, the owner included."""
    op.execute(f"REVOKE ALL ON {table} FROM {APP_ROLE}")
    grant(table, "SELECT, INSERT")
    name = table.replace(".", "_")
    op.execute(
        f"CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION kernel.refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION kernel.refuse_change()"
    )


def partition_by_month(table: str) -> None:
    """A default partition, so that no insert ever fails for want of one; `migrations.partitions` adds the months."""
    op.execute(f"CREATE TABLE {table}_default PARTITION OF {table} DEFAULT")


def leave_room(*tables: str) -> None:
    """For rows that change soon after they were written: room in their page, so that no index must learn of it (HOT)."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 85)")
