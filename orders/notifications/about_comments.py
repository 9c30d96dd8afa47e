"""What a channel's people are told of comments below their videos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.reactions.events import CommentAdded
from marketplace.reactions.models import Comment
from marketplace.videos.models import Video
from orders.notifications.notifiers import RecordedEvent, notifies_of

SHOWN_CHARACTERS = 120


@notifies_of(CommentAdded)
def comment_added(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The channel's people are told of what others wrote, not of what their own did."""
    wanted = [event.uuid("comment_id") for event in events]
    rows = uow.session.execute(
        select(Comment, Video.title, Video.title_en)
        .join(Video, Video.id == Comment.video_id)
        .where(Comment.id.in_(wanted))
    )
    found = {comment.id: (comment, title, title_en) for comment, title, title_en in rows}
    for event in events:
        comment, title, title_en = found[event.uuid("comment_id")]
        if comment.org_id == comment.channel_org_id or comment.state != "shown":
            continue
        params = {
            "person": comment.person_name,
            "organization": comment.org_name,
            "what": title,
            "what_en": title_en,
            "text": comment.body[:SHOWN_CHARACTERS],
        }
        yield NewNotification(
            event.id,
            event.at,
            "comment_added",
            f"/v/{comment.video_id}/comments",
            params,
            org_id=comment.channel_org_id,
            permission="videos.write",
        )
