"""Reads about circles: which there are, who is in one, and what is written in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from kernel.db.platform_scope import reading_as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in
from marketplace.channels.models import Channel
from marketplace.circles.access import CircleStanding, leader_of, standing_in
from marketplace.circles.membership import standing_by_link
from marketplace.circles.models import LEADERS, Circle, CircleChannel, CircleMember
from marketplace.circles.post_models import CirclePost
from marketplace.parties.models import Organization
from marketplace.videos.access import listed_to
from marketplace.videos.models import Video

MOST_LATEST = 12
MOST_MARKED = 50


@dataclass(frozen=True, slots=True)
class CircleView:
    """A circle as the reader sees it. `members` and `posts` are counted now; `state` and `role` are the reader's own."""

    id: UUID
    name: str
    kind: str
    about: str
    visibility: str
    joining: str
    moderation: str
    members: int
    posts: int
    state: str
    role: str
    member_id: UUID | None
    listed: bool
    code: str | None
    """What its link ends in, for its leaders."""
    waiting_members: int
    waiting_posts: int
    """What its leaders are to look at; nothing for others."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CircleMemberView:
    """Somebody in a circle, or who asks to be."""

    id: UUID
    circle_id: UUID
    person_name: str
    org_name: str
    role: str
    state: str
    listed: bool
    created_at: datetime
    joined_at: datetime | None


@dataclass(frozen=True, slots=True)
class CirclePostView:
    """What a member wrote. `own`: the reader did. The card is shown to whoever may see it."""

    id: UUID
    circle_id: UUID
    author: str
    org_name: str
    role: str
    text: str
    video_id: UUID | None
    listing_id: UUID | None
    state: str
    marked: bool
    own: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class FollowedChannel:
    """A channel that a circle follows."""

    id: UUID
    name: str
    name_en: str


@dataclass(frozen=True, slots=True)
class LatestVideo:
    """A new video of a channel that a circle follows, which the reader may watch."""

    id: UUID
    channel_id: UUID
    title: str
    title_en: str
    published_at: datetime


def list_circles(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[CircleView]:
    """Circles that everybody may know of, the newest first. Raises Forbidden `person_required`."""
    return _page(uow, _circles().where(Circle.kind != "internal"), Circle.created_at, cursor, limit)


def list_own_circles(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[CircleView]:
    """Those that the acting person is in or asked to be, the latest first; internal ones of the acting company alone.

    Raises Forbidden `person_required`.
    """
    own = (
        _circles()
        .join(CircleMember, CircleMember.org_id == Circle.org_id)
        .where(_own(uow), state_in(CircleMember.state, "asked", "active"))
    )
    return _page(uow, own, CircleMember.created_at, cursor, limit)


def circles_to_write_in(uow: UnitOfWork, *, limit: int) -> list[tuple[UUID, str]]:
    """Those that the acting person is in, by id and name, the latest first. Raises Forbidden `person_required`."""
    inside = (
        select(Circle.org_id, Organization.display_name)
        .join(Organization, Organization.id == Circle.org_id)
        .join(CircleMember, CircleMember.org_id == Circle.org_id)
        .where(_own(uow), state_in(CircleMember.state, "active"))
        .order_by(CircleMember.created_at.desc(), Circle.org_id.desc())
        .limit(limit)
    )
    with reading_as_platform(uow):
        return [(one.org_id, one.display_name) for one in uow.session.execute(inside)]


def get_circle(uow: UnitOfWork, circle_id: UUID) -> CircleView:
    """One that the reader may know of. Raises: as `standing_in`."""
    return view_of(uow, standing_in(uow, circle_id))


def get_by_link(uow: UnitOfWork, code: str) -> CircleView:
    """The circle whose link it is. Raises: as `standing_in`."""
    return view_of(uow, standing_by_link(uow, code))


def list_members(
    uow: UnitOfWork, circle_id: UUID, *, asked: bool = False, cursor: str | None = None, limit: int = 20
) -> Page[CircleMemberView]:
    """Who is in a circle, or (`asked`) asks to be, the latest first.

    Its leaders read all. Of a circle for exchange its members read those who agreed to it, of an internal one everybody, of
    others its leaders alone.

    Raises: as `standing_in`; Forbidden `circle_members_only`, `circle_leaders_only`.
    """
    found = leader_of(uow, circle_id) if asked else standing_in(uow, circle_id)
    if not found.role:
        raise Forbidden("circle_members_only")
    wanted = select(CircleMember).where(
        CircleMember.org_id == circle_id, state_in(CircleMember.state, "asked" if asked else "active")
    )
    if not found.leads and found.circle.kind == "exchange":
        wanted = wanted.where(CircleMember.listed_at.is_not(None) | CircleMember.role.in_(LEADERS))
    elif not found.leads and found.circle.kind != "internal":
        wanted = wanted.where(CircleMember.role.in_(LEADERS))
    with reading_as_platform(uow):
        rows = uow.session.scalars(newest_first(wanted, CircleMember.created_at, CircleMember.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([member_view(row) for row in page.items], page.next_cursor)


def get_member_view(uow: UnitOfWork, member_id: UUID) -> CircleMemberView:
    """Somebody whom the caller has shown to be the reader's to read."""
    with reading_as_platform(uow):
        return member_view(uow.session.get_one(CircleMember, member_id))


