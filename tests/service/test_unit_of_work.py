"""What a unit of work sees of the server it runs on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from litestar.testing import TestClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from api.context import Services
from app.embedded.engines import Addresses
from app.local_executor import LocalExecutor
from app.worker import SWEEP_S, sweep
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from tests.api_server import application


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


class TestServerThatTakesNoConnection:
    """It is away, or on its way back from a crash: whoever waits goes on waiting, and nobody is told that we are broken."""

    @pytest.fixture
    def away(self, services: Services) -> Services:
        return replace(services, db=Database("postgresql+psycopg://nobody@127.0.0.1:9/none"))

    def test_a_unit_of_work_raises_what_it_says_it_does(self, away: Services) -> None:
        with pytest.raises(DBAPIError), unit_of_work(away.db, SYSTEM):
            pass

    def test_a_worker_looks_again(self, away: Services) -> None:
        executor = LocalExecutor(away.runner, ("default",), lambda _: None, threads=1)
        assert sweep(away.db, ("default",), executor) == SWEEP_S

    @pytest.mark.parametrize("path", ["/v1/feed", "/v1/session", "/"])
    def test_a_request_is_told_to_come_back(self, away: Services, path: str) -> None:
        with TestClient(application(away), base_url="https://market.example", raise_server_exceptions=False) as client:
            client.cookies.set("__Host-session", "x" * 43)
            answer = client.get(path)
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
