"""Members write in a circle; its leaders show, hide and mark what they wrote, and the platform removes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound, TooMany
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.rate_limit import Quota
from marketplace.catalog.queries import list_listings_by_id
from marketplace.circles.access import CircleStanding, beyond_own, leader_of, member_of, standing_in
from marketplace.circles.events import CirclePostDecided, CirclePostWaits
from marketplace.circles.found_circle import locked_circle
from marketplace.circles.membership import lock_member
from marketplace.circles.models import CircleMember
from marketplace.circles.post_models import CIRCLE_POST, CirclePost
from marketplace.content_reports.kinds import ReportableKind, ReportedContent, register_kind
from marketplace.input_text import paragraphs
from marketplace.videos.access import get_visible_video

MAX_TEXT = 1_000
MOST = 10
"""Posts of one member in `WITHIN`."""
WITHIN = timedelta(minutes=10)
MOST_MARKED = 50


@dataclass(frozen=True, slots=True)
class WritePost:
    """What a member writes, and the video or the product (one at most) that is shown beside it."""

    text: str
    video_id: UUID | None = None
    listing_id: UUID | None = None


def write_post(uow: UnitOfWork, circle_id: UUID, command: WritePost) -> CirclePost:
    """Write in a circle. It waits where its leaders look first, unless one of them writes.

    The same words sent again within ten minutes are the first ones.

    Raises: as `member_of`; Invalid `text_required`, `text_too_long`, `circle_post_one_card`; NotFound `video_not_found`,
        `listing_not_found`: what the writer may not see; TooMany `too_many_posts`.

    Emits: CirclePostWaits. Locks: the member.
    """
    found = member_of(uow, circle_id)
    own_id = found.inside().id
    body = paragraphs("text", command.text, MAX_TEXT)
    if not body:
        raise Invalid("text_required", field="text")
    if command.video_id is not None and command.listing_id is not None:
        raise Invalid("circle_post_one_card", field="listing_id")
    if command.video_id is not None:
        get_visible_video(uow, command.video_id)
    if command.listing_id is not None and command.listing_id not in list_listings_by_id(uow, [command.listing_id]):
        raise NotFound("listing_not_found")
    with beyond_own(uow):
        member = lock_member(uow, own_id)
        sent = _sent_before(uow, member.id, body, command)
        if sent is not None:
            return sent
        _check_rate(uow, member)
        waits = found.circle.moderation == "before" and not found.leads
        post = CirclePost(
            id=uuid7(),
            org_id=circle_id,
            member_id=member.id,
            body=body,
            video_id=command.video_id,
            listing_id=command.listing_id,
            marked_at=None,
            created_at=clock.now(),
        )
        CIRCLE_POST.begin(uow, post, "waiting" if waits else "shown", org_ids=member.parties)
        uow.session.add(post)
        uow.flush()
        if waits:
            emit(uow, CirclePostWaits(post_id=post.id, org_id=circle_id))
    return post


def decide_post(uow: UnitOfWork, post_id: UUID, *, show: bool) -> CirclePost:
    """A leader shows what waits or was hidden, or hides it. Done already, nothing changes.

    Raises: as `_known`; Forbidden `circle_leaders_only`; Conflict `invalid_transition`: it is removed.
    Emits: CirclePostDecided. Locks: the post.
    """
    post, _ = _known(uow, post_id)
    leader_of(uow, post.org_id)
    with beyond_own(uow):
        post, member = _locked(uow, post_id)
        moved = CIRCLE_POST.move(uow, post, "shown" if show else "hidden", org_ids=member.parties)
        if moved:
            post.marked_at = None
            uow.flush()
            emit(uow, CirclePostDecided(post_id=post.id, org_id=post.org_id, shown=show))
    return post


def mark_post(uow: UnitOfWork, post_id: UUID, *, marked: bool) -> CirclePost:
    """In a community keep a post above the others, in place of the one that was; in a teaching circle put its video on the list
    to watch, or take it off. Done already, nothing changes.

    Raises: as `_known`; Forbidden `circle_leaders_only`; Conflict `circle_marks_nothing`: of another kind, or without a
        video; `circle_marks_full`; `circle_post_not_shown`. Locks: the circle, then the post.
    """
    _known(uow, post_id)
    with beyond_own(uow):
        circle_id = uow.session.get_one(CirclePost, post_id).org_id
    found = leader_of(uow, circle_id)
    kind = found.circle.kind
    with beyond_own(uow):
        locked_circle(uow, circle_id)
        post, _ = _locked(uow, post_id)
        if (post.marked_at is not None) is marked:
            return post
        if not marked:
            post.marked_at = None
            uow.flush()
            return post
        if kind not in ("community", "teaching") or (kind == "teaching" and post.video_id is None):
            raise Conflict("circle_marks_nothing")
        if post.state != "shown":
            raise Conflict("circle_post_not_shown")
        before = uow.session.scalars(
            select(CirclePost).where(CirclePost.org_id == circle_id, CirclePost.marked_at.is_not(None))
        ).all()
        if kind == "community":
            for other in before:
                other.marked_at = None
        elif len(before) >= MOST_MARKED:
            raise Conflict("circle_marks_full", most=MOST_MARKED)
        post.marked_at = clock.now()
        uow.flush()
    return post


def remove_post(uow: UnitOfWork, post_id: UUID) -> None:
    """Take one's own post back, also after one left the circle. Removed already, nothing changes.

    Raises: NotFound `circle_post_not_found`: none of the acting person's. Locks: the post.
    """
    person_id = uow.principal.person()
    with beyond_own(uow):
        post = lock_row(uow.session, CirclePost, post_id)
        member = uow.session.get_one(CircleMember, post.member_id) if post is not None else None
        if post is None or member is None or member.person_id != person_id:
            raise NotFound("circle_post_not_found")
        _remove(uow, post, member)


def _known(uow: UnitOfWork, post_id: UUID) -> tuple[CirclePost, CircleStanding]:
    """A post in a circle that the acting person may read: shown, one's own, or whatever it is to a leader.

    Raises: NotFound `circle_post_not_found`, in every other case alike.
    """
    with beyond_own(uow):
        post = uow.session.get(CirclePost, post_id)
    if post is None:
        raise NotFound("circle_post_not_found")
    try:
        found = standing_in(uow, post.org_id)
    except NotFound as unknown:
        raise NotFound("circle_post_not_found") from unknown
    is_own = found.member is not None and found.member.id == post.member_id and bool(found.role)
    is_shown = post.state == "shown" and found.may_read
    if not (is_shown or is_own or found.leads):
        raise NotFound("circle_post_not_found")
    return post, found


def _locked(uow: UnitOfWork, post_id: UUID) -> tuple[CirclePost, CircleMember]:
    post = lock_row(uow.session, CirclePost, post_id)
    if post is None:
        raise NotFound("circle_post_not_found")
    return post, uow.session.get_one(CircleMember, post.member_id)


def _remove(uow: UnitOfWork, post: CirclePost, member: CircleMember, reason: str | None = None) -> None:
    post.marked_at = None
    CIRCLE_POST.move(uow, post, "removed", org_ids=member.parties, reason=reason)
    uow.flush()


def _sent_before(uow: UnitOfWork, member_id: UUID, body: str, command: WritePost) -> CirclePost | None:
    return uow.session.scalar(
        select(CirclePost)
        .where(
            CirclePost.member_id == member_id,
            CirclePost.body == body,
            CirclePost.video_id.is_not_distinct_from(command.video_id),
            CirclePost.listing_id.is_not_distinct_from(command.listing_id),
            CirclePost.state != "removed",
            CirclePost.created_at > clock.now() - WITHIN,
        )
        .limit(1)
    )


def _check_rate(uow: UnitOfWork, member: CircleMember) -> None:
    recent = select(func.count()).where(
        CirclePost.org_id == member.org_id,
        CirclePost.member_id == member.id,
        CirclePost.created_at > clock.now() - WITHIN,
    )
    if (uow.session.scalar(recent) or 0) >= MOST:
        minutes = WITHIN // timedelta(minutes=1)
        quota = Quota("posts", MOST, minutes * 60)
        raise TooMany("too_many_posts", quota=quota, most=MOST, minutes=minutes, retry_after_s=quota.window_s)


def _find_reportable(uow: UnitOfWork, post_id: UUID) -> ReportedContent:
    post, _ = _known(uow, post_id)
    if post.state != "shown":
        raise NotFound("circle_post_not_found")
    with beyond_own(uow):
        member = uow.session.get_one(CircleMember, post.member_id)
    return ReportedContent(post.org_id, member.member_org_id, member.person_id, member.person_name, post.body)


def _remove_reported(uow: UnitOfWork, post_id: UUID, reason: str) -> None:
    post = lock_row(uow.session, CirclePost, post_id)
    if post is not None:
        _remove(uow, post, uow.session.get_one(CircleMember, post.member_id), reason)


register_kind("circle_post", ReportableKind(_find_reportable, _remove_reported))
