"""One key, sixty-four requests over real HTTP at the same moment: one purchase, one answer."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from sqlalchemy import select

from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.idempotency import Answer, with_idempotency_key
from kernel.ids import uuid7
from marketplace.access.api_keys import MintApiKey, mint_api_key
from orders.checkout.models import Purchase
from tests.adapters.seller_process import until
from tests.api_server import application
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import Side, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
CROWD = 64
THREADS = 16
"""Handler threads: more at once than a production process has, so that requests truly meet at the key."""


@pytest.fixture
def address(stage: Stage) -> Iterator[str]:
    """The real application, listening."""
    settings = stage.services.settings.model_copy(update={"api_threads": THREADS})
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(application(replace(stage.services, settings=settings)), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(20)


@pytest.fixture
def key(stage: Stage) -> str:
    """An API key of the purchaser."""
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return mint_api_key(uow, MintApiKey("races", ("orders.buy", "orders.read"))).text


def ask(address: str, key: str, body: dict[str, Any], idempotency_key: str) -> httpx.Response:
    """As a client does: while the first one is running, ask again."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
    deadline = time.monotonic() + 60
    while True:
        answer = httpx.post(f"{address}/v1/purchases", json=body, headers=headers, timeout=60, trust_env=False)
        if answer.status_code != 409 or answer.json()["code"] != "idempotency_key_in_use":
            return answer
        assert time.monotonic() < deadline
        time.sleep(0.1)


def body_of(stage: Stage, quote_id: UUID) -> dict[str, Any]:
    return {"quote_id": str(quote_id), "billing_profile_id": str(stage.profile), "payment_method": "sbx_ok"}


@in_rounds
def test_one_key_in_a_crowd_is_one_purchase_and_one_answer(stage: Stage, address: str, key: str) -> None:
    body, idempotency_key = body_of(stage, stage.quote()), str(uuid7())
    answers = at_once([lambda: ask(address, key, body, idempotency_key)] * CROWD)
    told = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert {answer.status_code for answer in told} == {201}, [answer.text for answer in told if answer.is_error][:1]
    assert len({(answer.content, answer.headers["content-type"]) for answer in told}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in told) == CROWD - 1
    placed = stage.rows(select(Purchase.id).where(Purchase.quote_id == UUID(body["quote_id"])))
    assert [str(purchase_id) for purchase_id in placed] == [told[0].json()["id"]]
    other = ask(address, key, body | {"po_number": "PO-8"}, idempotency_key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    stage.run()
    (order,) = stage.orders_of(placed[0])
    assert order.state == "active"
    assert stage.effects(order.id) == ["instance_created"]


@in_rounds
def test_one_quote_under_many_keys_is_one_purchase(stage: Stage, address: str, key: str) -> None:
    body = body_of(stage, stage.quote())
    answers = at_once([lambda: ask(address, key, body, str(uuid7()))] * 16)
    told = [answer for answer in answers if isinstance(answer, httpx.Response)]
    assert sorted(answer.status_code for answer in told) == [201] + [409] * 15
    assert {answer.json()["code"] for answer in told if answer.status_code == 409} == {"quote_used"}
    assert len(stage.rows(select(Purchase.id).where(Purchase.quote_id == UUID(body["quote_id"])))) == 1


@every_order_of_twins
def test_the_second_request_gets_the_answer_of_the_first(stage: Stage, order: str) -> None:
    worked: list[str] = []

    def asked(name: str) -> Side:
        def work() -> Answer:
            worked.append(name)
            return Answer(201, name.encode())

        def ask(uow: UnitOfWork) -> tuple[bytes, bool]:
            told = with_idempotency_key(uow, route="test", key="one", request={}, work=work)
            return told.body, told.replayed

        return lambda: transact(stage.services.db, stage.purchaser, ask)

    answers = interleaved(stage.services.db, order, asked("first"), asked("second"))
    done = worked[0].encode()
    assert len(worked) == 1
    assert set(answers) == {(done, False), (done, True)}
