"""The writes of endpoints: made, changed, tested, sent again, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def webhooks(world: World) -> None:
    ask, seller = world.walk.ask, world.seller
    wanted = {"name": "erp", "url": "https://erp.example/events", "types": ["order.paid"]}
    made = ask("POST /v1/webhook-endpoints", seller, wanted)
    one = {"endpoint_id": made["id"]}
    ask("POST /v1/webhook-endpoints/{endpoint_id}/secret", seller, **one)
    sent = ask("POST /v1/webhook-endpoints/{endpoint_id}/test", seller, **one)
    ask(
        "POST /v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
        seller,
        delivery_id=sent["id"],
        **one,
    )
    time = {"since": "2026-11-01T00:00:00Z", "until": "2026-11-02T00:00:00Z"}
    ask("POST /v1/webhook-endpoints/{endpoint_id}/replay", seller, time, **one)
    ask("PATCH /v1/webhook-endpoints/{endpoint_id}", seller, {"state": "disabled"}, **one)
    ask("DELETE /v1/webhook-endpoints/{endpoint_id}", seller, **one)


def group_robots(world: World) -> None:
    """A robot, whose address is a provider's, made, changed and removed."""
    ask, seller = world.walk.ask, world.seller
    key = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
    wanted = {
        "name": "support",
        "provider": "wecom",
        "address": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={key}",
        "topics": ["tickets"],
    }
    one = {"robot_id": ask("POST /v1/group-robots", seller, wanted)["id"]}
    ask("PATCH /v1/group-robots/{robot_id}", seller, {"topics": ["sales"], "locale": "en"}, **one)
    ask("DELETE /v1/group-robots/{robot_id}", seller, **one)


def announcements(world: World) -> None:
    """A seller announces something and withdraws it; a buyer takes none of it, and takes them again."""
    ask, seller, buyer = world.walk.ask, world.seller, world.buyer
    made = ask("POST /v1/seller/announcements", seller, {"title": "Upgrade", "text": "On Saturday."})
    one = {"announcement_id": made["id"]}
    ask("POST /v1/seller/announcements/{announcement_id}/withdrawal", seller, **one)
    of_seller = {"org_id": str(world.stage.seller.id)}
    ask("PUT /v1/organizations/{org_id}/announcement-opt-out", buyer, **of_seller)
    ask("DELETE /v1/organizations/{org_id}/announcement-opt-out", buyer, **of_seller)
