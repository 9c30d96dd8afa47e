"""What one may know of a course: its reader, the buying organization's administrators, and in numbers alone its seller."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from fulfillment.courses.access import find_place, has_place, held_by, is_on_sale
from fulfillment.courses.models import EpisodeProgress
from fulfillment.courses.views import (
    CourseCompletion,
    CourseRow,
    CourseView,
    EpisodeCompletion,
    EpisodeView,
    MemberProgress,
    MembersProgress,
)
from fulfillment.entitlements.models import Entitlement, Seat
from fulfillment.entitlements.queries import get_entitlement
from fulfillment.entitlements.validity import in_force
from fulfillment.entitlements.views import EntitlementDetail
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.access.models import Member, Person
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.courses.models import CourseEpisode
from marketplace.courses.queries import Episode, course_hash, episodes_of
from marketplace.parties.models import Organization

MAX_COURSES = 100


def get_course(uow: UnitOfWork, listing_id: UUID) -> CourseView:
    """A course with what its reader may watch of it and how far they came: of a product on sale, of one's own, or of one in
    which one has a place.

    Raises:
        NotFound: `course_not_found`.
    """
    episodes = episodes_of(uow, listing_id)
    place = find_place(uow, listing_id) if episodes else None
    is_own = bool(episodes) and episodes[0].org_id == uow.principal.org_id
    if not episodes or not (place or is_own or is_on_sale(uow, listing_id)):
        raise NotFound("course_not_found")
    words = uow.session.execute(
        select(ListingVersion.title, ListingVersion.title_en, Organization.display_name)
        .join(Listing, Listing.id == ListingVersion.listing_id)
        .join(Organization, Organization.id == Listing.org_id)
        .where(Listing.id == listing_id)
        .order_by((ListingVersion.id == Listing.current_version_id).desc(), ListingVersion.number.desc())
        .limit(1)
    ).one()
    known = _own_progress(uow, listing_id) if place else {}
    return CourseView(
        listing_id=listing_id,
        title=words.title,
        title_en=words.title_en,
        seller_name=words.display_name,
        entitlement_id=place.entitlement_id if place else None,
        is_own=is_own,
        episodes=tuple(
            _shown(one, known.get(one.video_id), is_open=bool(place) or is_own or one.is_preview) for one in episodes
        ),
    )


def list_own_courses(uow: UnitOfWork) -> list[CourseRow]:
    """The courses in which the acting member has a place, with how far they came; what was watched last comes first."""
    org_id, person_id = uow.principal.org_id, uow.principal.person_id
    if org_id is None or person_id is None:
        return []
    mine = select(CourseEpisode.id).where(CourseEpisode.listing_id == Entitlement.listing_id)
    found = uow.session.execute(
        select(Entitlement, Organization.display_name)
        .join(Member, and_(Member.org_id == Entitlement.buyer_org_id, Member.person_id == person_id))
        .join(Organization, Organization.id == Entitlement.seller_org_id)
        .outerjoin(Seat, held_by(person_id))
        .where(Entitlement.buyer_org_id == org_id, Member.state == "active", has_place(), mine.exists())
        # The one that lasts longest stands for a course that was bought twice.
        .order_by(Entitlement.valid_to.asc().nulls_last(), Entitlement.id)
        .limit(MAX_COURSES)
    ).all()
    courses = {row.Entitlement.listing_id: (row.Entitlement, row.display_name) for row in found}
    done = _completed(uow, courses)
    rows = [
        CourseRow(
            listing_id=listing_id,
            entitlement_id=entitlement.id,
            title=entitlement.title,
            title_en=entitlement.title_en,
            seller_name=seller_name,
            valid_to=entitlement.valid_to,
            episodes=done[listing_id].episodes,
            completed=done[listing_id].completed,
            watched_at=done[listing_id].watched_at,
        )
        for listing_id, (entitlement, seller_name) in courses.items()
    ]
    return sorted(
        rows, key=lambda row: (row.watched_at is None, -(row.watched_at.timestamp() if row.watched_at else 0))
    )


def progress_of_members(uow: UnitOfWork, entitlement_id: UUID) -> MembersProgress:
    """How far each member of the acting, buying organization came: whoever may watch now, and whoever has watched under this
    entitlement.

    Raises:
        NotFound: `not_found`; `course_not_found`: what was bought is no course.
    """
    detail = get_entitlement(uow, entitlement_id)
    row = detail.row
    episodes = episodes_of(uow, row.listing_id)
    if not episodes:
        raise NotFound("course_not_found")
    kept = uow.session.execute(
        select(
            EpisodeProgress.person_id,
            func.count(EpisodeProgress.completed_at).label("completed"),
            func.sum(EpisodeProgress.furthest_ms).label("watched_ms"),
            func.max(EpisodeProgress.changed_at).label("watched_at"),
            func.count().filter(EpisodeProgress.entitlement_id == entitlement_id).label("under_this"),
        )
        .join(CourseEpisode, _present())
        .where(EpisodeProgress.org_id == row.buyer_org_id, EpisodeProgress.listing_id == row.listing_id)
        .group_by(EpisodeProgress.person_id)
    ).all()
    by_person = {one.person_id: one for one in kept}
    people = _people(uow, detail, [one.person_id for one in kept if one.under_this])
    members = [
        MemberProgress(
            person_id=person_id,
            name=name,
            email=email,
            has_place=has_seat and row.is_usable,
            completed=by_person[person_id].completed if person_id in by_person else 0,
            watched_ms=int(by_person[person_id].watched_ms) if person_id in by_person else 0,
            watched_at=by_person[person_id].watched_at if person_id in by_person else None,
        )
        for person_id, (name, email, has_seat) in people.items()
    ]
    members.sort(key=lambda one: (not one.has_place, one.name, str(one.person_id)))
    total = sum(one.duration_ms for one in episodes)
    return MembersProgress(row.listing_id, row.title, row.title_en, len(episodes), total, tuple(members))


def completion_of_course(uow: UnitOfWork, listing_id: UUID) -> CourseCompletion:
    """How many watch the acting seller's course, and how far: numbers, and nobody's name.

    Raises:
        NotFound: `listing_not_found`.
    """
    org_id = uow.principal.organization()
    own = select(Listing.id).where(Listing.id == listing_id, Listing.org_id == org_id)
    if uow.session.scalar(own) is None:
        raise NotFound("listing_not_found")
    episodes = episodes_of(uow, listing_id)
    mine = (EpisodeProgress.seller_org_id == org_id, EpisodeProgress.listing_id == listing_id)
    each = {
        row.video_id: row
        for row in uow.session.execute(
            select(
                EpisodeProgress.video_id,
                func.count().label("started"),
                func.count(EpisodeProgress.completed_at).label("completed"),
            )
            .where(*mine)
            .group_by(EpisodeProgress.video_id)
        )
    }
    people = (
        select(EpisodeProgress.org_id, func.count(EpisodeProgress.completed_at).label("completed"))
        .join(CourseEpisode, _present())
        .where(*mine)
        .group_by(EpisodeProgress.org_id, EpisodeProgress.person_id)
        .subquery()
    )
    learners, finished = uow.session.execute(
        select(func.count(), func.count().filter(people.c.completed == len(episodes))).select_from(people)
    ).one()
    sold = uow.session.execute(
        select(
            func.count(Entitlement.buyer_org_id.distinct()), func.coalesce(func.sum(Entitlement.seats_used), 0)
        ).where(Entitlement.seller_org_id == org_id, Entitlement.listing_id == listing_id, in_force())
    ).one()
    return CourseCompletion(
        listing_id=listing_id,
        base=course_hash(episodes),
        customers=sold[0],
        seats_held=int(sold[1]),
        learners=learners,
        finished=finished,
        episodes=tuple(
            EpisodeCompletion(
                one.video_id,
                one.number,
                one.title,
                one.title_en,
                one.duration_ms,
                one.is_preview,
                each[one.video_id].started if one.video_id in each else 0,
                each[one.video_id].completed if one.video_id in each else 0,
            )
            for one in episodes
        ),
    )


def courses_among(uow: UnitOfWork, listing_ids: Iterable[UUID]) -> frozenset[UUID]:
    """Which of these products are courses."""
    wanted = select(CourseEpisode.listing_id).where(CourseEpisode.listing_id.in_(list(listing_ids))).distinct()
    return frozenset(uow.session.scalars(wanted))


def _present() -> Any:
    """Progress in an episode that the course has at present."""
    return and_(
        CourseEpisode.listing_id == EpisodeProgress.listing_id, CourseEpisode.video_id == EpisodeProgress.video_id
    )


def _own_progress(uow: UnitOfWork, listing_id: UUID) -> dict[UUID, EpisodeProgress]:
    rows = uow.session.scalars(
        select(EpisodeProgress)
        .where(
            EpisodeProgress.org_id == uow.principal.organization(),
            EpisodeProgress.person_id == uow.principal.person(),
            EpisodeProgress.listing_id == listing_id,
        )
        .execution_options(populate_existing=True)
    )
    return {row.video_id: row for row in rows}


def _completed(uow: UnitOfWork, listing_ids: Iterable[UUID]) -> dict[UUID, Any]:
    own = and_(
        _present(),
        EpisodeProgress.org_id == uow.principal.organization(),
        EpisodeProgress.person_id == uow.principal.person(),
    )
    rows = uow.session.execute(
        select(
            CourseEpisode.listing_id,
            func.count().label("episodes"),
            func.count(EpisodeProgress.completed_at).label("completed"),
            func.max(EpisodeProgress.changed_at).label("watched_at"),
        )
        .outerjoin(EpisodeProgress, own)
        .where(CourseEpisode.listing_id.in_(list(listing_ids)))
        .group_by(CourseEpisode.listing_id)
    )
    return {row.listing_id: row for row in rows}


def _people(uow: UnitOfWork, detail: EntitlementDetail, watched: Sequence[UUID]) -> dict[UUID, tuple[str, str, bool]]:
    """Name, address, and whether they hold a seat now: of holders, and of whoever has watched."""
    known = {seat.person_id: (seat.name, seat.email, True) for seat in detail.seats}
    others = [one for one in watched if one not in known]
    if not others:
        return known
    rows = uow.session.execute(
        select(Person.id, Person.name, Person.email, Member.state)
        .join(Member, and_(Member.person_id == Person.id, Member.org_id == detail.row.buyer_org_id))
        .where(Person.id.in_(others))
    )
    for_everybody = detail.row.seats == 0
    return known | {row.id: (row.name, row.email, for_everybody and row.state == "active") for row in rows}


def _shown(one: Episode, kept: EpisodeProgress | None, *, is_open: bool) -> EpisodeView:
    return EpisodeView(
        video_id=one.video_id,
        number=one.number,
        title=one.title,
        title_en=one.title_en,
        duration_ms=one.duration_ms,
        is_preview=one.is_preview,
        is_open=is_open and one.is_playable,
        position_ms=min(kept.position_ms, one.duration_ms) if kept else 0,
        furthest_ms=min(kept.furthest_ms, one.duration_ms) if kept else 0,
        completed_at=kept.completed_at if kept else None,
        captions=one.captions,
    )
