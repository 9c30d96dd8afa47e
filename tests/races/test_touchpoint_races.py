"""Real commits from many threads: who counts beside another counts nothing twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import Database, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import EventCursor
from kernel.principal import SYSTEM
from marketplace.attribution.count_touchpoints import BEGINNING, READER, count_until
from marketplace.attribution.models import TouchpointDay
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from tests.factories_marketplace import make_org, make_plans, make_published_video, make_seller
from tests.races.crowd import at_once, in_rounds

pytestmark = pytest.mark.races


@in_rounds
def test_two_schedulers_count_each_touchpoint_once(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller, buyer = make_seller(uow), make_org(uow)
        (plan,) = make_plans(uow, seller)
        video, _ = make_published_video(uow, seller, plan)
        uow.session.merge(EventCursor(reader=READER, read_until=clock.now()))
    events = [TouchpointIn(uuid7(), "view", clock.now(), video.id, None, 1000 * n, 1000) for n in range(40)]
    with unit_of_work(db, buyer.owner) as uow:
        record_touchpoints(uow, events)
    until = clock.now() + timedelta(seconds=1)
    at_once([partial(count_until, partial(transact, db, SYSTEM), until)] * 3)
    with unit_of_work(db, SYSTEM) as uow:
        views = select(func.sum(TouchpointDay.views)).where(TouchpointDay.video_id == video.id)
        assert uow.session.scalar(views) == len(events)
        mark = uow.session.get_one(EventCursor, READER)
        assert BEGINNING < mark.read_until == until
