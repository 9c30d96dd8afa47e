"""The writes of videos: posted, worked on, published, commented on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from tests.factories_courses import make_course, seat, sell
from tests.factories_marketplace import make_channel, make_ready_video

if TYPE_CHECKING:
    from tests.conformance.test_writes import World

CLIP = b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + bytes(64)
"""What begins as a video does; what it holds is examined later."""


def videos(world: World) -> None:
    ask, promoter = world.walk.ask, world.promoter
    with unit_of_work(world.services.db, SYSTEM) as uow:
        channel = make_channel(uow, world.stage.promoter).id
        video_id = make_ready_video(uow, world.stage.promoter).id
    handle = {"handle": f"c-{uuid7().hex[-10:]}", "name": "频道", "name_en": "Channel"}
    ask("POST /v1/channels", promoter, handle)
    ask("PUT /v1/channels/{channel_id}", promoter, {"name": "频道", "name_en": "Other"}, channel_id=channel)
    ask("PUT /v1/channels/{channel_id}/follow", world.purchaser, channel_id=channel)
    ask("DELETE /v1/channels/{channel_id}/follow", world.purchaser, channel_id=channel)
    ask("POST /v1/channels/{channel_id}/share", world.purchaser, channel_id=channel)
    for media_type, method, body in (
        ("application/octet-stream", "PUT", CLIP),
        ("multipart/form-data", "POST", {"file": CLIP}),
    ):
        made = ask("POST /v1/videos", promoter, {"title": "看看", "channel_id": str(channel)})
        ask(f"{method} /v1/videos/{{video_id}}/upload", promoter, body, media_type, video_id=made["id"])
    upload_piecewise(world, str(channel))
    cards = [
        ask(
            "POST /v1/videos/{video_id}/placements",
            promoter,
            {"plan_id": str(world.stage.seat_plan), "start_ms": 0, "end_ms": 9_000},
            video_id=video_id,
        )
    ]
    card = {"placement_id": cards[0]["id"]}
    ask("PATCH /v1/placements/{placement_id}", promoter, {"end_ms": 8_000}, **card)
    claim = {"kind": "feature", "at_ms": 1_000, "text": "可导出", "text_en": "Export", "value_text": "full_export"}
    said = ask("POST /v1/placements/{placement_id}/claims", promoter, claim, **card)
    ask("DELETE /v1/claims/{claim_id}", promoter, claim_id=said["id"])
    ask("DELETE /v1/placements/{placement_id}", promoter, **card)
    work_on_film(world, video_id)
    for verb, who in (("publish", promoter), ("share", world.purchaser)):
        ask(f"POST /v1/videos/{{video_id}}/{verb}", who, video_id=video_id)
    comment_below(world, video_id)
    for method in ("PUT", "DELETE"):
        ask(f"{method} /v1/videos/{{video_id}}/like", world.purchaser, video_id=video_id)
    ask("POST /v1/videos/{video_id}/withdraw", promoter, video_id=video_id)
    seen = {
        "id": str(uuid7()),
        "kind": "card_click",
        "occurred_at": clock.now().isoformat(),
        "video_id": str(world.stage.video),
        "placement_id": str(world.stage.placement),
        "second": 6,
    }
    ask("POST /v1/touchpoints", world.purchaser, {"events": [seen]})


def courses(world: World) -> None:
    """A seller makes a course of its videos; a member who was given a seat watches one."""
    stage, db = world.stage, world.services.db
    with unit_of_work(db, SYSTEM) as uow:
        course = make_course(uow, stage.seller)
        made = sell(uow, course, buyer=stage.buyer)
        seat(uow, made, stage.purchaser)
    named = {"listing_id": course.id}
    episodes = [{"video_id": str(one), "is_preview": one == course.preview} for one in reversed(course.videos)]
    world.walk.ask("PUT /v1/seller/courses/{listing_id}", world.seller, {"episodes": episodes}, **named)
    world.walk.ask(
        "PUT /v1/courses/{listing_id}/episodes/{video_id}/progress",
        world.purchaser,
        {"position_ms": 61_000},
        video_id=course.paid,
        **named,
    )


def upload_piecewise(world: World, channel: str) -> None:
    ask, tus = world.walk.ask, world.promoter | {"Tus-Resumable": "1.0.0"}
    made = ask("POST /v1/videos", world.promoter, {"title": "分段", "channel_id": channel})
    announced = tus | {"Upload-Length": str(len(CLIP))}
    for verb in ("DELETE", "PATCH"):
        upload = ask("POST /v1/videos/{video_id}/uploads", announced, video_id=made["id"])
        piece = (tus | {"Upload-Offset": "0"}, CLIP, "application/offset+octet-stream") if verb == "PATCH" else (tus,)
        ask(f"{verb} /v1/uploads/{{upload_id}}", *piece, upload_id=upload["id"])


def comment_below(world: World, video_id: UUID) -> None:
    ask, promoter = world.walk.ask, world.promoter
    made = ask("POST /v1/videos/{video_id}/comments", world.purchaser, {"text": "多少钱？"}, video_id=video_id)
    said = {"comment_id": made["id"]}
    reported = {"kind": "comment", "content_id": made["id"], "reason": "广告"}
    report = ask("POST /v1/content-reports", world.approver, reported)
    ask("POST /v1/comments/{comment_id}/hide", promoter, **said)
    ask("POST /v1/comments/{comment_id}/show", promoter, **said)
    decided = {"remove": False, "reason": "不是广告。"}
    ask("POST /v1/operator/content-reports/{report_id}", world.operator, decided, report_id=report["id"])
    ask("DELETE /v1/comments/{comment_id}", world.purchaser, **said)


def work_on_film(world: World, video_id: UUID) -> None:
    ask, promoter, named = world.walk.ask, world.promoter, {"video_id": video_id}
    chapters = {"chapters": [{"at_ms": 0, "title": "开场"}, {"at_ms": 4_000, "title": "价格", "title_en": "Pricing"}]}
    ask("PUT /v1/videos/{video_id}/chapters", promoter, chapters, **named)
    ask("POST /v1/videos/{video_id}/cover", promoter, {"at_ms": 4_000}, **named)
    picture = {"file": b"\x89PNG\r\n\x1a\n" + bytes(40)}
    ask("PUT /v1/videos/{video_id}/cover", promoter, picture, "multipart/form-data", **named)
    moment = {"publish_at": (clock.now() + timedelta(days=1)).isoformat()}
    ask("PUT /v1/videos/{video_id}/schedule", promoter, moment, **named)
    ask("DELETE /v1/videos/{video_id}/schedule", promoter, **named)
    shared = {"visibility": "partners", "partner_ids": [str(world.stage.buyer.id)]}
    for readers in (shared, {"visibility": "public"}):
        ask("PUT /v1/videos/{video_id}/visibility", promoter, readers, **named)
    captions = {"content": "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nOne screen.\n"}
    ask("PUT /v1/videos/{video_id}/captions/{language}", promoter, captions, **named, language="en")
    ask("DELETE /v1/videos/{video_id}/captions/{language}", promoter, **named, language="en")
