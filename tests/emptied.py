"""Emptying a test process's database; what pools remember of committed rows ends with them."""

from __future__ import annotations

from weakref import WeakSet

from sqlalchemy import create_engine, text

from app.embedded.engines import Addresses
from kernel.db.uow import Database

_databases: WeakSet[Database] = WeakSet()


def tell_when_emptied(database: Database) -> None:
    """Let what this pool remembers of committed rows end with them, whichever test empties the tables."""
    _databases.add(database)


def empty(addresses: Addresses) -> None:
    """Truncate every table but what migrations put there; append-only triggers stand aside for the owner."""
    for database in _databases:
        # Committed for good, as production knows it.
        database.remembered.clear()
    assert addresses.database_admin_url is not None
    engine = create_engine(addresses.database_admin_url)
    with engine.begin() as connection:
        tables = connection.scalars(
            text("""SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname IN ('kernel', 'marketplace', 'fulfillment', 'billing', 'orders')
                      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                      AND c.relname NOT IN ('share_policy', 'organization', 'tax_rate', 'catalogue_version',
                                            'account_code')""")
        ).all()
        for table in tables:
            connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        connection.execute(text(f"TRUNCATE {', '.join(tables)} CASCADE"))
        # Of the published policies only the first is a migration's.
        connection.execute(text("ALTER TABLE billing.share_policy DISABLE TRIGGER USER"))
        connection.execute(text("DELETE FROM billing.share_policy WHERE version > 1"))
        for table in (*tables, "billing.share_policy"):
            connection.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))
    engine.dispose()
