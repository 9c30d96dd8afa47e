"""Comments below a video: read, written, moderated."""

from __future__ import annotations

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.pages.comments.views import CommentsView
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from kernel.errors import DomainError, NotFound
from marketplace.discovery.feed import get_feed_item
from marketplace.reactions.comment_on_video import MAX_TEXT, add_comment, moderate_comment, remove_comment
from marketplace.reactions.comment_queries import list_comments

Answer = Response[str] | Response[bytes]
_PAGE = 20


@page("/v/{video_id:uuid}/comments", PUBLIC)
def show_comments(video_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What was written below a video, newest first."""
    return page_request.render(_comments(page_request, video_id), headers=NOT_INDEXED)


@form_post("/v/{video_id:uuid}/comments", SIGNED_IN)
def write(video_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write below a video."""
    typed = form.text("text", most=5_000)
    try:
        page_request.transact(lambda uow: add_comment(uow, video_id, typed))
    except NotFound:
        raise
    except DomainError as refused:
        view = _comments(page_request, video_id, typed, refused)
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.video_comments(str(video_id)), notice="comment_added")


@form_post("/comments/{comment_id:uuid}", SIGNED_IN)
def remove(comment_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take one's own back."""
    del form
    page_request.transact(lambda uow: remove_comment(uow, comment_id))
    return page_request.redirect_back()


@form_post("/comments/{comment_id:uuid}/moderation", "videos.write")
def moderate(comment_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Hide a comment below one's own video, or show it again."""
    show = form.text("action", most=10) == "show"
    page_request.transact(lambda uow: moderate_comment(uow, comment_id, show=show))
    return page_request.redirect_back()


def _comments(
    page_request: PageRequest, video_id: UUID, typed: str = "", refused: DomainError | None = None
) -> CommentsView:
    cursor = page_request.query("cursor", most=200) or None
    with page_request.work() as uow:
        item = get_feed_item(uow, video_id)
        found = list_comments(uow, video_id=video_id, cursor=cursor, limit=_PAGE)
    return CommentsView(
        video_id=str(video_id),
        title=page_request.pick(item.title, item.title_en),
        rows=tuple(found.items),
        most=MAX_TEXT,
        typed=typed,
        error=failure(page_request, refused) if refused is not None else None,
        next_address=addresses.next_page(addresses.video_comments(str(video_id)), found.next_cursor),
    )


routes = [show_comments, write, remove, moderate]
