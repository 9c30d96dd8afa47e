"""However much there is of everything: no use of the market, and no sweep, reads a table that grows from end to end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from litestar.testing import TestClient

from app.scheduler import run_sweep
from bench.population import Population, settle_statistics
from bench.template import published_videos
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import sweeps
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from marketplace.catalog.models import Plan
from marketplace.discovery.place_video import set_interests
from tests.api_server import application
from tests.factories_marketplace import make_channel
from tests.loop_stage import Stage
from tests.service.bench.conftest import Market
from tests.witness import without_witness

MANY = 2_000
"""Rows made of every table that a sale or a video leaves rows in."""
FEW = 300
"""Rows of one of them that one use may read."""
WHOLE = {"billing.reconciliation.reconcile", "fulfillment.reliability.count", "orders.response_times.count"}
"""Sweeps that hold all there is against all there is: `bench reconcile` says what that takes; a month's deliveries, and its
questions, are one read of an index every ten minutes."""
Browser = TestClient[Any]


@pytest.fixture
def grown(market: Market) -> Market:
    """The market after many sales, and with many videos of the same listing."""
    videos = published_videos(market.connection)
    Population(market.connection, market.sale).copy(1, MANY + 1, at_most=MANY)
    Population(market.connection, videos).add(MANY, "marketplace.video")
    settle_statistics(market.connection)
    return market


@pytest.fixture
def token(market: Market) -> str:
    """Of a session of the purchaser."""
    value = str(uuid7())
    with unit_of_work(market.stage.services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(value),
                person_id=market.stage.purchaser.person(),
                org_id=market.stage.buyer.id,
                expires_at=clock.now() + timedelta(days=900),
            )
        )
    return value


def check_out(stage: Stage, browser: Browser) -> None:
    stage.touch()
    context = {"video_id": str(stage.video), "placement_id": str(stage.placement), "second": 7}
    quote = ask(browser, "POST", "/v1/quotes", {"plan_id": str(stage.seat_plan), "quantity": 20, **context})
    body = {"quote_id": quote["id"], "billing_profile_id": str(stage.profile), "payment_method": "sbx_ok"}
    (order,) = ask(browser, "POST", "/v1/purchases", body)["orders"]
    stage.run()
    assert stage.order(UUID(order["id"])).state == "active"


def turn_pages(_stage: Stage, browser: Browser) -> None:
    page = ask(browser, "GET", "/v1/feed?limit=20")
    assert [len(item["cards"]) for item in page["items"]] == [1] * 20
    assert len(ask(browser, "GET", f"/v1/feed?limit=20&cursor={page['next_cursor']}")["items"]) == 20


def turn_own_pages(stage: Stage, browser: Browser) -> None:
    """With a taste: somebody who follows another channel, in an organization that works with another kind of product."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        set_interests(uow, stage.buyer.id, ["legal"])
        channel = make_channel(uow, stage.seller).id
    assert browser.put(f"/v1/channels/{channel}/follow").status_code == 204
    turn_pages(stage, browser)


def check_entitlement(_stage: Stage, browser: Browser) -> None:
    (one,) = ask(browser, "GET", "/v1/entitlements?limit=1")["items"]
    ask(browser, "GET", f"/v1/entitlements/check?entitlement_id={one['id']}")


def list_invoices(_stage: Stage, browser: Browser) -> None:
    assert len(ask(browser, "GET", "/v1/invoices?limit=20")["items"]) == 20


def list_orders(_stage: Stage, browser: Browser) -> None:
    (order, *_) = ask(browser, "GET", "/v1/orders?limit=20")["items"]
    ask(browser, "GET", f"/v1/orders/{order['id']}")


def read_products(stage: Stage, browser: Browser) -> None:
    listing_id = stage.get(Plan, stage.seat_plan).listing_id
    for path in ("/products", f"/products/{listing_id}"):
        assert browser.get(path).status_code == 200


def ask(browser: Browser, method: str, path: str, body: Any = None) -> Any:
    headers = {"Idempotency-Key": str(uuid7())} if body else {}
    answer = browser.request(method, path, json=body, headers=headers)
    assert answer.status_code < 300, answer.text
    return answer.json()


USES: tuple[Callable[[Stage, Browser], None], ...] = (
    check_out,
    turn_pages,
    check_entitlement,
    list_invoices,
    list_orders,
    read_products,
    turn_own_pages,
)


def test_nothing_reads_a_growing_table_from_end_to_end(grown: Market, token: str) -> None:
    """Counted by PostgreSQL itself over connections as the product opens them, whatever its plans are called."""
    stage = grown.stage
    with without_witness():
        read = {use.__name__: rows_read(grown, used(use, stage, token)) for use in USES}
        for sweep in sweeps():
            if sweep.name in WHOLE:
                continue
            # What was left since the last time is seen to first.
            run_sweep(stage.services.db, sweep)
            read[sweep.name] = rows_read(grown, lambda sweep=sweep: run_sweep(stage.services.db, sweep))  # type: ignore[misc]
    assert {name: most for name, tables in read.items() if (most := {k: n for k, n in tables.items() if n > FEW})} == {}


def used(use: Callable[[Stage, Browser], None], stage: Stage, token: str) -> Callable[[], None]:
    """The use, by the signed-in purchaser."""

    def run() -> None:
        with TestClient(application(stage.services), base_url="https://market.example") as browser:
            browser.cookies.set("session", token)
            browser.headers["x-csrf-token"] = csrf_of(token)
            use(stage, browser)

    return run


def rows_read(market: Market, work: Callable[[], object]) -> Mapping[str, int]:
    """Rows that `work` read of each table, by scans and by indexes."""
    forget_connections(market)
    # What this connection read while it made the rows is reported now, and not in the middle of the work.
    market.connection.execute("SELECT pg_stat_force_next_flush()")
    before = dict(counted(market.connection))
    work()
    forget_connections(market)
    return {table: count - before.get(table, 0) for table, count in counted(market.connection)}


def counted(connection: psycopg.Connection) -> Iterator[tuple[str, int]]:
    """Of each table that has grown, how many of its rows were read until now."""
    yield from connection.execute(
        """SELECT s.schemaname || '.' || s.relname, s.seq_tup_read + coalesce(s.idx_tup_fetch, 0)
           FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid WHERE c.reltuples >= %s""",
        (MANY,),
    ).fetchall()


def forget_connections(market: Market) -> None:
    """End the serving connections: a process of the server reports what it has read at the latest when it ends."""
    market.stage.services.db.engine.dispose()
    ours = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    until = time.monotonic() + 30
    while market.connection.execute(ours + " AND backend_type = 'client backend'").fetchone() != (0,):
        assert time.monotonic() < until, "a connection was left open"
        time.sleep(0.02)
