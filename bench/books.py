"""A migrated database of its own on real engines, without any process of the product: for verbs measured in process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.composition import compose
from app.database_schema import upgrade
from app.embedded.engines import Engines
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.settings import load_settings
from marketplace.parties.models import Organization


@dataclass(frozen=True, slots=True)
class Books:
    """The serving role's connections, and the address of the owner."""

    db: Database
    admin_url: str


@contextmanager
def books() -> Iterator[Books]:
    """Start engines in a temporary folder, migrate, and register what the product registers."""
    with tempfile.TemporaryDirectory(prefix="market-bench-", ignore_cleanup_errors=True) as folder:
        settings = load_settings(market_home=Path(folder), database_url=None, database_admin_url=None, redis_url=None)
        with Engines(settings) as engines:
            admin_url = engines.open_addresses().database_admin_url
            assert admin_url is not None  # noqa: S101 - embedded engines name it
            upgrade(admin_url)
            services = compose(engines.settings)
            # Nobody works here on what commits leave: a worker's signal would be a cost without a use.
            services.db.notify = None
            try:
                yield Books(services.db, admin_url)
            finally:
                services.db.dispose()


def organization(name: str, *, is_seller: bool = False) -> Organization:
    """A company that can stand on a document; not yet added."""
    return Organization(
        id=uuid7(),
        legal_name=f"{name}有限公司",
        display_name=name,
        country="CN",
        tax_id=None,
        locale="zh-CN",
        time_zone="Asia/Shanghai",
        is_seller=is_seller,
        state="active",
    )


def write(db: Database, *rows: Organization) -> None:
    """Write organizations down."""
    with unit_of_work(db, SYSTEM) as uow:
        for row in rows:
            uow.add(row)
