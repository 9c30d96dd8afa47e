"""The seller's and promoter's videos: list, upload, the editor of cards and claims, publishing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import addresses
from api.pages.frame.partner_groups import group_fields, groups_of
from api.pages.frame.phrases import failure
from api.pages.frame.seller_access import require_channel
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404
from api.pages.seller.presenter import sales_by_video
from api.pages.videos import presenter as filling
from api.pages.videos.editing import WRITE, edited, editor_of
from api.pages.videos.presenter import moment_of, partners_of
from api.pages.videos.views import ArrivedPart, SellerVideosView, Typed, UploadView
from api.v1.media import store_form_file
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Forbidden, NotFound
from marketplace.publishing.begin_post import BeginPost, begin_post
from marketplace.publishing.edit_placements import (
    AddPlacement,
    ChangePlacement,
    add_claim,
    add_placement,
    change_placement,
    remove_claim,
    remove_placement,
)
from marketplace.publishing.publish_video import publish_video, withdraw_video
from marketplace.publishing.queries import get_own_video, list_own_videos
from marketplace.relations.partner_groups import NO_GROUPS, tiers_named
from marketplace.videos.create_video import CreateVideo
from marketplace.videos.media.receive_media import MAX_BYTES
from marketplace.videos.uploads.queries import find_open_upload

FORM_OVERHEAD = 64 * 1024
_PAGE = 20
_LOOK_AGAIN_S = 3


@page(addresses.SELLER_VIDEOS, WRITE)
def show_videos(page_request: Given[PageRequest]) -> Response[str]:
    """The organization's videos, newest first."""
    with page_request.work() as uow:
        require_channel(page_request, uow)
        found = list_own_videos(uow, cursor=page_request.query("cursor", most=200) or None, limit=_PAGE)
        sales = sales_by_video(uow, [row.id for row in found.items])
    rows = tuple(filling.video_row(page_request, row, sales.get(row.id, [])) for row in found.items)
    more = addresses.next_page(addresses.SELLER_VIDEOS, found.next_cursor)
    working = any(row.state == "processing" for row in found.items)
    return page_request.render(SellerVideosView(rows, more), refresh_s=_LOOK_AGAIN_S if working else 0)


@page(addresses.SELLER_UPLOAD, WRITE)
def show_upload(page_request: Given[PageRequest]) -> Response[str]:
    """The upload form."""
    with page_request.work() as uow:
        require_channel(page_request, uow)
    return page_request.render(_blank(page_request))


