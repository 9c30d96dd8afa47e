"""Who is in a circle, and what is written in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody, QueryParameter
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import KeyHeader, Out, PageOut, Paging, Wire, idempotent_command, linked, unchanged
from kernel.db.uow import UnitOfWork
from marketplace.circles.membership import answer_join, remove_member, set_role
from marketplace.circles.posts import MAX_TEXT, WritePost, decide_post, mark_post, remove_post, write_post
from marketplace.circles.queries import (
    CircleMemberView,
    CirclePostView,
    get_member_view,
    get_post_view,
    list_members,
    list_posts,
    marked_posts,
)

AskedParameter = Annotated[
    bool, QueryParameter(name="asked", required=False, description="Those who ask to join, for its leaders")
]
WaitingParameter = Annotated[
    bool, QueryParameter(name="waiting", required=False, description="Those that wait, for its leaders")
]


class JoinAnswerIn(Wire):
    """Whether somebody who asked is let in."""

    accept: bool


class CircleRoleIn(Wire):
    """What a member is to be. The owner's role is handed over: who had it becomes a moderator."""

    role: Literal["owner", "moderator", "member"]


class CirclePostIn(Wire):
    """Plain text, never markup; with a video or a product beside it, one of them at most."""

    text: Annotated[str, Field(max_length=MAX_TEXT, examples=["这个工具我们用了半年，推荐。"])]
    video_id: UUID | None = None
    listing_id: UUID | None = None


class PostDecisionIn(Wire):
    """Whether a post is shown."""

    show: bool


class PostMarkIn(Wire):
    """Whether a post stays above the others (community), or its video is on the list to watch (teaching)."""

    marked: bool


class MarkedPostsOut(Out):
    """What its leaders marked."""

    items: Sequence[CirclePostView]


@get(
    "/v1/circles/{circle_id:uuid}/members",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def get_circle_members(
    circle_id: FromPath[UUID],
    request: ApiRequest,
    paging: Given[Paging],
    asked: AskedParameter = False,  # noqa: FBT002 - a query parameter is named
) -> Response[PageOut[CircleMemberView]]:
    """Members, the latest first: all to its leaders, of a circle for exchange those who agreed to it to members."""
    with request.transaction() as uow:
        page = list_members(uow, circle_id, asked=asked, cursor=paging.cursor, limit=paging.limit)
    return linked(page, unchanged, f"/v1/circles/{circle_id}/members", asked=asked or None, limit=paging.limit)


@post(
    "/v1/circle-members/{circle_member_id:uuid}/answer",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    status_code=200,
    sync_to_thread=True,
    tags=["circles"],
)
def post_join_answer(
    circle_member_id: FromPath[UUID], data: JSONBody[JoinAnswerIn], request: ApiRequest
) -> CircleMemberView:
    """Let somebody in who asked, or not. Its leaders."""

    def work(uow: UnitOfWork) -> CircleMemberView:
        return get_member_view(uow, answer_join(uow, circle_member_id, accept=data.accept).id)

    return request.transact(work)


@put(
    "/v1/circle-members/{circle_member_id:uuid}/role",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    sync_to_thread=True,
    tags=["circles"],
)
def put_circle_role(
    circle_member_id: FromPath[UUID], data: JSONBody[CircleRoleIn], request: ApiRequest
) -> CircleMemberView:
    """Make a member a moderator or a moderator a member, or hand the circle over. Its owner alone."""

    def work(uow: UnitOfWork) -> CircleMemberView:
        return get_member_view(uow, set_role(uow, circle_member_id, data.role).id)

    return request.transact(work)


@post(
    "/v1/circle-members/{circle_member_id:uuid}/removal",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    status_code=204,
    sync_to_thread=True,
    tags=["circles"],
)
def post_circle_removal(circle_member_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take somebody out; what they wrote stays. Its leaders; of a moderator, its owner."""
    request.transact(lambda uow: remove_member(uow, circle_member_id).id)


@get(
    "/v1/circles/{circle_id:uuid}/posts",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def get_circle_posts(
    circle_id: FromPath[UUID],
    request: ApiRequest,
    paging: Given[Paging],
    waiting: WaitingParameter = False,  # noqa: FBT002 - a query parameter is named
) -> Response[PageOut[CirclePostView]]:
    """What is written in it, the newest first. Of a closed circle to its members alone."""
    with request.transaction() as uow:
        page = list_posts(uow, circle_id, waiting=waiting, cursor=paging.cursor, limit=paging.limit)
    return linked(page, unchanged, f"/v1/circles/{circle_id}/posts", waiting=waiting or None, limit=paging.limit)


@get(
    "/v1/circles/{circle_id:uuid}/marked-posts",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def get_marked_posts(circle_id: FromPath[UUID], request: ApiRequest) -> MarkedPostsOut:
    """Of a community the post above the others; of a teaching circle the list to watch, in its order."""
    with request.transaction() as uow:
        return MarkedPostsOut(items=marked_posts(uow, circle_id))


@post(
    "/v1/circles/{circle_id:uuid}/posts",
    permission=SIGNED_IN,
    refuses=[403, 404, 429],
    sync_to_thread=True,
    tags=["circles"],
)
def post_circle_post(
    circle_id: FromPath[UUID], data: JSONBody[CirclePostIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[CirclePostView]:
    """Write in a circle: ten posts in ten minutes at most. It waits where its leaders look first."""
    command = WritePost(**data.model_dump())

    def work(uow: UnitOfWork) -> CirclePostView:
        return get_post_view(uow, write_post(uow, circle_id, command).id)

    return idempotent_command(request, idempotency_key, data, work)


@post(
    "/v1/circle-posts/{circle_post_id:uuid}/decision",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    status_code=200,
    sync_to_thread=True,
    tags=["circles"],
)
def post_post_decision(
    circle_post_id: FromPath[UUID], data: JSONBody[PostDecisionIn], request: ApiRequest
) -> CirclePostView:
    """Show what waits or was hidden, or hide it. Its leaders."""

    def work(uow: UnitOfWork) -> CirclePostView:
        return get_post_view(uow, decide_post(uow, circle_post_id, show=data.show).id)

    return request.transact(work)


@put(
    "/v1/circle-posts/{circle_post_id:uuid}/mark",
    permission=SIGNED_IN,
    refuses=[403, 404, 409],
    sync_to_thread=True,
    tags=["circles"],
)
def put_post_mark(circle_post_id: FromPath[UUID], data: JSONBody[PostMarkIn], request: ApiRequest) -> CirclePostView:
    """Mark a post as the circle's kind has it, or unmark it. Its leaders."""

    def work(uow: UnitOfWork) -> CirclePostView:
        return get_post_view(uow, mark_post(uow, circle_post_id, marked=data.marked).id)

    return request.transact(work)


@delete(
    "/v1/circle-posts/{circle_post_id:uuid}",
    permission=SIGNED_IN,
    refuses=[403, 404],
    sync_to_thread=True,
    tags=["circles"],
)
def delete_circle_post(circle_post_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own post back for good."""
    request.transact(lambda uow: remove_post(uow, circle_post_id))


routes = [
    get_circle_members,
    post_join_answer,
    put_circle_role,
    post_circle_removal,
    get_circle_posts,
    get_marked_posts,
    post_circle_post,
    post_post_decision,
    put_post_mark,
    delete_circle_post,
]
