"""The sample market's live sessions are made once: one to be seen again with what was explained when, and one ahead."""

from __future__ import annotations

from sqlalchemy import select

from app.sample.live import FILM, HOST, PLACES, SHELF, seed_live
from kernel.db.uow import Database, unit_of_work
from kernel.principal import ANONYMOUS, SYSTEM
from marketplace.live.models import LiveSession
from marketplace.live.queries import get_room
from orders.coupons.live_price import live_prices
from tests.factories_marketplace import make_channel, make_plans, make_ready_video, make_seller, per_seat_plan


def test_one_is_held_and_one_announced(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        seller = make_seller(uow)
        video = make_ready_video(uow, seller, channel=make_channel(uow, seller))
        plans = make_plans(uow, seller, per_seat_plan(), per_seat_plan(code="max"))
        shelf = {scene: plan.id for scene, plan in zip(SHELF, plans, strict=True)}
        video_id, lasts_ms = video.id, video.duration_ms
    for _ in range(2):
        seed_live(db, {HOST: seller.id}, {FILM: video_id}, shelf)
    with unit_of_work(db, ANONYMOUS) as uow:
        found = select(LiveSession.id).where(LiveSession.org_id == seller.id).order_by(LiveSession.starts_at)
        held, ahead = (get_room(uow, one) for one in uow.session.scalars(found))
        assert (held.session.state, held.session.position_ms) == ("ended", lasts_ms)
        assert [[(span.from_ms, span.to_ms) for span in item.spans] for item in held.items] == [
            [(0, 6_000)],
            [(6_000, lasts_ms)],
        ]
        assert ahead.session.state == "scheduled"
        assert live_prices(uow, ahead.session.id)[ahead.items[0].id].left == PLACES
