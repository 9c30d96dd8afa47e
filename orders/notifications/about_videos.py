"""What a channel's people are told of videos that were due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.videos.events import VideoNotPublished
from marketplace.videos.models import Video
from orders.notifications.notifiers import RecordedEvent, notifies_of

WHY: Final = {
    "onboarding_incomplete": ("入驻步骤尚未完成", "seller onboarding was not complete"),
    "video_not_ready": ("视频文件尚未就绪", "its file was not ready"),
    "placement_not_on_sale": ("一张卡片上的商品不在售", "the product of a card was not on sale"),
    "placement_beyond_end": ("一张卡片超出了视频长度", "a card ended after the video does"),
    "chapter_beyond_end": ("一个章节超出了视频长度", "a chapter began after the video ends"),
    "claim_contradicts_plan": ("视频里的一条承诺与规格不符", "a promise in it differed from the plan"),
}
"""What stands in the way of publishing, in Chinese and English."""


@notifies_of(VideoNotPublished)
def video_not_published(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever works on the channel's videos learns that one is not out, and why."""
    rows = uow.session.execute(
        select(Video.id, Video.title, Video.title_en).where(Video.id.in_([event.uuid("video_id") for event in events]))
    )
    titles = {row.id: row for row in rows}
    for event in events:
        row, (why, why_en) = titles[event.uuid("video_id")], WHY[event.payload["code"]]
        yield NewNotification(
            event.id,
            event.at,
            "video_not_published",
            f"/seller/videos/{row.id}",
            {"what": row.title, "what_en": row.title_en, "why": why, "why_en": why_en},
            org_id=event.uuid("org_id"),
            permission="videos.write",
        )
