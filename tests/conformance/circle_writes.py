"""The writes of circles: founded, joined, written in, moderated, handed over and left."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.channels.models import Channel
from tests.factories_marketplace import make_channel

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def circles(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    _, owner, _ = world.member(stage.seller, "admin")
    guest = world.purchaser
    made = ask("POST /v1/circles", owner, {"name": "招聘同行", "kind": "exchange"})
    at: dict[str, Any] = {"circle_id": made["id"]}
    settings = {"name": "招聘同行圈", "joining": "approval", "moderation": "before"}
    assert ask("PUT /v1/circles/{circle_id}", owner, settings, **at)["moderation"] == "before"
    code = ask("POST /v1/circles/{circle_id}/link", owner, **at)["code"]
    asked = ask("PUT /v1/circles/{circle_id}/membership", guest, **at)
    who = {"circle_member_id": asked["member_id"]}
    ask("POST /v1/circle-members/{circle_member_id}/answer", owner, {"accept": False}, **who)
    ask("PUT /v1/circle-links/{code}/membership", guest, code=code)
    assert ask("PUT /v1/circles/{circle_id}/directory", guest, {"listed": True}, **at)["listed"]
    ask("PUT /v1/circle-members/{circle_member_id}/role", owner, {"role": "moderator"}, **who)
    ask("PUT /v1/circle-members/{circle_member_id}/role", owner, {"role": "member"}, **who)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        listing_id = str(uow.session.get_one(Plan, stage.seat_plan).listing_id)
    today = clock.today("Asia/Shanghai")
    days = {"starts_on": str(today), "ends_on": str(today + timedelta(days=9))}
    said = {"listing_id": listing_id, "name": "圈内优惠", "percent_ppm": 150_000, "places": 20, **days}
    offer = ask("POST /v1/circles/{circle_id}/offers", owner, said, **at)
    ask("POST /v1/circle-offers/{circle_offer_id}/end", owner, circle_offer_id=offer["id"])
    written = ask("POST /v1/circles/{circle_id}/posts", guest, {"text": "大家好"}, **at)
    post = {"circle_post_id": written["id"]}
    assert written["state"] == "waiting"
    assert ask("POST /v1/circle-posts/{circle_post_id}/decision", owner, {"show": True}, **post)["state"] == "shown"
    ask("PUT /v1/circle-posts/{circle_post_id}/mark", owner, {"marked": False}, **post)
    ask("DELETE /v1/circle-posts/{circle_post_id}", guest, **post)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        channel: Channel = make_channel(uow, stage.seller)
        followed = at | {"channel_id": str(channel.id)}
    ask("PUT /v1/circles/{circle_id}/channels/{channel_id}", owner, **followed)
    ask("DELETE /v1/circles/{circle_id}/channels/{channel_id}", owner, **followed)
    ask("DELETE /v1/circles/{circle_id}/membership", guest, **at)
    ask("PUT /v1/circle-links/{code}/membership", guest, code=code)
    ask("POST /v1/circle-members/{circle_member_id}/removal", owner, **who)
