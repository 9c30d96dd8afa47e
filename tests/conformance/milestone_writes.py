"""The writes of services in milestones: taken on, delivered with a file, done again, accepted, cancelled; and one refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kernel import clock
from tests.milestone_stage import service_on, staged_price

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def milestones(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    service = service_on(stage, staged_price())
    refused, order_id = service.buy(), service.buy()
    ask("POST /v1/seller/orders/{order_id}/refusal", world.seller, {"reason": "没有档期"}, order_id=refused)
    taken = ask("POST /v1/seller/orders/{order_id}/acceptance", world.seller, order_id=order_id)
    stage.run()
    one: dict[str, Any] = {"milestone_id": taken[0]["id"]}
    path = "POST /v1/seller/milestones/{milestone_id}"
    for name in (b"first", b"second"):
        file = ask(f"{path}/files", world.seller, {"file": b"%PDF-1.7 " + name}, "multipart/form-data", **one)
    dropped = "DELETE /v1/seller/milestones/{milestone_id}/files/{milestone_file_id}"
    ask(dropped, world.seller, milestone_file_id=file["id"], **one)
    ask(f"{path}/deliveries", world.seller, {"version": 1, "words": "请查收"}, **one)
    ask("POST /v1/milestones/{milestone_id}/rework", world.purchaser, {"version": 1, "words": "缺附录"}, **one)
    ask(f"{path}/deliveries", world.seller, {"version": 2, "words": "已补"}, **one)
    ask("POST /v1/milestones/{milestone_id}/acceptance", world.purchaser, {"version": 2}, **one)
    clock.advance(timedelta(days=45))
    ask("POST /v1/milestones/{milestone_id}/cancellation", world.purchaser, milestone_id=taken[1]["id"])
    clock.advance(-timedelta(days=45))
