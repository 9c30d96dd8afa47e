"""A market on a database of its own, where rows may be made in masses; the databases here need a superuser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from app.composition import register_jobs
from app.database_schema import upgrade
from app.embedded.databases import drop_database
from app.embedded.shared import shared_engines
from bench.stack import connect_superuser
from bench.template import Recording, Template
from billing.gateways.janitor import WEBHOOKS
from billing.gateways.webhooks import ANSWER_FIRST
from kernel import clock
from tests.adapters.seller_process import Seller
from tests.loop.conftest import seller_app
from tests.loop_stage import RENDERERS, Stage, services_for, set_stage

__all__ = ["seller_app"]


@dataclass(frozen=True)
class Market:
    """A stage on a database of its own, its superuser's connection, and what one sale left behind."""

    stage: Stage
    connection: psycopg.Connection
    sale: Template


@pytest.fixture(scope="session")
def migrated(worker_id: str) -> Iterator[str]:
    """A migrated database to copy: migrations are the longest part of making one."""
    name = f"m{os.getpid()}_{worker_id}"
    with shared_engines() as engines:
        own = engines.own_database(name)
        assert own.database_admin_url is not None
        upgrade(own.database_admin_url)
        yield name
        with suppress(psycopg.errors.InsufficientPrivilege):
            drop_database(own.database_admin_url, name)


@pytest.fixture
def market(worker_id: str, migrated: str, seller_app: Seller, noon: datetime, tmp_path: Path) -> Iterator[Market]:
    name = f"p{os.getpid()}_{worker_id}"
    with shared_engines() as engines:
        own = engines.own_database(name, template=migrated)
        assert own.database_admin_url is not None
        services = services_for(own, tmp_path, sample_seller_port=seller_app.port)
        register_jobs(services, RENDERERS)
        seller_app.behave()
        stage = set_stage(services, seller_app)
        with connect_superuser(own.database_admin_url) as connection:
            sell(stage)
            recording = Recording(connection)
            sell(stage)
            yield Market(stage, connection, recording.template())
        services.db.dispose()
        with suppress(psycopg.errors.InsufficientPrivilege):
            # The superuser's connection may take a moment to end; the engines throw their data away anyway.
            drop_database(own.database_admin_url, name)


def sell(stage: Stage) -> None:
    """One sale from quote to drawn invoice with its webhook settled, a minute after the one before."""
    clock.advance(timedelta(minutes=1))
    stage.buy()
    stage.run(documents=True)
    clock.advance(ANSWER_FIRST)
    stage.tick(WEBHOOKS)
