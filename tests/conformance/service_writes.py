"""The writes of customer service: hours, a conversation from its first word to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def customer_service(world: World) -> None:
    ask, buyer = world.walk.ask, world.purchaser
    _, seller, _ = world.member(world.stage.seller, "catalog")
    hours = {"weekdays": [1, 2, 3, 4, 5], "begins": "09:00", "ends": "18:00", "days_off": ["2027-01-01"]}
    ask("PUT /v1/seller/service-window", seller, hours | {"answer": "明天答复。", "answer_en": "Tomorrow."})
    said = {"seller_org_id": str(world.stage.seller.id), "text": "什么时候开通？"}
    began = ask("POST /v1/conversations", buyer, said)
    one: dict[str, Any] = {"conversation_id": began["conversation"]["id"]}
    path = "POST /v1/conversations/{conversation_id}"
    ask("POST /v1/seller/conversations", seller, {"buyer_org_id": str(world.stage.buyer.id), "text": "今天。"})
    ask(f"{path}/messages", buyer, {"text": "谢谢。"}, **one)
    ask(f"{path}/files", buyer, {"file": b"%PDF-1.7 said", "text": "见附件"}, "multipart/form-data", **one)
    ask("PUT /v1/conversations/{conversation_id}/reading", buyer, {"number": 2}, **one)
    ask("PUT /v1/seller/conversations/{conversation_id}/assignee", seller, {"person_id": None}, **one)
    ask("PUT /v1/conversations/{conversation_id}/mute", buyer, **one)
    ask("DELETE /v1/conversations/{conversation_id}/mute", buyer, **one)
    ask(f"{path}/closing", seller, **one)
    ask(f"{path}/reopening", buyer, **one)
    order_id = world.stage.buy()
    world.stage.run()
    asked = {"order_id": str(order_id), "subject": "席位", "text": "无法登录。", "severity": "high"}
    ticket = {"ticket_id": ask("POST /v1/tickets", buyer, asked)["ticket"]["id"]}
    ask("POST /v1/seller/tickets/{ticket_id}/taking", seller, **ticket)
    ask("PUT /v1/seller/tickets/{ticket_id}/assignee", seller, {"person_id": None, "note": "请接手。"}, **ticket)
    ask("POST /v1/tickets/{ticket_id}/messages", seller, {"text": "已修复。", "resolves": True}, **ticket)
    ask("POST /v1/tickets/{ticket_id}/files", buyer, {"file": b"%PDF-1.7 seen"}, "multipart/form-data", **ticket)
    ask("POST /v1/tickets/{ticket_id}/closing", buyer, {"rating": 4, "text": "谢谢。"}, **ticket)
