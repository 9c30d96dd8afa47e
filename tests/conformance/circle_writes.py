"""The writes of circles: founded, joined, written in, moderated, handed over and left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
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
