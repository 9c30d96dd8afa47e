"""Reads about comments below a video."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select

from kernel.db.uow import UnitOfWork
from kernel.paging import Page, cut, newest_first
from marketplace.reactions.models import Comment
from marketplace.videos.access import get_visible_video


@dataclass(frozen=True, slots=True)
class CommentView:
    """A comment as its reader meets it: `own` is the reader's, `moderated` says that the reader's organization decides."""

    id: UUID
    video_id: UUID
    person_name: str
    org_name: str
    text: str
    state: str
    own: bool
    moderated: bool
    created_at: datetime


def list_comments(uow: UnitOfWork, *, video_id: UUID, cursor: str | None = None, limit: int = 20) -> Page[CommentView]:
    """Comments below a video that the principal may see, newest first; hidden ones for the channel and their writer.

    Raises:
        NotFound: `video_not_found`. Invalid: `cursor_invalid`.
    """
    video = get_visible_video(uow, video_id)
    me = uow.principal
    decides = video.org_id == me.org_id and me.may("videos.write")
    shown = [Comment.state == "shown"]
    if decides:
        shown.append(Comment.state == "hidden")
    elif me.person_id is not None:
        shown.append((Comment.state == "hidden") & (Comment.person_id == me.person_id) & (Comment.org_id == me.org_id))
    statement = select(Comment).where(Comment.video_id == video_id, or_(*shown))
    statement = newest_first(statement, Comment.created_at, Comment.id, cursor, limit)
    page = cut(list(uow.session.scalars(statement)), limit, lambda row: (row.created_at, row.id))
    views = [
        CommentView(
            row.id,
            row.video_id,
            row.person_name,
            row.org_name,
            row.body,
            row.state,
            me.person_id is not None and (row.person_id, row.org_id) == (me.person_id, me.org_id),
            decides,
            row.created_at,
        )
        for row in page.items
    ]
    return Page(views, page.next_cursor)


def count_comments(uow: UnitOfWork, video_id: UUID) -> int:
    """How many everybody sees below a video. Raises NotFound(`video_not_found`)."""
    get_visible_video(uow, video_id)
    counted = select(func.count()).select_from(Comment).where(Comment.video_id == video_id, Comment.state == "shown")
    return uow.session.scalar(counted) or 0
