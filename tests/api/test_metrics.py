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

from api.app import create_app
from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.principal import SYSTEM

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


def client_of(services: Services, token: str | None) -> TestClient[Any]:
    settings = services.settings.model_copy(update={"metrics_token": SecretStr(token) if token else None})
    return TestClient(create_app(replace(services, settings=settings)), base_url="https://market.example")


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
def test_without_the_token_there_is_no_such_page(services: Services, sent: dict[str, str]) -> None:
    for token in (TOKEN, None):
        answer = client_of(services, token).get("/metrics", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_the_oldest_due_job_of_a_kind_and_the_dead_are_told(services: Services) -> None:
    with unit_of_work(services.db, SYSTEM) as uow:
        for minutes in (1, 10, -10):
            enqueue(uow, KIND, {}, dedupe_key=str(minutes), run_at=clock.now() - timedelta(minutes=minutes))
        uow.flush_outbox()
        dead = "UPDATE kernel.job SET state = 'dead' WHERE queue = :queue AND dedupe_key = '1'"
        uow.session.execute(text(dead), {"queue": QUEUE})
    try:
        found = figures(client_of(services, TOKEN))
    finally:
        with unit_of_work(services.db, SYSTEM) as uow:
            uow.session.execute(text("DELETE FROM kernel.job WHERE queue = :queue"), {"queue": QUEUE})
    assert found["market_jobs_due", KIND] == 1
    assert 600 <= found["market_jobs_oldest_due_seconds", KIND] < 900
    assert found["market_jobs_dead", KIND] == 1
    assert found["market_money_queue", "payments_unknown"] >= 0
