"""What a unit of work sees of the server it runs on."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import create_engine, text

from app.embedded.engines import Addresses
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM


def test_instants_are_utc_wherever_the_server_lives(addresses: Addresses) -> None:
    assert addresses.database_admin_url is not None
    admin = create_engine(addresses.database_admin_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as owner:
        name = owner.scalar(text("SELECT current_database()"))
        owner.execute(text(f"ALTER DATABASE {name} SET timezone TO 'Asia/Shanghai'"))
        db = Database(addresses.database_url)
        try:
            with unit_of_work(db, SYSTEM) as uow:
                found = uow.session.scalar(text("SELECT TIMESTAMPTZ '2026-11-22 12:00+08'"))
            assert found.utcoffset() == timedelta(0)
            assert found.isoformat() == "2026-11-22T04:00:00+00:00"
        finally:
            db.dispose()
            owner.execute(text(f"ALTER DATABASE {name} RESET timezone"))
    admin.dispose()
