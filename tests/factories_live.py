"""Live sessions for tests, made through the product's own verbs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Plan
from marketplace.live.models import LiveItem, LiveSession
from marketplace.live.run_session import start_session
from marketplace.live.save_session import SaveLiveSession, schedule_session
from marketplace.live.shelf import add_item
from marketplace.live.streams import StreamHosts, StreamPlan
from tests.factories_marketplace import Org, acting, make_channel, make_ready_video

STREAM = "https://live.example.com/hiring/index.m3u8"
HOSTS = StreamHosts({"live.example.com"})


def make_session(
    uow: UnitOfWork,
    host: Org,
    *plans: Plan,
    starts_at: datetime | None = None,
    duration_ms: int = 600_000,
    **more: Any,
) -> tuple[LiveSession, list[LiveItem]]:
    """An announced session of the host with these plans on its shelf, and the items."""
    video = make_ready_video(uow, host, duration_ms=duration_ms)
    at = starts_at or clock.now() + timedelta(hours=1)
    with acting(uow, host.owner):
        session = schedule_session(uow, SaveLiveSession(video.id, "秋招专场", at, "Campus, live", **more))
        items = [add_item(uow, session.id, plan.id) for plan in plans]
    return session, items


def make_streamed(uow: UnitOfWork, host: Org, *plans: Plan, **more: Any) -> tuple[LiveSession, list[LiveItem]]:
    """A stream of the host that runs, of a channel of its own, with these plans on its shelf."""
    channel = make_channel(uow, host)
    with acting(uow, host.owner):
        plan, at = StreamPlan(STREAM, 90, channel.id), clock.now() + timedelta(hours=1)
        session = schedule_session(uow, SaveLiveSession(None, "新品发布会", at, "Launch", stream=plan, **more), HOSTS)
        items = [add_item(uow, session.id, plan.id) for plan in plans]
        start_session(uow, session.id)
    return session, items


def make_live(uow: UnitOfWork, host: Org, *plans: Plan, **more: Any) -> tuple[LiveSession, list[LiveItem]]:
    """The same, begun."""
    session, items = make_session(uow, host, *plans, **more)
    with acting(uow, host.owner):
        start_session(uow, session.id)
    return session, items