def list_posts(
    uow: UnitOfWork, circle_id: UUID, *, waiting: bool = False, cursor: str | None = None, limit: int = 20
) -> Page[CirclePostView]:
    """What is shown in a circle and what the reader wrote there; to its leaders what is hidden, too; or (`waiting`) what waits.

    Raises: as `standing_in`; Forbidden `circle_members_only`, `circle_leaders_only`.
    """
    found = leader_of(uow, circle_id) if waiting else standing_in(uow, circle_id)
    if not found.may_read:
        raise Forbidden("circle_members_only")
    wanted = _posts(circle_id)
    if waiting:
        wanted = wanted.where(state_in(CirclePost.state, "waiting"))
    elif found.leads:
        wanted = wanted.where(state_in(CirclePost.state, "shown", "hidden"))
    else:
        own_id = found.member.id if found.role and found.member is not None else None
        own = state_in(CirclePost.state, "shown", "hidden", "waiting") & (CirclePost.member_id == own_id)
        wanted = wanted.where(state_in(CirclePost.state, "shown") | own)
    with reading_as_platform(uow):
        rows = uow.session.execute(newest_first(wanted, CirclePost.created_at, CirclePost.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row[0].created_at, row[0].id))
    return Page([_post(found, *row) for row in page.items], page.next_cursor)


def marked_posts(uow: UnitOfWork, circle_id: UUID) -> list[CirclePostView]:
    """Of a community the post that stays above the others, of a teaching circle the list to watch in its order.

    Raises: as `standing_in`; Forbidden `circle_members_only`.
    """
    found = standing_in(uow, circle_id)
    if not found.may_read:
        raise Forbidden("circle_members_only")
    wanted = _posts(circle_id).where(CirclePost.marked_at.is_not(None))
    with reading_as_platform(uow):
        rows = uow.session.execute(wanted.order_by(CirclePost.marked_at, CirclePost.id).limit(MOST_MARKED)).all()
    return [_post(found, *row) for row in rows]


def get_post_view(uow: UnitOfWork, post_id: UUID) -> CirclePostView:
    """One that the caller has shown to be the reader's to read."""
    with reading_as_platform(uow):
        post = uow.session.get_one(CirclePost, post_id)
        member = uow.session.get_one(CircleMember, post.member_id)
    return _post(standing_in(uow, post.org_id), post, member)


def followed_channels(uow: UnitOfWork, circle_id: UUID) -> list[FollowedChannel]:
    """The channels that a circle follows, the latest first. Raises: as `standing_in`."""
    standing_in(uow, circle_id)
    with reading_as_platform(uow):
        rows = uow.session.scalars(
            select(Channel)
            .join(CircleChannel, CircleChannel.channel_id == Channel.id)
            .where(CircleChannel.org_id == circle_id)
            .order_by(CircleChannel.created_at.desc(), Channel.id)
        ).all()
    return [FollowedChannel(row.id, row.name, row.name_en) for row in rows]


def latest_videos(uow: UnitOfWork, circle_id: UUID) -> list[LatestVideo]:
    """The latest videos of the channels that a circle follows, for whoever they are shown to. Raises: as `standing_in`."""
    channels = [one.id for one in followed_channels(uow, circle_id)]
    if not channels:
        return []
    rows = uow.session.scalars(
        select(Video)
        .where(Video.channel_id.in_(channels), listed_to(uow.principal))
        .order_by(Video.published_at.desc(), Video.id)
        .limit(MOST_LATEST)
    )
    return [
        LatestVideo(row.id, row.channel_id, row.title, row.title_en, row.published_at)
        for row in rows
        if row.published_at is not None
    ]


