"""Comments below videos: written, taken back, hidden by the channel."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.request import ApiRequest
from api.schema import Out, PageOut, Paging, Wire, linked
from marketplace.reactions.comment_on_video import MAX_TEXT, add_comment, moderate_comment, remove_comment
from marketplace.reactions.comment_queries import CommentView, list_comments


class CommentIn(Wire):
    """Plain text; nothing in it is ever markup."""

    text: Annotated[str, Field(max_length=MAX_TEXT)]


class CommentIdOut(Out):
    """The id of what was written."""

    id: UUID


@get("/v1/videos/{video_id:uuid}/comments", permission=PUBLIC, sync_to_thread=True, tags=["content"])
def get_comments(
    video_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[CommentView]]:
    """Comments below a video, newest first."""
    with request.transaction() as uow:
        page = list_comments(uow, video_id=video_id, cursor=paging.cursor, limit=paging.limit)
    return linked(page, lambda row: row, f"/v1/videos/{video_id}/comments", limit=paging.limit)


@post("/v1/videos/{video_id:uuid}/comments", permission=SIGNED_IN, sync_to_thread=True, refuses=[429], tags=["content"])
def create_comment(video_id: FromPath[UUID], data: JSONBody[CommentIn], request: ApiRequest) -> CommentIdOut:
    """Write below a video: ten comments in ten minutes at most."""
    return CommentIdOut(id=request.transact(lambda uow: add_comment(uow, video_id, data.text).id))


@delete("/v1/comments/{comment_id:uuid}", permission=SIGNED_IN, sync_to_thread=True, tags=["content"])
def delete_comment(comment_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take one's own comment back."""
    request.transact(lambda uow: remove_comment(uow, comment_id))


@post(
    "/v1/comments/{comment_id:uuid}/hide",
    permission="videos.write",
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def hide_comment(comment_id: FromPath[UUID], request: ApiRequest) -> None:
    """Hide a comment below a video of one's own channel."""
    request.transact(lambda uow: moderate_comment(uow, comment_id, show=False))


@post(
    "/v1/comments/{comment_id:uuid}/show",
    permission="videos.write",
    sync_to_thread=True,
    status_code=204,
    tags=["content"],
)
def show_comment(comment_id: FromPath[UUID], request: ApiRequest) -> None:
    """Show a hidden comment again."""
    request.transact(lambda uow: moderate_comment(uow, comment_id, show=True))


routes = [
    get_comments,
    create_comment,
    delete_comment,
    hide_comment,
    show_comment,
]
