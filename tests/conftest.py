"""Fixtures of the whole suite: real engines, one migrated database per test process, units of work in it."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from argon2 import PasswordHasher
from hypothesis import HealthCheck, Phase, settings
from sqlalchemy import event, text
from sqlalchemy.orm import Session
from xdist.scheduler import LoadFileScheduling

from api.answer_cache import AnswerCache
from api.context import Services
from app.composition import register_jobs
from app.database_schema import upgrade
from app.embedded.databases import drop_database
from app.embedded.engines import Addresses
from app.embedded.shared import shared_engines
from kernel import clock, signing
from kernel.db import uow as units_of_work
from kernel.db.uow import Database, UnitOfWork, unit_of_work
from kernel.logs import configure_logs
from kernel.principal import SYSTEM, Principal
from kernel.rate_limit import RateLimiter
from tests.emptied import empty, tell_when_emptied
from tests.loop_stage import RENDERERS, services_for
from tests.witness import witness_all

settings.register_profile("market", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("market")
# For `.ci/mutate`, which runs a test again and again in processes forked from one another: a failure need not be explained.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("market"),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.differing_executors],
    phases=[Phase.explicit, Phase.generate],
    database=None,
    derandomize=True,
)

# As in production each password takes 20 ms of a core, and nearly every test of people makes several. It guards nothing here.
signing._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)

# A test may be stopped between two statements for longer than a process that serves: by the machine, or by what else it runs.
units_of_work.LIMITS = units_of_work.LIMITS.replace(
    "transaction_session_timeout=10s", "transaction_session_timeout=90s"
)

# What a test process holds from its beginning to its end, 20,000 tests and all modules, is not looked through for garbage
# again and again: that took every seventh second.
gc.set_threshold(20_000, 20, 20)


def pytest_collection_finish() -> None:
    """Set what was collected aside for good."""
    gc.collect()
    gc.freeze()


NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""Where frozen tests begin: noon in Shanghai."""
TOGETHER = ("tests/browser/journeys/", "tests/browser/stories/")
"""Folders whose tests share one `market up` each."""
APART = "tests/unit/"
"""Whose tests share no server: the last file of all is not left to one worker."""
TEMPLATE_VARIABLE = "MARKET_TEST_TEMPLATE"
"""Names a migrated database of the engines to copy instead of migrating: `.ci/mutate` starts a test process a mutant."""


class FilesAndFolders(LoadFileScheduling):  # type: ignore[misc] # its package ships no types
    """A file stays on one worker; so do the folders of `TOGETHER`. Of `APART` each test function may go to another."""

    def _split_scope(self, nodeid: str) -> str:
        folder = next((one for one in TOGETHER if nodeid.startswith(one)), None)
        if folder is None and nodeid.startswith(APART):
            return nodeid.partition("[")[0]
        return folder or str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """For `--dist=loadfile`, as pyproject.toml has it."""
    return FilesAndFolders(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def addresses(worker_id: str) -> Iterator[Addresses]:
    """A database of this test process, built by running the migrations."""
    with shared_engines() as engines:
        name = f"t{os.getpid()}_{worker_id}"
        template = os.environ.get(TEMPLATE_VARIABLE)
        own = engines.own_database(name, template=template)
        assert own.database_admin_url is not None
        if template is None:
            upgrade(own.database_admin_url)
        yield own
        with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
            # A test may have left a connection of the serving role open; the engines throw their data away anyway.
            drop_database(own.database_admin_url, name)


@pytest.fixture(scope="session")
def db(addresses: Addresses) -> Iterator[Database]:
    """The serving role's connections. Tests that commit make organizations of their own instead of cleaning up."""
    database = Database(addresses.database_url, pool_size=20, max_overflow=60)
    tell_when_emptied(database)
    witness_all()
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def composed(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The composition of production, once for a test process: an application over it takes seconds to make."""
    found = services_for(addresses, tmp_path_factory.mktemp("home"), sample_seller_port=1)
    yield found
    found.db.dispose()


@pytest.fixture(scope="module")
def services(composed: Services) -> Services:
    """Production's composition, for tests that ask over HTTP and need no seller. It does their jobs, and remembers no others'."""
    register_jobs(composed, RENDERERS)
    witness_all()
    for kept, new in ((composed.answers, AnswerCache()), (composed.limiter, RateLimiter())):
        vars(kept).update(vars(new))
    return composed


@pytest.fixture
def clean_db(db: Database, addresses: Addresses) -> Database:
    """The same, emptied first: for tests that look at the books as a whole."""
    empty(addresses)
    return db


@pytest.fixture
def uow(db: Database) -> Iterator[UnitOfWork]:
    """The platform's unit of work in a transaction that is rolled back afterwards; a test may change `.principal`."""
    with db.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            unit = act_as(UnitOfWork.over(session, SYSTEM), SYSTEM)
            # A test looks at events and jobs before any commit would have written them.
            event.listen(session, "do_orm_execute", lambda _: unit.flush_outbox())
            yield unit
        outer.rollback()


@pytest.fixture
def uow_as(db: Database) -> Callable[[Principal], AbstractContextManager[UnitOfWork]]:
    """What opens a committing unit of work for a principal."""
    return lambda principal: unit_of_work(db, principal)


@pytest.fixture(scope="module", autouse=True)
def unmoved_clock() -> Iterator[None]:
    """What an operator does to this process's clock ends with the file: work of later days is not due to other processes."""
    yield
    clock.shift(timedelta())


@pytest.fixture(autouse=True)
def plain_logs() -> None:
    """As in production: one line an entry, no local variables, nothing that needs minutes to be drawn."""
    configure_logs("json", "warning", process="test")


@pytest.fixture
def noon() -> Iterator[datetime]:
    """A clock frozen at noon in Shanghai; `clock.advance` moves it."""
    with clock.frozen(NOON):
        yield NOON


def act_as(uow: UnitOfWork, principal: Principal) -> UnitOfWork:
    """Let the rest of a rolled-back test run as `principal`, row level security included."""
    uow.session.execute(
        text("SELECT set_config('app.org', :org, true), set_config('app.platform', :platform, true)"),
        {"org": str(principal.org_id or ""), "platform": "on" if principal.is_platform else ""},
    )
    uow.principal = principal
    return uow
