"""`GET /metrics`: the figures of the house for whoever holds the token, and nothing for anybody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy import text

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM
from tests.api_server import application

TOKEN = "scraper-of-this-test"
KIND, QUEUE = "test.metrics", f"test-{uuid7().hex[-6:]}"
SENT: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer other"},
    {"Authorization": "Bearer "},
    {"Authorization": TOKEN},
]


@job(KIND, queue=QUEUE)
def never(_uow: object, payload: Payload) -> None:
    raise AssertionError(payload)


@pytest.fixture(scope="module")
def with_token(services: Services) -> TestClient[Any]:
    settings = services.settings.model_copy(update={"metrics_token": SecretStr(TOKEN)})
    return TestClient(application(replace(services, settings=settings)), base_url="https://market.example")


@pytest.fixture(scope="module")
def without_token(services: Services) -> TestClient[Any]:
    return TestClient(application(services), base_url="https://market.example")


def figures(client: TestClient[Any]) -> dict[tuple[str, str], float]:
    """By the metric's name and the kind, of money the queue."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, sample.labels.get("kind") or sample.labels["queue"]): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.parametrize("sent", SENT)
def test_without_the_token_there_is_no_such_page(
    with_token: TestClient[Any], without_token: TestClient[Any], sent: dict[str, str]
) -> None:
    for client in (with_token, without_token):
        answer = client.get("/metrics", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_oldest_due_job_of_a_kind_and_the_dead_are_told(services: Services, with_token: TestClient[Any]) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        for minutes in (1, 10, -10):
            enqueue(uow, KIND, {}, dedupe_key=str(minutes), run_at=clock.now() - timedelta(minutes=minutes))
        uow.flush_outbox()
        dead = "UPDATE kernel.job SET state = 'dead' WHERE queue = :queue AND dedupe_key = '1'"
        uow.session.execute(text(dead), {"queue": QUEUE})
    try:
        found = figures(with_token)
    finally:
        with unit_of_work(services.db, SYSTEM) as uow:
            uow.session.execute(text("DELETE FROM kernel.job WHERE queue = :queue"), {"queue": QUEUE})
    assert found["market_jobs_due", KIND] == 1
    assert 600 <= found["market_jobs_oldest_due_seconds", KIND] < 900
    assert found["market_jobs_dead", KIND] == 1
    assert found["market_money_queue", "payments_unknown"] >= 0
