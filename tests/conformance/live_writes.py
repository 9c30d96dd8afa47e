"""The writes of live sessions: announced, changed, begun, explained, ended; one that does not take place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.channels.models import Channel
from tests.factories_live import make_streamed
from tests.factories_marketplace import make_ready_video

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def live_sessions(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        video_id = make_ready_video(uow, stage.seller).id
    session = {
        "video_id": str(video_id),
        "title": "秋招专场",
        "starts_at": (clock.now() + timedelta(hours=1)).isoformat(),
    }
    made = ask("POST /v1/live-sessions", world.seller, session)["session"]["id"]
    dropped = ask("POST /v1/live-sessions", world.seller, session)["session"]["id"]
    own = {"live_session_id": made}
    for method in ("PUT", "DELETE"):
        ask(f"{method} /v1/live-sessions/{{live_session_id}}/reminder", world.purchaser, **own)
    ask("PUT /v1/live-sessions/{live_session_id}", world.seller, session | {"title": "校招专场"}, **own)
    body = {"plan_id": str(stage.seat_plan)}
    shelf = ask("POST /v1/live-sessions/{live_session_id}/items", world.seller, body, **own)["items"]
    ask("PUT /v1/live-sessions/{live_session_id}/shelf", world.seller, {"item_ids": [shelf[0]["id"]]}, **own)
    ask("POST /v1/live-sessions/{live_session_id}/start", world.seller, **own)
    explained = {"item_id": shelf[0]["id"]}
    room = ask("PUT /v1/live-sessions/{live_session_id}/explained", world.seller, explained, **own)
    assert room["items"][0]["explained_now"]
    item = own | {"live_item_id": shelf[0]["id"]}
    reduced = {"percent_ppm": 200_000, "places": 5}
    room = ask("PUT /v1/live-sessions/{live_session_id}/items/{live_item_id}/price", world.seller, reduced, **item)
    assert room["items"][0]["live_price"]["left"] == 5
    quote = ask("POST /v1/quotes", world.purchaser, body | {"quantity": 20, "live_session_id": made, "second": 0})
    assert quote["lines"][0]["discount"]["amount"] * 5 == quote["lines"][0]["list"]["amount"]
    ask("DELETE /v1/live-sessions/{live_session_id}/items/{live_item_id}/price", world.seller, **item)
    ask("DELETE /v1/live-sessions/{live_session_id}/explained", world.seller, **own)
    asked = ask("POST /v1/live-sessions/{live_session_id}/questions", world.purchaser, {"text": "能试用吗？"}, **own)
    question = {"live_question_id": asked["id"]}
    for act in ("show", "hide"):
        ask(f"POST /v1/seller/live-questions/{{live_question_id}}/{act}", world.seller, **question)
    answer = {"text": "可以，七天。"}
    ask("PUT /v1/seller/live-questions/{live_question_id}/answer", world.seller, answer, **question)
    (shown,) = ask("GET /v1/live-sessions/{live_session_id}/questions", world.purchaser, **own)
    assert (shown["state"], shown["answer"], shown["own"]) == ("shown", "可以，七天。", True)
    ask("DELETE /v1/live-questions/{live_question_id}", world.purchaser, **question)
    ask("DELETE /v1/live-sessions/{live_session_id}/items/{live_item_id}", world.seller, **item)
    ask("POST /v1/live-sessions/{live_session_id}/end", world.seller, **own)
    ask("POST /v1/live-sessions/{live_session_id}/cancel", world.seller, live_session_id=dropped)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        streamed, _ = make_streamed(uow, stage.seller)
        channel = uow.session.get_one(Channel, streamed.channel_id)
        recording = {"video_id": str(make_ready_video(uow, stage.seller, channel=channel).id)}
    own = {"live_session_id": str(streamed.id)}
    ask("POST /v1/live-sessions/{live_session_id}/end", world.seller, **own)
    room = ask("PUT /v1/live-sessions/{live_session_id}/recording", world.seller, recording, **own)
    assert room["session"]["video_id"] == recording["video_id"]
