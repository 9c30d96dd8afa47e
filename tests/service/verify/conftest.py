"""One market per test process, built once; corruption is planted in transactions that are rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app.database_schema import upgrade
from app.embedded.databases import drop_database
from app.embedded.engines import Addresses
from app.embedded.shared import shared_engines
from kernel import clock
from kernel.db.uow import Database, UnitOfWork
from kernel.principal import SYSTEM
from orders.analytics.count_sales import READER
from tests.conftest import NOON
from tests.verify_world import World, build


@dataclass(frozen=True)
class Market:
    """The built market, how its owner and its server reach it, and the instant at which building ended."""

    world: World
    db: Database
    owner: Engine
    addresses: Addresses
    until: datetime


@pytest.fixture(scope="session")
def built(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with shared_engines() as engines:
        addresses = engines.own_database(f"v{os.getpid()}_{worker_id}")
        assert addresses.database_admin_url is not None
        upgrade(addresses.database_admin_url)
        db, owner = Database(addresses.database_url), create_engine(addresses.database_admin_url)
        with clock.frozen(NOON):
            world = build(db, tmp_path_factory.mktemp("objects"))
            until = clock.now()
        yield Market(world, db, owner, addresses, until)
        db.dispose()
        owner.dispose()
        drop_database(addresses.database_admin_url, f"v{os.getpid()}_{worker_id}")


@pytest.fixture
def market(built: Market) -> Iterator[Market]:
    """The market, at the instant where its building ended."""
    with clock.frozen(built.until):
        yield built


@pytest.fixture
def owner(market: Market) -> Iterator[UnitOfWork]:
    """The owner's hands on every row; whatever they do is rolled back."""
    with market.owner.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.execute(text("SELECT set_config('app.platform', 'on', true)"))
            # Whatever is planted in orders changes what sales come to: nothing is said of days that nobody has counted.
            session.execute(text("DELETE FROM kernel.event_cursor WHERE reader = :reader"), {"reader": READER})
            yield UnitOfWork.over(session, SYSTEM)
        outer.rollback()
