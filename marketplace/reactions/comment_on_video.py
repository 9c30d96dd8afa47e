"""People write below videos; a channel hides what does not belong there, and the platform removes it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from marketplace.access.models import Person
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.input_text import paragraphs
from marketplace.parties.models import Organization
from marketplace.reactions.events import CommentAdded
from marketplace.reactions.models import COMMENT, Comment
from marketplace.videos.access import get_visible_video

MAX_TEXT = 500
MOST = 10
"""Comments of one person in `WITHIN`."""
SENT_AGAIN = timedelta(minutes=10)
"""For how long the same words are taken for the second press of a button, or for what a browser sent again."""
WITHIN = timedelta(minutes=10)
_WRITING_LOCK = 0x636F  # "co"


def add_comment(uow: UnitOfWork, video_id: UUID, body: str) -> Comment:
    """Write below a video that the acting person may see. The same words sent again a moment later are the first ones.

    Raises:
        NotFound: `video_not_found`. Invalid: `text_required`, `text_too_long`. TooMany: `too_many_comments`.
        Forbidden: `person_required`, `organization_required`.

    Emits: CommentAdded. Locks: the person's writing.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    video = get_visible_video(uow, video_id)
    written = paragraphs("text", body, MAX_TEXT)
    if not written:
        raise Invalid("text_required", field="text")
    advisory_xact_lock(uow.session, _WRITING_LOCK, person_id)
    said_before = _said_before(uow, person_id, video_id, written)
    if said_before is not None:
        return said_before
    _check_rate(uow, person_id)
    person, org = uow.session.get_one(Person, person_id), uow.session.get_one(Organization, org_id)
    comment = Comment(
        id=uuid7(),
        org_id=org_id,
        person_id=person_id,
        video_id=video.id,
        channel_org_id=video.org_id,
        person_name=person.name,
        org_name=org.display_name,
        body=written,
        created_at=clock.now(),
    )
    COMMENT.begin(uow, comment, org_ids=sorted({org_id, video.org_id}))
    uow.session.add(comment)
    emit(uow, CommentAdded(comment_id=comment.id, org_id=org_id))
    uow.flush()
    return comment


def remove_comment(uow: UnitOfWork, comment_id: UUID) -> None:
    """Take one's own comment back. Removed already, nothing changes.

    Raises:
        NotFound: `comment_not_found`: none of the acting person's.
    """
    comment = lock_row(uow.session, Comment, comment_id)
    own = uow.principal.organization(), uow.principal.person()
    if comment is None or (comment.org_id, comment.person_id) != own:
        raise NotFound("comment_not_found")
    COMMENT.move(uow, comment, "removed", org_ids=_concerned(comment))
    uow.flush()


def moderate_comment(uow: UnitOfWork, comment_id: UUID, *, show: bool) -> None:
    """Hide a comment below a video of the acting organization's, or show it again.

    Raises:
        NotFound: `comment_not_found`. Conflict: `invalid_transition`: it is removed.
    """
    comment = lock_row(uow.session, Comment, comment_id)
    if comment is None or comment.channel_org_id != uow.principal.organization():
        raise NotFound("comment_not_found")
    state = "shown" if show else "hidden"
    COMMENT.move(uow, comment, state, org_ids=_concerned(comment))
    uow.flush()


def _find_reportable(uow: UnitOfWork, comment_id: UUID) -> ReportedContent:
    comment = uow.session.get(Comment, comment_id)
    if comment is None or comment.state != "shown":
        raise NotFound("comment_not_found")
    get_visible_video(uow, comment.video_id)
    return ReportedContent(comment.video_id, comment.org_id, comment.person_id, comment.person_name, comment.body)


def _remove_reported(uow: UnitOfWork, comment_id: UUID, reason: str) -> None:
    comment = lock_row(uow.session, Comment, comment_id)
    if comment is not None:
        COMMENT.move(uow, comment, "removed", org_ids=_concerned(comment), reason=reason)


register_kind("comment", ReportableKind(_find_reportable, _remove_reported))


def _concerned(comment: Comment) -> list[UUID]:
    return sorted({comment.org_id, comment.channel_org_id})


def _said_before(uow: UnitOfWork, person_id: UUID, video_id: UUID, written: str) -> Comment | None:
    found = select(Comment).where(
        Comment.org_id == uow.principal.organization(),
        Comment.person_id == person_id,
        Comment.video_id == video_id,
        Comment.body == written,
        Comment.created_at > clock.now() - SENT_AGAIN,
        Comment.state != "removed",
    )
    return uow.session.scalars(found.limit(1)).first()


def _check_rate(uow: UnitOfWork, person_id: UUID) -> None:
    """One person at a time, so that a crowd of requests is counted one by one. Raises TooMany(`too_many_comments`)."""
    recent = select(func.count()).where(
        Comment.org_id == uow.principal.organization(),
        Comment.person_id == person_id,
        Comment.created_at > clock.now() - WITHIN,
    )
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("comments", MOST, minutes * 60)
        raise TooMany("too_many_comments", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)
