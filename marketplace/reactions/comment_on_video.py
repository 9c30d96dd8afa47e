"""People write below videos; a channel hides what does not belong there, and the platform decides what was reported."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.models import Person
from marketplace.input_text import optional_line, paragraphs
from marketplace.parties.models import Organization
from marketplace.reactions.events import CommentAdded, CommentReported
from marketplace.reactions.models import COMMENT, Comment, CommentReport
from marketplace.videos.access import get_visible_video

MAX_TEXT = 500
MOST = 10
"""Comments of one person, and reports, in `WITHIN`."""
WITHIN = timedelta(minutes=10)
_WRITING_LOCK = 0x636F  # "co"


def add_comment(uow: UnitOfWork, video_id: UUID, body: str) -> Comment:
    """Write below a video that the acting person may see.

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
    _check_rate(uow, Comment, person_id)
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


def report_comment(uow: UnitOfWork, comment_id: UUID, reason: str) -> UUID:
    """Ask the platform to look at a comment that is shown; reported already by this person, nothing changes. Returns its video.

    Raises:
        NotFound: `comment_not_found`. Invalid: `text_too_long`. TooMany: `too_many_comments`.

    Emits: CommentReported.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    comment = uow.session.get(Comment, comment_id)
    if comment is None or comment.state != "shown":
        raise NotFound("comment_not_found")
    _seen(uow, comment)
    _check_rate(uow, CommentReport, person_id)
    said = optional_line("reason", reason, 200)
    made = uow.session.scalar(
        insert(CommentReport)
        .values(
            id=uuid7(),
            org_id=org_id,
            person_id=person_id,
            comment_id=comment_id,
            reason=said,
            decided_at=None,
            created_at=clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["org_id", "person_id", "comment_id"])
        .returning(CommentReport.id)
    )
    if made is not None:
        emit(uow, CommentReported(comment_id=comment_id, org_id=org_id))
    uow.flush()
    return comment.video_id


def decide_reports(uow: UnitOfWork, comment_id: UUID, *, remove: bool) -> None:
    """Close what was reported of a comment: it goes for good, or stays as it is. Only the platform asks for it.

    Raises:
        NotFound: `comment_not_found`.
    """
    comment = lock_row(uow.session, Comment, comment_id)
    if comment is None:
        raise NotFound("comment_not_found")
    if remove:
        COMMENT.move(uow, comment, "removed", org_ids=_concerned(comment), reason="reported")
    uow.session.execute(
        update(CommentReport)
        .where(CommentReport.comment_id == comment_id, CommentReport.decided_at.is_(None))
        .values(decided_at=clock.now())
    )
    uow.flush()


def _concerned(comment: Comment) -> list[UUID]:
    return sorted({comment.org_id, comment.channel_org_id})


def _seen(uow: UnitOfWork, comment: Comment) -> None:
    try:
        get_visible_video(uow, comment.video_id)
    except NotFound as error:
        raise NotFound("comment_not_found") from error


def _check_rate(uow: UnitOfWork, kind: type[Comment | CommentReport], person_id: UUID) -> None:
    """One person at a time, so that a crowd of requests is counted one by one. Raises TooMany(`too_many_comments`)."""
    advisory_xact_lock(uow.session, _WRITING_LOCK, person_id)
    recent = select(func.count()).where(
        kind.org_id == uow.principal.organization(),
        kind.person_id == person_id,
        kind.created_at > clock.now() - WITHIN,
    )
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        raise TooMany("too_many_comments", most=MOST, minutes=minutes, retry_after_s=minutes * 60)
