"""Circles: found one, find and join them, say what one is, and follow channels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, Wire, idempotent_command, list_page, unchanged
from kernel.db.uow import UnitOfWork
from marketplace.circles.follow_channels import follow_for_circle, unfollow_for_circle
from marketplace.circles.found_circle import MAX_ABOUT, MAX_NAME, SaveCircle, found_circle, renew_link, save_circle
from marketplace.circles.membership import join_by_link, join_circle, leave_circle, set_listed
from marketplace.circles.queries import (
    CircleView,
    FollowedChannel,
    LatestVideo,
    followed_channels,
    get_by_link,
    get_circle,
    latest_videos,
    list_circles,
    list_own_circles,
)

Kind = Literal["internal", "teaching", "exchange", "community"]


class CircleSettingsIn(Wire):
    """What a circle is, but for its kind."""

    name: Annotated[str, Field(max_length=MAX_NAME, examples=["华东招聘同行圈"])]
    about: Annotated[str, Field(max_length=MAX_ABOUT, examples=["HR of the region, about tools and prices"])] = ""
    visibility: Annotated[
        Literal["open", "closed"], Field(description="Closed: what is written in it only its members read")
    ] = "closed"
    joining: Annotated[
        Literal["open", "approval"], Field(description="By approval, whoever finds it asks; its link lets in at once")
    ] = "approval"
    moderation: Annotated[
        Literal["before", "after"], Field(description="Whether a leader looks before a post is shown, or after")
    ] = "after"


class CircleIn(CircleSettingsIn):
    """A circle to found. An internal one is for the people of the founder's company alone, and always closed."""

    kind: Annotated[
        Kind,
        Field(
            description="`internal`: one company's people; `teaching`: a list of videos to watch; `exchange`: a directory of "
            "members who agree to it; `community`: one post above the others",
            examples=["community"],
        ),
    ] = "community"


class DirectoryIn(Wire):
    """Whether one stands in the directory that all members of a circle for exchange read."""

    listed: bool


class CircleFeedOut(Out):
    """The channels that a circle follows, and their latest videos that the reader may watch."""

    channels: Sequence[FollowedChannel]
    videos: Sequence[LatestVideo]


@get("/v1/circles", permission=SIGNED_IN, sync_to_thread=True, tags=["circles"])
def get_circles(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[CircleView]]:
    """Circles that everybody may know of, the newest first."""
    return list_page(request, paging, list_circles, unchanged)


@get("/v1/own-circles", permission=SIGNED_IN, sync_to_thread=True, tags=["circles"])
def get_own_circles(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[CircleView]]:
    """Those that one is in or asked to join, the latest first."""
    return list_page(request, paging, list_own_circles, unchanged)


@post("/v1/circles", permission=SIGNED_IN, refuses=[403, 409, 429], sync_to_thread=True, tags=["circles"])
def post_circle(data: JSONBody[CircleIn], request: ApiRequest, idempotency_key: KeyHeader) -> Response[CircleView]:
    """Found a circle and be its owner. It is an organization without tax identifier or invoice title."""
    command = SaveCircle(**data.model_dump())

    def work(uow: UnitOfWork) -> CircleView:
        return get_circle(uow, found_circle(uow, command).org_id)

    return idempotent_command(request, idempotency_key, data, work)


@get("/v1/circles/{circle_id:uuid}", permission=SIGNED_IN, refuses=[403, 404], sync_to_thread=True, tags=["circles"])
def get_one_circle(circle_id: FromPath[UUID], request: ApiRequest) -> CircleView:
    """A circle, and what one is in it. Its leaders read its link."""
    with request.transaction() as uow:
        return get_circle(uow, circle_id)


@put("/v1/circles/{circle_id:uuid}", permission=SIGNED_IN, refuses=[403, 404], sync_to_thread=True, tags=["circles"])
def put_circle(circle_id: FromPath[UUID], data: JSONBody[CircleSettingsIn], request: ApiRequest) -> CircleView:
    """Say otherwise what it is. Its owner alone."""
    command = SaveCircle(**data.model_dump())
    return _after(request, circle_id, lambda uow: save_circle(uow, circle_id, command))