def view_of(uow: UnitOfWork, found: CircleStanding) -> CircleView:
    """A circle as its reader sees it."""
    return _views(uow, [found])[0]


def member_view(row: CircleMember) -> CircleMemberView:
    """As its readers see it."""
    return CircleMemberView(
        row.id,
        row.org_id,
        row.person_name,
        row.org_name,
        row.role,
        row.state,
        row.listed_at is not None,
        row.created_at,
        row.joined_at,
    )


def _circles() -> Any:
    return (
        select(Circle, Organization.display_name)
        .join(Organization, Organization.id == Circle.org_id)
        .where(state_in(Organization.state, "active"))
    )


def _posts(circle_id: UUID) -> Any:
    return (
        select(CirclePost, CircleMember)
        .join(CircleMember, CircleMember.id == CirclePost.member_id)
        .where(CirclePost.org_id == circle_id)
    )


def _page(uow: UnitOfWork, wanted: Any, at: Any, cursor: str | None, limit: int) -> Page[CircleView]:
    person_id = uow.principal.person()
    with reading_as_platform(uow):
        rows = uow.session.execute(newest_first(wanted.add_columns(at), at, Circle.org_id, cursor, limit)).all()
        page = cut(rows, limit, lambda row: (row[2], row[0].org_id))
        own = {
            row.org_id: row
            for row in uow.session.scalars(
                select(CircleMember).where(
                    CircleMember.person_id == person_id, CircleMember.org_id.in_([row[0].org_id for row in page.items])
                )
            )
        }
    found = [CircleStanding(row[0], row[1], own.get(row[0].org_id)) for row in page.items]
    return Page(_views(uow, found), page.next_cursor)


def _own(uow: UnitOfWork) -> ColumnElement[bool]:
    """Rows of the acting person, of internal circles only while they act for the company whose circle it is."""
    of_company = (Circle.kind != "internal") | (Circle.company_org_id == uow.principal.org_id)
    return (CircleMember.person_id == uow.principal.person()) & of_company


def _views(uow: UnitOfWork, found: Sequence[CircleStanding]) -> list[CircleView]:
    ids = [one.circle.org_id for one in found]
    with reading_as_platform(uow):
        inside = _counts(uow, CircleMember, ids, "active")
        asked = _counts(uow, CircleMember, ids, "asked")
        shown = _counts(uow, CirclePost, ids, "shown")
        waiting = _counts(uow, CirclePost, ids, "waiting")
    return [
        CircleView(
            id=one.circle.org_id,
            name=one.name,
            kind=one.circle.kind,
            about=one.circle.about,
            visibility=one.circle.visibility,
            joining=one.circle.joining,
            moderation=one.circle.moderation,
            members=inside.get(one.circle.org_id, 0),
            posts=shown.get(one.circle.org_id, 0),
            state=one.member.state if one.member is not None else "",
            role=one.role,
            member_id=one.member.id if one.member is not None else None,
            listed=one.member is not None and one.member.listed_at is not None,
            code=one.circle.code if one.leads else None,
            waiting_members=asked.get(one.circle.org_id, 0) if one.leads else 0,
            waiting_posts=waiting.get(one.circle.org_id, 0) if one.leads else 0,
            created_at=one.circle.created_at,
        )
        for one in found
    ]


def _counts(uow: UnitOfWork, model: type[CircleMember | CirclePost], ids: list[UUID], state: str) -> dict[UUID, int]:
    if not ids:
        return {}
    rows = uow.session.execute(
        select(model.org_id, func.count())
        .where(model.org_id.in_(ids), state_in(model.state, state))
        .group_by(model.org_id)
    )
    return {row[0]: row[1] for row in rows}


def _post(found: CircleStanding, post: CirclePost, member: CircleMember) -> CirclePostView:
    return CirclePostView(
        post.id,
        post.org_id,
        member.person_name,
        member.org_name,
        member.role,
        post.body,
        post.video_id,
        post.listing_id,
        post.state,
        post.marked_at is not None,
        found.member is not None and found.member.id == member.id,
        post.created_at,
    )