@form_post(addresses.SELLER_UPLOAD, WRITE, request_max_body_size=MAX_BYTES + FORM_OVERHEAD)
def upload(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Begin a post and take its file, without scripts. A refused file leaves the post to be completed later."""
    try:
        file = form.file("file")
        made = _begin(page_request, form)
    except (NotFound, Forbidden):
        raise
    except DomainError as refused:
        view = replace(_blank(page_request, form.values), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    try:
        store_form_file(page_request.request, made, file)
    except DomainError as refused:
        return _upload_again(page_request, made, refused)
    return page_request.redirect(addresses.seller_video(str(made)))


@form_post(addresses.SELLER_VIDEOS, WRITE)
def begin(page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Begin a post for the page's script, which sends the file piece by piece."""
    return Response({"id": str(_begin(page_request, form))}, status_code=201)


def _blank(page_request: PageRequest, typed: Mapping[str, str] | None = None) -> UploadView:
    """The form of a new post, with what was typed."""
    with page_request.work() as uow:
        tiers = tiers_named(uow)
    groups = group_fields(page_request, tiers, NO_GROUPS, typed)
    return UploadView(MAX_BYTES, typed or {}, time_zone=page_request.time_zone, groups=groups)


def _begin(page_request: PageRequest, form: Form) -> UUID:
    words = CreateVideo(
        None,
        form.text("title", most=1_000),
        description=form.text("description", most=20_000),
        visibility=form.text("visibility", most=20) or "public",
    )
    moment = moment_of(form, "publish_at", page_request.time_zone) if form.text("publish_at", most=16) else None
    command = BeginPost(words, partners_of(page_request, form), moment, groups_of(form))

    def work(uow: UnitOfWork) -> UUID:
        require_channel(page_request, uow)
        return begin_post(uow, command).id

    return page_request.transact(work)


@page("/seller/videos/{video_id:uuid}/file", WRITE)
def show_upload_again(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """The upload form of a post that has no usable file yet."""
    return _upload_again(page_request, video_id, None)


@form_post("/seller/videos/{video_id:uuid}/file", WRITE, request_max_body_size=MAX_BYTES + FORM_OVERHEAD)
def upload_again(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take another file for a post."""
    try:
        store_form_file(page_request.request, video_id, form.file("file"))
    except NotFound:
        raise
    except DomainError as refused:
        return _upload_again(page_request, video_id, refused)
    return page_request.redirect(addresses.seller_video(str(video_id)))


@page("/seller/videos/{video_id:uuid}", WRITE)
def show_video(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """One video with its editor. While its file is examined or a cover made the page looks again by itself."""
    view = editor_of(page_request, video_id)
    return page_request.render(view, refresh_s=_LOOK_AGAIN_S if view.state == "processing" or view.cover_pending else 0)


@form_post("/seller/videos/{video_id:uuid}/placements", WRITE)
def place(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Put a card on the video."""

    def work(uow: UnitOfWork) -> None:
        command = AddPlacement(
            video_id,
            parse_uuid_or_404(form.text("plan_id", most=40), "plan_not_found"),
            form.number("from_s", most=86_400) * filling.MS,
            form.number("to_s", most=86_400) * filling.MS,
            form.text("cta", most=20) or "buy",
        )
        add_placement(uow, command)

    return edited(page_request, video_id, work, Typed("placement", form.values))


@form_post("/seller/videos/{video_id:uuid}/placements/{placement_id:uuid}", WRITE)
def change(
    video_id: FromPath[UUID], placement_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Save another range, button or plan for a card, or (`action` = delete) take it off."""

    def work(uow: UnitOfWork) -> None:
        _of_video(uow, video_id, placement_id, "placement_not_found")
        if form.text("action", most=10) == "delete":
            remove_placement(uow, placement_id)
            return
        command = ChangePlacement(
            placement_id,
            form.number("from_s", most=86_400) * filling.MS,
            form.number("to_s", most=86_400) * filling.MS,
            form.text("cta", most=20) or None,
            parse_uuid_or_404(form.text("plan_id", most=40), "plan_not_found"),
        )
        change_placement(uow, command)

    return edited(page_request, video_id, work, Typed(str(placement_id), form.values))


@form_post("/seller/videos/{video_id:uuid}/claims", WRITE)
def claim(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Enter what the video promises."""

    def work(uow: UnitOfWork) -> None:
        detail = get_own_video(uow, video_id)
        add_claim(uow, filling.claim_of(form, detail))

    return edited(page_request, video_id, work, Typed("claim", form.values))


@form_post("/seller/videos/{video_id:uuid}/claims/{claim_id:uuid}", WRITE)
def unclaim(
    video_id: FromPath[UUID], claim_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Response[Any]:
    """Take a claim back."""
    del form

    def work(uow: UnitOfWork) -> None:
        _of_video(uow, video_id, claim_id, "claim_not_found")
        remove_claim(uow, claim_id)

    return edited(page_request, video_id, work)


@form_post("/seller/videos/{video_id:uuid}/publish", WRITE)
def publish(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Put it into the feed, or say what stands in the way."""
    del form
    return edited(page_request, video_id, lambda uow: publish_video(uow, video_id), notice="video_published")


@form_post("/seller/videos/{video_id:uuid}/withdraw", WRITE)
def withdraw(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Response[Any]:
    """Take it out of every feed."""
    del form
    return edited(page_request, video_id, lambda uow: withdraw_video(uow, video_id), notice="video_withdrawn")


def _of_video(uow: UnitOfWork, video_id: UUID, part_id: UUID, code: str) -> None:
    """The address names a video and a part of it; the part of another video is not there."""
    detail = get_own_video(uow, video_id)
    parts = {card.placement_id for card in detail.cards} | {one.id for one in detail.claims}
    if part_id not in parts:
        raise NotFound(code)


def _upload_again(page_request: PageRequest, video_id: UUID, refused: DomainError | None) -> Response[str]:
    with page_request.work() as uow:
        detail = get_own_video(uow, video_id)
        upload = find_open_upload(uow, video_id)
    title = page_request.pick(detail.row.title, detail.row.title_en)
    error = failure(page_request, refused) if refused is not None else None
    arrived = ArrivedPart(upload.file_name, upload.received_bytes * 100 // upload.size_bytes) if upload else None
    view = UploadView(MAX_BYTES, title=title, video_id=str(video_id), error=error, arrived=arrived)
    return page_request.render(view, status=refused.status if refused is not None else 200)


routes = [
    begin,
    show_videos,
    show_upload,
    upload,
    show_upload_again,
    upload_again,
    show_video,
    place,
    change,
    claim,
    unclaim,
    publish,
    withdraw,
]
