"""The sample market's course: a service sold by the seat, which the platform itself delivers, of films that are there already."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import select

from app.sample.catalogue import await_examination, make_product
from app.sample.products import COURSE
from app.sample.scenes import Scene
from app.sample.seller_start import SellerStart
from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.save_connector import SaveConnector, save_connector
from kernel.db.uow import UnitOfWork, transact
from kernel.outbound import OutboundPolicy
from kernel.principal import Principal, PrincipalKind
from marketplace.catalog.models import Plan
from marketplace.courses.save_course import EpisodeDraft, SaveCourse, save_course
from marketplace.videos.create_video import CreateVideo, create_video
from marketplace.videos.media.receive_media import ReceiveMedia, receive_media, upload_key
from marketplace.videos.models import Video

CONNECTOR = "Delivered by the platform"
PREVIEW = ("recruiting", "第一课：一个校招季要管什么", "Lesson 1: what a campus season is made of")
LESSONS = (
    ("onsite", "第二课：把流程搬进系统", "Lesson 2: moving the process into a system"),
    ("customers", "第三课：入职之后怎么跟进", "Lesson 3: following up after the first day"),
)
"""Scenes whose films are its episodes, and what they are called there."""


def seed_course(
    start: SellerStart,
    policy: OutboundPolicy,
    organizations: Mapping[str, UUID],
    videos: Mapping[str, UUID],
    scenes: Mapping[str, Scene],
) -> None:
    """List the course with its three episodes, the first of which is the seller's public film. Idempotent by the product's
    slug and the films' titles.

    Raises:
        RuntimeError: a film was not found playable.
    """
    owner = Principal(PrincipalKind.SYSTEM, org_id=organizations[COURSE.seller], label="sample")

    def connect(uow: UnitOfWork) -> UUID:
        known = select(ConnectorRow.id).where(ConnectorRow.org_id == owner.org_id, ConnectorRow.name == CONNECTOR)
        found = uow.session.scalar(known.limit(1))
        return found or save_connector(uow, SaveConnector(CONNECTOR, "none"), box=start.box, policy=policy).id

    plan_id = make_product(start.db, owner, COURSE, transact(start.db, owner, connect))
    lessons = [_upload(start, owner, scenes[scene], title, title_en) for scene, title, title_en in LESSONS]
    for video_id in lessons:
        await_examination(start.db, owner, video_id)
    episodes = [EpisodeDraft(videos[PREVIEW[0]], *PREVIEW[1:], is_preview=True)]
    episodes += [EpisodeDraft(video_id) for video_id in lessons]

    def put_together(uow: UnitOfWork) -> None:
        save_course(uow, SaveCourse(uow.session.get_one(Plan, plan_id).listing_id, episodes))

    transact(start.db, owner, put_together)


def _upload(start: SellerStart, owner: Principal, scene: Scene, title: str, title_en: str) -> UUID:
    def begin(uow: UnitOfWork) -> tuple[UUID, str]:
        known = uow.session.scalar(select(Video).where(Video.org_id == owner.org_id, Video.title == title))
        found = known or create_video(uow, CreateVideo(None, title, title_en, visibility="internal"))
        return found.id, found.state

    video_id, state = transact(start.db, owner, begin)
    if state in {"draft", "refused"}:
        stored = start.storage.put(upload_key(video_id), [scene.path.read_bytes()])
        transact(start.db, owner, lambda uow: receive_media(uow, ReceiveMedia(video_id, stored, scene.path.name)))
    return video_id
