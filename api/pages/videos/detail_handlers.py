"""The editor's forms of what belongs to a video beside its cards and claims, and of when it is published."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame.partner_groups import groups_of
from api.pages.frame.site import Form, PageRequest, form_post
from api.pages.videos.chapter_lines import read_chapters
from api.pages.videos.editing import WRITE, edited, edited_by
from api.pages.videos.presenter import MS, moment_of, partners_of
from api.pages.videos.views import Typed
from api.v1.captions import store_captions
from api.v1.covers import store_cover
from kernel.db.uow import UnitOfWork
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.schedule_video import ScheduleVideo, schedule_video, unschedule_video
from marketplace.videos.captions.check_captions import MAX_BYTES
from marketplace.videos.captions.edit_captions import remove_captions
from marketplace.videos.media.choose_cover import MAX_PICTURE_BYTES, ChooseCover, choose_cover
from marketplace.videos.set_chapters import set_chapters


@form_post("/seller/videos/{video_id:uuid}/captions", WRITE, file_bytes=MAX_BYTES)
def put_captions(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take a WebVTT file as the captions in a language, or (`action` = delete) take those there are away."""
    if form.text("action", most=10) == "delete":
        language = form.text("language", most=20)
        return edited(page_request, video_id, lambda uow: remove_captions(uow, video_id, language))

    def act() -> None:
        content = form.file("captions_file").file.read(MAX_BYTES + 1)
        store_captions(page_request.request, video_id, form.text("language", most=20), content)

    return edited_by(page_request, video_id, act, Typed("captions", form.values), notice="captions_saved")


@form_post("/seller/videos/{video_id:uuid}/chapters", WRITE)
def put_chapters(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Save the chapters, one on a line."""

    def work(uow: UnitOfWork) -> None:
        set_chapters(uow, video_id, read_chapters(form.text("chapters", most=20_000)))

    return edited(page_request, video_id, work, Typed("chapters", form.values), notice="chapters_saved")


@form_post("/seller/videos/{video_id:uuid}/cover", WRITE)
def choose_moment(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Let a second of the film be the cover."""

    def work(uow: UnitOfWork) -> None:
        choose_cover(uow, ChooseCover(video_id, form.number("second", most=86_400) * MS))

    return edited(page_request, video_id, work, Typed("cover", form.values), notice="cover_chosen")


@form_post("/seller/videos/{video_id:uuid}/cover-picture", WRITE, file_bytes=MAX_PICTURE_BYTES)
def upload_cover(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take a picture as the cover."""

    def act() -> None:
        store_cover(page_request.request, video_id, form.file("cover_file"))

    return edited_by(page_request, video_id, act, notice="cover_chosen")


@form_post("/seller/videos/{video_id:uuid}/schedule", WRITE)
def schedule(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Let it be published at a moment on the organization's clock, or (`action` = cancel) no more."""
    if form.text("action", most=10) == "cancel":
        return edited(page_request, video_id, lambda uow: unschedule_video(uow, video_id), notice="video_unscheduled")

    def work(uow: UnitOfWork) -> None:
        publish_at = moment_of(form, "publish_at", page_request.time_zone)
        schedule_video(uow, ScheduleVideo(video_id, publish_at))

    return edited(page_request, video_id, work, Typed("schedule", form.values), notice="video_scheduled")


@form_post("/seller/videos/{video_id:uuid}/visibility", WRITE)
def choose_readers(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Let others than before see it; partners are chosen by tier, or named by number, legal name or tax identifier, one on a
    line.
    """

    def act() -> None:
        named, groups = partners_of(page_request, form), groups_of(form)
        change = ChangeVisibility(video_id, form.text("visibility", most=20), named, groups)
        page_request.transact(lambda uow: change_visibility(uow, change))

    return edited_by(page_request, video_id, act, Typed("visibility", form.values), notice="visibility_changed")


routes = [choose_readers, put_captions, put_chapters, choose_moment, upload_cover, schedule]