@post(
    "/v1/circles/{circle_id:uuid}/link",
    permission=SIGNED_IN,
    refuses=[403, 404],
    status_code=200,
    sync_to_thread=True,
    tags=["circles"],
)
def post_circle_link(circle_id: FromPath[UUID], request: ApiRequest) -> CircleView:
    """Give it another link: the old one opens nothing any more. Its owner alone."""
    return _after(request, circle_id, lambda uow: renew_link(uow, circle_id))


@put(
    "/v1/circles/{circle_id:uuid}/membership",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 429],
    sync_to_thread=True,
    tags=["circles"],
)
def put_membership(circle_id: FromPath[UUID], request: ApiRequest) -> CircleView:
    """Join, or ask to where that takes approval. Done already, nothing changes."""
    return _after(request, circle_id, lambda uow: join_circle(uow, circle_id))


@delete(
    "/v1/circles/{circle_id:uuid}/membership",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    sync_to_thread=True,
    tags=["circles"],
)
def delete_membership(circle_id: FromPath[UUID], request: ApiRequest) -> None:
    """Leave, or take back that one asked. Not in it, nothing changes."""
    request.transact(lambda uow: leave_circle(uow, circle_id))


@put(
    "/v1/circles/{circle_id:uuid}/directory",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    sync_to_thread=True,
    tags=["circles"],
)
def put_directory(circle_id: FromPath[UUID], data: JSONBody[DirectoryIn], request: ApiRequest) -> CircleView:
    """Agree to stand in the directory of a circle for exchange, or take it back."""
    return _after(request, circle_id, lambda uow: set_listed(uow, circle_id, listed=data.listed))


@get("/v1/circle-links/{code:str}", permission=SIGNED_IN, refuses=[403, 404], sync_to_thread=True, tags=["circles"])
def get_circle_link(code: FromPath[str], request: ApiRequest) -> CircleView:
    """The circle whose link it is, before one joins."""
    with request.transaction() as uow:
        return get_by_link(uow, code)


@put(
    "/v1/circle-links/{code:str}/membership",
    permission=SIGNED_IN,
    refuses=[403, 404, 409, 429],
    sync_to_thread=True,
    tags=["circles"],
)
def put_membership_by_link(code: FromPath[str], request: ApiRequest) -> CircleView:
    """Join at once by a circle's link; whoever was removed from it asks."""
    return request.transact(lambda uow: get_circle(uow, join_by_link(uow, code).org_id))


@get(
    "/v1/circles/{circle_id:uuid}/feed", permission=SIGNED_IN, refuses=[403, 404], sync_to_thread=True, tags=["circles"]
)
def get_circle_feed(circle_id: FromPath[UUID], request: ApiRequest) -> CircleFeedOut:
    """The channels that a circle follows, with their latest videos."""
    with request.transaction() as uow:
        return CircleFeedOut(channels=followed_channels(uow, circle_id), videos=latest_videos(uow, circle_id))


@put(
    "/v1/circles/{circle_id:uuid}/channels/{channel_id:uuid}",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    status_code=204,
    sync_to_thread=True,
    tags=["circles"],
)
def put_circle_channel(circle_id: FromPath[UUID], channel_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let a circle follow a channel. Its leaders."""
    request.transact(lambda uow: follow_for_circle(uow, circle_id, channel_id))


@delete(
    "/v1/circles/{circle_id:uuid}/channels/{channel_id:uuid}",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def delete_circle_channel(circle_id: FromPath[UUID], channel_id: FromPath[UUID], request: ApiRequest) -> None:
    """Let it follow a channel no more. Its leaders."""
    request.transact(lambda uow: unfollow_for_circle(uow, circle_id, channel_id))


def _after(request: ApiRequest, circle_id: UUID, change: Callable[[UnitOfWork], object]) -> CircleView:
    """The circle as the reader sees it once `change` is done."""

    def work(uow: UnitOfWork) -> CircleView:
        change(uow)
        return get_circle(uow, circle_id)

    return request.transact(work)


routes = [
    get_circles,
    get_own_circles,
    post_circle,
    get_one_circle,
    put_circle,
    post_circle_link,
    put_membership,
    delete_membership,
    put_directory,
    get_circle_link,
    put_membership_by_link,
    get_circle_feed,
    put_circle_channel,
    delete_circle_channel,
]
