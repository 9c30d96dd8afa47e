"""`GET /metrics`: what a person would be called for, in the text format of Prometheus; read from the database when asked."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from litestar import Response, get
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.auth import PUBLIC
from api.request import ApiRequest
from billing.operator_queues import OperatorQueue, list_operator_queues
from kernel import clock
from kernel.errors import NotFound
from kernel.jobs.queries import DueJobs, dead_by_kind, due_jobs
from kernel.principal import SYSTEM


@get("/metrics", permission=PUBLIC, include_in_schema=False, sync_to_thread=True)
def metrics(request: ApiRequest) -> Response[bytes]:
    """The figures of the whole installation, whichever process answers. Raises NotFound without the scraper's token."""
    token = request.services.settings.metrics_token
    sent = request.headers.get("authorization", "")
    if token is None or not hmac.compare_digest(sent.encode(), f"Bearer {token.get_secret_value()}".encode()):
        raise NotFound("not_found")
    with request.transaction(acting_as=SYSTEM) as uow:
        found = _Figures(due_jobs(uow), dead_by_kind(uow), list_operator_queues(uow))
    registry = CollectorRegistry()
    registry.register(found)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Figures(Collector):
    def __init__(self, due: list[DueJobs], dead: dict[str, int], money: list[OperatorQueue]) -> None:
        self._due, self._dead, self._money = due, dead, money

    def collect(self) -> Iterator[Metric]:
        """Called by the registry."""
        now = clock.now()
        count = GaugeMetricFamily("market_jobs_due", "Jobs that should have begun by now", labels=["queue", "kind"])
        age = GaugeMetricFamily(
            "market_jobs_oldest_due_seconds", "For how long the oldest of them should have", labels=["queue", "kind"]
        )
        for one in self._due:
            count.add_metric([one.queue, one.kind], one.count)
            age.add_metric([one.queue, one.kind], (now - one.oldest_at).total_seconds())
        dead = GaugeMetricFamily("market_jobs_dead", "Jobs that were given up", labels=["kind"])
        for kind, many in self._dead.items():
            dead.add_metric([kind], many)
        money = GaugeMetricFamily(
            "market_money_queue", "What of money waits for a person or a gateway", labels=["queue"]
        )
        oldest = GaugeMetricFamily("market_money_queue_oldest_seconds", "Age of the oldest of it", labels=["queue"])
        for queue in self._money:
            money.add_metric([queue.key], queue.count)
            oldest.add_metric([queue.key], (now - queue.oldest_at).total_seconds() if queue.oldest_at else 0)
        yield from (count, age, dead, money, oldest)


routes = [metrics]
