"""A member's courses, a course with its player, and how far members came."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.pages.courses.views import (
    CourseItem,
    CoursePage,
    CoursesView,
    EpisodeCaptions,
    EpisodeItem,
    EpisodeShown,
    MemberItem,
    MembersProgressView,
)
from api.pages.frame import course_addresses
from api.pages.frame.site import PageRequest, page
from api.v1.courses import READ_MEMBERS, media_address
from fulfillment.courses.queries import get_course, list_own_courses, progress_of_members
from fulfillment.courses.views import CourseView, EpisodeView
from marketplace.videos.captions.check_captions import LANGUAGES

MS = 1000


@page(course_addresses.COURSES, SIGNED_IN)
def show_courses(page_request: Given[PageRequest]) -> Response[str]:
    """The courses in which the reader may watch."""
    with page_request.work() as uow:
        found = list_own_courses(uow)
    rows = tuple(
        CourseItem(
            str(row.listing_id),
            page_request.pick(row.title, row.title_en),
            row.seller_name,
            row.episodes,
            row.completed,
            row.watched_at,
            row.valid_to,
        )
        for row in found
    )
    return page_request.render(CoursesView(rows))


@page("/courses/{listing_id:uuid}", PUBLIC)
def show_course(listing_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """A course with the episode `episode` in its player; without one, with the first that is not completed."""
    with page_request.work() as uow:
        found = get_course(uow, listing_id)
    asked = page_request.query("episode", most=40)
    chosen = _chosen(found.episodes, asked)
    view = CoursePage(
        listing_id=str(listing_id),
        name=page_request.pick(found.title, found.title_en),
        seller_name=found.seller_name,
        has_place=found.entitlement_id is not None,
        is_own=found.is_own,
        episodes=episode_items(page_request, found.episodes),
        completed=found.completed,
        shown=_shown(page_request, found, chosen) if chosen else None,
        closed=bool(asked) and chosen is None,
    )
    return page_request.render(view)


@page("/entitlements/{entitlement_id:uuid}/progress", READ_MEMBERS)
def show_progress(entitlement_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[str]:
    """How far each member came in the course that was bought."""
    with page_request.work() as uow:
        found = progress_of_members(uow, entitlement_id)
    rows = tuple(
        MemberItem(
            one.name,
            one.email,
            one.has_place,
            one.completed,
            min(100, one.watched_ms * 100 // max(1, found.duration_ms)),
            one.watched_at,
        )
        for one in found.members
    )
    name = page_request.pick(found.title, found.title_en)
    return page_request.render(
        MembersProgressView(str(entitlement_id), str(found.listing_id), name, found.episodes, rows)
    )


def _chosen(episodes: Sequence[EpisodeView], asked: str) -> EpisodeView | None:
    """The episode that is asked for, where it is open; else, unless one is asked for, where the reader goes on."""
    if asked:
        return next((one for one in episodes if str(one.video_id) == asked and one.is_open), None)
    opened = [one for one in episodes if one.is_open]
    return next((one for one in opened if one.completed_at is None), opened[0] if opened else None)


def _shown(page_request: PageRequest, course: CourseView, one: EpisodeView) -> EpisodeShown:
    address = media_address(course.listing_id, one.video_id)
    episode = address.removesuffix("/media")
    later = [other for other in course.episodes if other.number > one.number and other.is_open]
    # Who had come to the end begins anew.
    start_ms = one.position_ms if one.position_ms + 3 * MS < one.duration_ms else 0
    return EpisodeShown(
        video_id=str(one.video_id),
        number=one.number,
        title=page_request.pick(one.title, one.title_en),
        src=f"{address}#t={start_ms // MS}" if start_ms >= MS else address,
        start_s=start_ms // MS,
        progress=f"{episode}/progress" if course.entitlement_id else "",
        captions=tuple(
            EpisodeCaptions(
                language, LANGUAGES[language], f"{episode}/captions/{language}", language == page_request.language
            )
            for language in one.captions
        ),
        next_address=course_addresses.course(str(course.listing_id), str(later[0].video_id)) if later else "",
    )


def episode_items(page_request: PageRequest, episodes: Sequence[EpisodeView]) -> tuple[EpisodeItem, ...]:
    """Episodes in a list, as a course and its product's page show them."""
    return tuple(_item(page_request, one) for one in episodes)


def _item(page_request: PageRequest, one: EpisodeView) -> EpisodeItem:
    return EpisodeItem(
        video_id=str(one.video_id),
        number=one.number,
        title=page_request.pick(one.title, one.title_en),
        duration_s=-(-one.duration_ms // MS),
        is_preview=one.is_preview,
        is_open=one.is_open,
        is_completed=one.completed_at is not None,
        percent=one.furthest_ms * 100 // max(1, one.duration_ms),
    )


routes = [show_courses, show_course, show_progress]
