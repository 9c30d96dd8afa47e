"""Waiting for an order: event streams and `Prefer: wait` over HTTP, while a worker does what is waited for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.api_keys import MintApiKey, mint_api_key
from orders.progress import progress_marks
from tests.api_server import serving
from tests.factories_marketplace import acting
from tests.loop_stage import Stage

THREADS = 2
CROWD = 3 * THREADS


@pytest.fixture
def client(stage: Stage) -> Iterator[httpx.Client]:
    """The buyer's server, signed in with a key, talking to an API process with few threads."""
    with unit_of_work(stage.services.db, SYSTEM) as uow, acting(uow, stage.buyer.owner):
        key = mint_api_key(uow, MintApiKey("watcher", ("orders.read", "orders.buy")))
    settings = stage.services.settings.model_copy(update={"api_threads": THREADS})
    with (
        serving(replace(stage.services, settings=settings)) as address,
        httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key.text}"}, timeout=60) as found,
    ):
        yield found


def watch(client: httpx.Client, address: str) -> list[tuple[str, dict[str, Any]]]:
    """Every event of a stream until it ends."""
    told, name = [], ""
    with client.stream("GET", address) as stream:
        assert stream.status_code == 200
        for line in stream.iter_lines():
            if line.startswith("event:"):
                name = line.partition(":")[2].strip()
            elif line.startswith("data:"):
                told.append((name, json.loads(line.partition(":")[2])))
    return told


def test_every_open_page_sees_the_order_become_active_and_one_poller_serves_them(
    stage: Stage, client: httpx.Client
) -> None:
    order_id = stage.buy()
    polls: list[object] = []

    def count(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "string_agg" in statement:
            polls.append(statement)

    event.listen(stage.services.db.engine, "before_cursor_execute", count)
    with ThreadPoolExecutor(CROWD) as pool:
        began = time.monotonic()
        pages = [pool.submit(watch, client, f"/v1/orders/{order_id}/progress") for _ in range(CROWD)]
        while len(polls) < 2:
            time.sleep(0.02)
        stage.run()
        streams = [page.result() for page in pages]
        looked, took_s = len(polls), time.monotonic() - began
    event.remove(stage.services.db.engine, "before_cursor_execute", count)
    for told in streams:
        assert told[0][0] == "progress"
        assert told[0][1]["state"] == "pending_payment"
        assert told[-2][1]["state"] == "active"
        assert told[-1] == ("end", {})
    # A quarter of a second between two looks, however many watch.
    assert looked <= took_s / 0.25 + 2


def test_nothing_is_polled_when_nobody_watches(stage: Stage, client: httpx.Client) -> None:
    order_id = stage.buy()
    stage.run()
    assert watch(client, f"/v1/orders/{order_id}/progress")[-1] == ("end", {})
    taken: list[object] = []
    time.sleep(0.6)

    def count(*connection: object) -> None:
        taken.append(connection)

    event.listen(stage.services.db.engine, "checkout", count)
    time.sleep(0.6)
    event.remove(stage.services.db.engine, "checkout", count)
    assert taken == []


def test_a_purchase_is_waited_for_without_holding_a_thread(stage: Stage, client: httpx.Client) -> None:
    purchase_id = stage.order(stage.buy()).purchase_id
    with ThreadPoolExecutor(CROWD) as pool:
        waiting = [
            pool.submit(client.get, f"/v1/purchases/{purchase_id}", headers={"Prefer": "wait=30"}) for _ in range(CROWD)
        ]
        time.sleep(0.3)
        assert client.get("/v1/me").status_code == 200
        assert not any(one.done() for one in waiting)
        stage.run()
        answers = [one.result() for one in waiting]
    assert {one.json()["state"] for one in answers} == {"paid"}
    assert {one.headers["preference-applied"] for one in answers} == {"wait=30"}


def test_a_failed_payment_ends_the_wait(stage: Stage, client: httpx.Client) -> None:
    purchase_id = stage.order(stage.buy(method="sbx_declined")).purchase_id
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, f"/v1/purchases/{purchase_id}", headers={"Prefer": "wait=30"})
        stage.run()
        answered = waiting.result()
    assert answered.json()["state"] == "pending_payment"
    progress = client.get(f"/v1/orders/{answered.json()['orders'][0]['id']}/status").json()
    assert progress["payment_state"] == "failed"


def test_the_wait_ends_when_its_time_is_over(stage: Stage, client: httpx.Client) -> None:
    purchase_id = stage.order(stage.buy()).purchase_id
    for prefer, applied in (("wait=0", "wait=0"), ("respond-async, wait=1", "wait=1"), ("wait=soon", None)):
        answered = client.get(f"/v1/purchases/{purchase_id}", headers={"Prefer": prefer})
        assert answered.json()["state"] == "pending_payment"
        assert answered.headers.get("preference-applied") == applied


def test_a_decided_purchase_is_answered_at_once_and_a_foreign_one_not_at_all(
    stage: Stage, client: httpx.Client
) -> None:
    purchase_id = stage.order(stage.buy()).purchase_id
    stage.run()
    answered = client.get(f"/v1/purchases/{purchase_id}", headers={"Prefer": "wait=30"})
    assert answered.json()["state"] == "paid"
    assert client.get(f"/v1/purchases/{uuid7()}", headers={"Prefer": "wait=30"}).status_code == 404
    assert client.get(f"/v1/orders/{uuid7()}/progress").status_code == 404


def test_an_orders_mark_changes_with_its_payment_and_its_delivery(stage: Stage) -> None:
    order_id = stage.buy()

    def mark() -> str:
        return transact(stage.services.db, SYSTEM, lambda uow: progress_marks(uow, [order_id]))[order_id]

    before = mark()
    assert mark() == before
    stage.run()
    after = mark()
    assert after != before
    assert after.startswith("active")
    assert transact(stage.services.db, SYSTEM, lambda uow: progress_marks(uow, [uuid7()])) == {}
