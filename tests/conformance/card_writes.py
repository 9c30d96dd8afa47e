"""The writes of cards that sell nothing: put on a video, counted, answered, worked through, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.response_cards.consent_text import CARD_CONSENT_VERSION
from tests.conformance.api_walk import session_of
from tests.factories_marketplace import make_published_video

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

CALLER = {"X-Forwarded-For": "198.51.100.9"}


def response_cards(world: World) -> None:
    ask, stage = world.walk.ask, world.stage
    with unit_of_work(world.services.db, SYSTEM) as uow:
        video, _ = make_published_video(uow, stage.promoter, uow.session.get_one(Plan, stage.seat_plan))
        video_id = video.id
    said = {"kind": "download", "start_ms": 0, "end_ms": 5_000, "title": "白皮书", "title_en": "White paper"}
    made = ask("POST /v1/videos/{video_id}/response-cards", world.promoter, said, video_id=video_id)
    card = {"response_card_id": made["id"]}
    ask("PUT /v1/seller/response-cards/{response_card_id}", world.promoter, said | {"places": 9}, **card)
    file, form = {"file": b"%PDF-1.7"}, "multipart/form-data"
    ask("PUT /v1/seller/response-cards/{response_card_id}/file", world.promoter, file, form, **card)
    ask("POST /v1/response-cards/{response_card_id}/sights", CALLER, {"sight": "click"}, **card)
    agreed = {"consent_version": CARD_CONSENT_VERSION, "name": "王芳", "email": f"{uuid7().hex}@guest.example"}
    _, reader, _ = world.member(stage.buyer, "viewer")
    answered = ask("POST /v1/response-cards/{response_card_id}/answers", reader, agreed, **card)
    (one,) = ask("GET /v1/seller/card-responses", world.promoter, card_id=made["id"])["items"]
    response = {"card_response_id": one["id"]}
    work = {"state": "working", "note": "Call back."}
    ask("PUT /v1/seller/card-responses/{card_response_id}", world.promoter, work, **response)
    token = parse_qs(urlsplit(answered["receipt_url"]).query)["token"][0]
    ask("DELETE /v1/card-answer", CALLER, token=token)
    ask("POST /v1/seller/card-responses/{card_response_id}/erasure", world.promoter, **response)
    ask("DELETE /v1/seller/response-cards/{response_card_id}", world.promoter, **card)
    trainings(world, str(video_id))


def trainings(world: World, video_id: str) -> None:
    ask, org = world.walk.ask, world.stage.promoter
    with unit_of_work(world.services.db, SYSTEM) as uow:
        owner = session_of(uow, org.owner)
    said = {"title": "数据安全", "due_on": clock.today("Asia/Shanghai").isoformat()}
    people = {"person_ids": [str(org.owner.person())]}
    made = ask("POST /v1/managed-trainings", owner, said | people | {"video_ids": [video_id]})
    training = {"training_id": made["id"]}
    spans = {"spans": [[0, 4_000]]}
    watched = "PUT /v1/trainings/{training_id}/videos/{video_id}/watched"
    ask(watched, owner, spans, video_id=video_id, **training)
    ask("PUT /v1/managed-trainings/{training_id}", owner, said, **training)
    ask("POST /v1/managed-trainings/{training_id}/end", owner, **training)
