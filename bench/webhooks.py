"""Webhooks: deliveries per second to a hundred endpoints, and what one dead endpoint costs the other ninety-nine."""

from __future__ import annotations

import time
from statistics import median
from uuid import UUID

from sqlalchemy import select, update
from standardwebhooks import Webhook

from app.composition import compose
from bench.event_receiver import HOST, EventReceiver
from bench.options import Options
from bench.processor_time import spent, usage
from bench.report import Method, Report
from bench.stack import Stack, free_port, stack
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import new_webhook_secret
from marketplace.parties.models import Organization
from marketplace.webhooks.event_types import TEST
from marketplace.webhooks.models import WebhookEndpoint
from marketplace.webhooks.record_events import NewEvent, record_events
from marketplace.webhooks.save_endpoint import seal_secret

ENDPOINTS = 100
EVENTS = 60
ROUNDS = 3
WITHIN_S = 240.0
WANTED_PER_S = 300.0
MOST_SLOWER = 0.2
METHOD = Method(
    f"{ENDPOINTS} endpoints of one organization; {EVENTS} events are written at one instant, each for every endpoint. "
    "The product's worker signs and posts them over local HTTP to a server that counts. Value: deliveries per second from that "
    f"instant until the last was taken, the median of {ROUNDS} rounds, none twice; at least {WANTED_PER_S:.0f} are wanted. "
    "In every second round the hundredth endpoint takes calls and never answers: the ratio is the rate of the other "
    "ninety-nine then and otherwise; at least 0.8 is wanted.",
    f"一个组织的 {ENDPOINTS} 个端点；在同一时刻写入 {EVENTS} 个事件，每个端点各一条投递，由产品的工作进程签名并经本地 HTTP 发送，"
    f"接收方计数。数值为从该时刻到全部送达的每秒投递数（{ROUNDS} 轮的中位数，不得重复），目标不低于 {WANTED_PER_S:.0f}。"
    "每隔一轮，第一百个端点接受连接但从不应答：比值为此时其余 99 个端点的速率与平时之比，目标不低于 0.8。",
)


def measure(options: Options) -> Report:
    """Measure on a stack of its own."""
    receiver = EventReceiver()
    receiver.start()
    allowed = (f"{HOST}:{receiver.port}", f"{HOST}:{receiver.dead_port}")
    try:
        with stack(options.port or free_port(), outbound_allowed=allowed) as running:
            return _measured(running, receiver)
    finally:
        receiver.stop()


def _measured(running: Stack, receiver: EventReceiver) -> Report:
    services = compose(running.settings.model_copy(update=running.addresses), platform_only=True)
    alive: list[float] = []
    dead: list[float] = []
    broken: list[str] = []
    secret = new_webhook_secret()
    before = usage(running.root)
    for number in range(2 * ROUNDS):
        has_dead = number % 2 == 1
        took_s, rest = _round(services.db, services.secrets, receiver, secret, f"/r{number}", has_dead=has_dead)
        (dead if has_dead else alive).append((ENDPOINTS - has_dead) * EVENTS / took_s)
        if rest:
            broken.append(f"{rest} not delivered after {WITHIN_S:.0f} s")
    services.db.dispose()
    for headers, body in receiver.kept.values():
        Webhook(secret).verify(body, headers)
    if receiver.repeated:
        broken.append(f"{receiver.repeated} delivered twice")
    rate, beside_dead = median(alive), median(dead)
    if rate < WANTED_PER_S:
        broken.append(f"{rate:.0f} a second")
    if beside_dead < rate * (1 - MOST_SLOWER):
        broken.append(f"one dead endpoint slows the others to {beside_dead:.0f} a second")
    return Report(
        name="webhooks",
        value=round(rate, 1),
        unit="deliveries/s",
        method=METHOD,
        ratio=round(beside_dead / rate, 3),
        ratio_of="the rate of 99 endpoints beside a dead one : without it",
        details={
            "alive_per_s": [round(one, 1) for one in alive],
            "beside_dead_per_s": [round(one, 1) for one in dead],
            "calls_to_the_dead": receiver.hung,
            "verified": len(receiver.kept),
            "usage": spent(before, usage(running.root), sum(receiver.taken.values())),
        },
        broken=broken,
    )


def _round(
    db: Database, box: SecretBox, receiver: EventReceiver, secret: str, name: str, *, has_dead: bool
) -> tuple[float, int]:
    """Seconds until whoever lives has everything, and what is missing when that takes too long."""
    paths = [f"{name}/{number}" for number in range(ENDPOINTS)]
    urls = [f"http://{HOST}:{receiver.port}{path}" for path in paths]
    if has_dead:
        urls[-1] = f"http://{HOST}:{receiver.dead_port}{paths.pop()}"
    org_id = _endpoints(db, box, secret, urls)
    now = clock.now()
    events = [
        NewEvent(org_id, TEST, uuid7(), org_id, now, {"endpoint_id": str(org_id), "message": "x" * 400})
        for _ in range(EVENTS)
    ]
    with unit_of_work(db, SYSTEM) as uow:
        record_events(uow, events)
    begun_s = time.monotonic()
    wanted, count = len(paths) * EVENTS, 0
    while count < wanted and time.monotonic() - begun_s < WITHIN_S:
        time.sleep(0.02)
        count = sum(receiver.taken[path] for path in paths)
    took_s = time.monotonic() - begun_s
    with unit_of_work(db, SYSTEM) as uow:
        active = select(WebhookEndpoint.id).where(WebhookEndpoint.org_id == org_id, WebhookEndpoint.state == "active")
        ids = list(uow.session.scalars(active))
    for endpoint_id in ids:
        # What still waits for the dead one is not the next round's.
        with unit_of_work(db, SYSTEM) as uow:
            switched = update(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
            uow.session.execute(switched.values(state="disabled", disabled_for="owner"))
    return took_s, wanted - count


def _endpoints(db: Database, box: SecretBox, secret: str, urls: list[str]) -> UUID:
    """Of a seller, more than one may have: a row each, as `save_endpoint` writes it."""
    with unit_of_work(db, SYSTEM) as uow:
        org_id = uow.session.scalars(select(Organization.id).where(Organization.is_seller).limit(1)).one()
        for url in urls:
            row = WebhookEndpoint(id=uuid7(), org_id=org_id, name="bench", url=url, types=[TEST], state="active")
            row.secret_sealed, row.secret_made_at = seal_secret(row.id, secret, box), clock.now()
            uow.session.add(row)
        uow.flush()
    return org_id
