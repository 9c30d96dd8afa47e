"""Comments below videos: written, taken back, hidden by the channel, reported to the platform."""

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
from marketplace.reactions.comment_on_video import (
    MAX_TEXT,
    add_comment,
    decide_reports,
    moderate_comment,
    remove_comment,
    report_comment,
)
from marketplace.reactions.comment_queries import CommentView, ReportedComment, list_comments, list_reported_comments


class CommentIn(Wire):
    """Plain text; nothing in it is ever markup."""

    text: Annotated[str, Field(max_length=MAX_TEXT)]


class CommentReportIn(Wire):
    """Why the platform should look."""

    reason: Annotated[str, Field(max_length=200)] = ""


class ReportDecisionIn(Wire):
    """Whether the comment goes for good; else it stays."""

    remove: bool


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


@post(
    "/v1/comments/{comment_id:uuid}/reports",
    permission=SIGNED_IN,
    sync_to_thread=True,
    status_code=204,
    refuses=[429],
    tags=["content"],
)
def create_report(comment_id: FromPath[UUID], data: JSONBody[CommentReportIn], request: ApiRequest) -> None:
    """Ask the platform to look at a comment."""
    request.transact(lambda uow: report_comment(uow, comment_id, data.reason))


@get("/v1/operator/comment-reports", permission="operator.reviews", sync_to_thread=True, tags=["operator"])
def get_reported(request: ApiRequest) -> list[ReportedComment]:
    """Comments that were reported, what waits longest first."""
    with request.transaction() as uow:
        return list_reported_comments(uow)


@post(
    "/v1/operator/comment-reports/{comment_id:uuid}",
    permission="operator.reviews",
    sync_to_thread=True,
    status_code=204,
    tags=["operator"],
)
def decide(comment_id: FromPath[UUID], data: JSONBody[ReportDecisionIn], request: ApiRequest) -> None:
    """Remove a reported comment for good, or leave it; what was reported of it is closed."""
    request.transact(lambda uow: decide_reports(uow, comment_id, remove=data.remove))


routes = [
    get_comments,
    create_comment,
    delete_comment,
    hide_comment,
    show_comment,
    create_report,
    get_reported,
    decide,
]
