"""Courses: who may watch an episode, and how far each member came."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from fulfillment.courses.access import find_episode_media, open_episode
from fulfillment.courses.edit_course import edit_course
from fulfillment.courses.queries import (
    completion_of_course,
    get_course,
    list_own_courses,
    progress_of_members,
)
from fulfillment.courses.report_progress import ProgressKept, ReportProgress, report_progress
from fulfillment.entitlements.seats import revoke_seat
from fulfillment.provisioning.end_entitlement import end_entitlement
from fulfillment.provisioning.suspend_entitlement import resume_entitlement, suspend_entitlement
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import ANONYMOUS, SYSTEM, Principal, PrincipalKind
from marketplace.access.members import list_members, remove_member
from marketplace.catalog.review_listing import suspend_listing
from marketplace.courses.queries import course_hash, episodes_of
from marketplace.courses.save_course import EpisodeDraft, SaveCourse
from marketplace.publishing.change_visibility import ChangeVisibility, change_visibility
from marketplace.publishing.publish_video import publish_video, remove_video
from tests.factories_courses import LONG, Taught, make_course, seat, sell
from tests.factories_fulfillment import events_of
from tests.factories_marketplace import (
    OPERATOR_PRINCIPAL,
    acting,
    make_member,
    make_org,
    make_plans,
    make_ready_video,
    make_seller,
)


def may_watch(uow: UnitOfWork, who: Principal, course: Taught, video_id: UUID) -> bool:
    """What page, bytes and progress answer must be the same."""
    with acting(uow, who):
        try:
            open_episode(uow, course.id, video_id)
        except NotFound:
            with pytest.raises(NotFound, match="episode_not_open"):
                find_episode_media(uow, course.id, video_id)
            with pytest.raises(DomainError), uow.session.begin_nested():
                report_progress(uow, ReportProgress(course.id, video_id, 1))
            return False
        assert find_episode_media(uow, course.id, video_id).video_id == video_id
    return True


def watched(
    uow: UnitOfWork, who: Principal, course: Taught, position_ms: int, video_id: UUID | None = None
) -> ProgressKept:
    with acting(uow, who):
        return report_progress(uow, ReportProgress(course.id, video_id or course.paid, position_ms))


class TestWhoMayWatch:
    def test_a_seat_opens_every_episode_and_nothing_else_does(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member, other = (make_member(uow, made.buyer, "viewer") for _ in range(2))
        seat(uow, made, member)
        assert all(may_watch(uow, member, course, one) for one in course.videos)
        key = Principal(PrincipalKind.API_KEY, made.buyer.id, None, frozenset({"entitlements.read"}), "key")
        for who in (other, made.buyer.owner, make_org(uow).owner, make_seller(uow).owner, key, ANONYMOUS):
            assert not may_watch(uow, who, course, course.paid), who
            with acting(uow, who):
                open_episode(uow, course.id, course.preview)

    def test_an_episode_is_opened_by_its_own_course_alone(self, uow: UnitOfWork) -> None:
        course, another = make_course(uow), make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        assert not may_watch(uow, member, another, another.paid)
        assert not may_watch(uow, member, course, another.paid)
        assert not may_watch(uow, member, course, uuid7())

    def test_the_seller_watches_its_own_and_no_progress_is_kept_of_it(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        with acting(uow, course.seller.owner):
            open_episode(uow, course.id, course.paid)
            with pytest.raises(NotFound, match="episode_not_open"):
                report_progress(uow, ReportProgress(course.id, course.paid, 1))

    def test_a_seat_that_was_given_to_another_closes_the_first(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course, seats=1)
        first, second = (make_member(uow, made.buyer, "viewer") for _ in range(2))
        held = seat(uow, made, first)
        watched(uow, first, course, 50_000)
        with acting(uow, made.buyer.owner):
            revoke_seat(uow, made.id, held)
        seat(uow, made, second)
        assert not may_watch(uow, first, course, course.paid)
        with acting(uow, second):
            (_, paid, _) = get_course(uow, course.id).episodes
        assert (paid.is_open, paid.furthest_ms) == (True, 0), "nobody takes over another's progress"

    def test_a_removed_member_watches_nothing(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        watched(uow, member, course, 10)
        with acting(uow, made.buyer.owner):
            gone = next(one for one in list_members(uow) if one.person_id == member.person_id)
            remove_member(uow, gone.id)
        assert not may_watch(uow, member, course, course.paid)
        with acting(uow, member):
            assert list_own_courses(uow) == []

    def test_access_follows_the_entitlement_at_once(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        with acting(uow, SYSTEM):
            suspend_entitlement(uow, made.id, reason="unpaid")
        assert not may_watch(uow, member, course, course.paid)
        with acting(uow, SYSTEM):
            resume_entitlement(uow, made.id, reason="paid")
        assert may_watch(uow, member, course, course.paid)
        with acting(uow, SYSTEM):
            end_entitlement(uow, made.id, reason="refunded")
        assert not may_watch(uow, member, course, course.paid)
        with acting(uow, member):
            assert list_own_courses(uow) == []
            course_now = get_course(uow, course.id)
        assert [one.is_open for one in course_now.episodes] == [True, False, False]

    def test_the_term_ends_by_the_clock(self, uow: UnitOfWork, noon: datetime) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        assert clock.now() == noon
        clock.advance(timedelta(days=364))
        assert may_watch(uow, member, course, course.paid)
        clock.advance(timedelta(days=2))
        assert not may_watch(uow, member, course, course.paid)

    def test_a_plan_without_seats_is_for_everybody_in_the_organization(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course, seats=0)
        member = make_member(uow, made.buyer, "viewer")
        assert may_watch(uow, member, course, course.paid)
        assert not may_watch(uow, make_org(uow).owner, course, course.paid)
        watched(uow, member, course, LONG)
        with acting(uow, made.buyer.owner):
            (one,) = progress_of_members(uow, made.id).members
        assert (one.person_id, one.has_place, one.completed) == (member.person_id, True, 1)

    def test_what_is_no_longer_sold_is_open_to_who_has_a_seat_alone(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        with acting(uow, OPERATOR_PRINCIPAL):
            suspend_listing(uow, course.id, "reasons")
        assert may_watch(uow, member, course, course.paid)
        stranger = make_org(uow).owner
        assert not may_watch(uow, stranger, course, course.preview)
        with acting(uow, stranger), pytest.raises(NotFound, match="course_not_found"):
            get_course(uow, course.id)

    def test_what_the_platform_removed_is_open_to_nobody(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        with acting(uow, course.seller.owner):
            publish_video(uow, course.paid)
        with acting(uow, SYSTEM):
            remove_video(uow, course.paid, "reasons")
        assert not may_watch(uow, member, course, course.paid)


class TestProgress:
    def test_it_goes_on_where_it_was_and_never_back(self, uow: UnitOfWork, noon: datetime) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        watched(uow, member, course, 60_000)
        kept = watched(uow, member, course, 20_000)
        assert (kept.position_ms, kept.furthest_ms, kept.completed_at) == (20_000, 60_000, None)
        assert watched(uow, member, course, 89_999).completed_at is None
        done = watched(uow, member, course, 90_000)
        assert done.completed_at == noon
        clock.advance(timedelta(hours=1))
        again = watched(uow, member, course, 0)
        assert (again.position_ms, again.furthest_ms, again.completed_at) == (0, 90_000, done.completed_at)

    @pytest.mark.parametrize(("said", "kept"), [(-5, 0), (0, 0), (LONG, LONG), (LONG * 10, LONG)])
    def test_beyond_the_ends_are_the_ends(self, uow: UnitOfWork, said: int, kept: int) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        assert watched(uow, member, course, said).furthest_ms == kept

    def test_a_renewed_purchase_goes_on_from_there(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        member = make_member(uow, made.buyer, "viewer")
        seat(uow, made, member)
        watched(uow, member, course, 70_000)
        with acting(uow, SYSTEM):
            end_entitlement(uow, made.id, reason="term_ended")
        again = sell(uow, course, buyer=made.buyer)
        seat(uow, again, member)
        assert watched(uow, member, course, 1_000).furthest_ms == 70_000
        with acting(uow, member):
            (row,) = list_own_courses(uow)
        assert (row.entitlement_id, row.episodes, row.completed) == (again.id, 3, 0)

    def test_administrators_see_members_and_sellers_see_numbers(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course, seats=3)
        first, second = (make_member(uow, made.buyer, "viewer") for _ in range(2))
        taken = [seat(uow, made, one) for one in (first, second)]
        for video_id in course.videos:
            watched(uow, first, course, LONG, video_id)
        watched(uow, second, course, 30_000)
        other = sell(uow, course)
        seat(uow, other, other.buyer.owner)
        watched(uow, other.buyer.owner, course, LONG)
        with acting(uow, made.buyer.owner):
            revoke_seat(uow, made.id, taken[1])
            found = progress_of_members(uow, made.id)
        assert (found.episodes, found.duration_ms) == (3, 3 * LONG)
        assert [(one.person_id, one.has_place, one.completed, one.watched_ms) for one in found.members] == [
            (first.person_id, True, 3, 3 * LONG),
            (second.person_id, False, 0, 30_000),
        ]
        with acting(uow, course.seller.owner):
            numbers = completion_of_course(uow, course.id)
        assert (numbers.customers, numbers.seats_held, numbers.learners, numbers.finished) == (2, 2, 3, 1)
        assert [(one.started, one.completed) for one in numbers.episodes] == [(1, 1), (3, 2), (1, 1)]
        for stranger in (other.buyer.owner, course.seller.owner):
            with acting(uow, stranger), pytest.raises(NotFound):
                progress_of_members(uow, made.id)
        for stranger in (made.buyer.owner, make_seller(uow).owner):
            with acting(uow, stranger), pytest.raises(NotFound):
                completion_of_course(uow, course.id)

    def test_a_seat_that_is_given_is_told(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        made = sell(uow, course)
        assert events_of(uow, seat(uow, made, make_member(uow, made.buyer, "viewer"))) == [
            "fulfillment.seat_assigned.v1"
        ]


class TestEditing:
    def test_order_words_and_previews_are_the_sellers(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        before = episodes_of(uow, course.id)
        first, second, third = course.videos
        with acting(uow, course.seller.owner):
            drafts = [
                EpisodeDraft(third, is_preview=True),
                EpisodeDraft(first, "新名"),
                EpisodeDraft(second, "二", "Two"),
            ]
            edit_course(uow, SaveCourse(course.id, drafts, course_hash(before)))
            with pytest.raises(Conflict, match="draft_changed"):
                edit_course(uow, SaveCourse(course.id, drafts[:2], course_hash(before)))
            edit_course(uow, SaveCourse(course.id, drafts, course_hash(before)))
        assert [
            (one.video_id, one.number, one.title, one.title_en, one.is_preview) for one in episodes_of(uow, course.id)
        ] == [
            (third, 1, "用一块屏管完校招", "One screen", True),
            (first, 2, "新名", "新名", False),
            (second, 3, "二", "Two", False),
        ]

    def test_what_is_refused_changes_nothing(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        before = episodes_of(uow, course.id)
        foreign = make_ready_video(uow, make_seller(uow), visibility="internal").id
        public = make_ready_video(uow, course.seller).id
        refused = {
            "episode_unknown": [EpisodeDraft(course.paid), EpisodeDraft(foreign)],
            "episode_twice": [EpisodeDraft(course.paid), EpisodeDraft(course.paid)],
            "episode_not_internal": [EpisodeDraft(course.paid), EpisodeDraft(public)],
            "text_too_long": [EpisodeDraft(course.paid, "长" * 121)],
            "too_many_episodes": [EpisodeDraft(uuid7()) for _ in range(201)],
        }
        for code, drafts in refused.items():
            with acting(uow, course.seller.owner), pytest.raises(Invalid, match=code) as found:
                edit_course(uow, SaveCourse(course.id, drafts))
            assert found.value.params.get("number", 2) == 2
        assert episodes_of(uow, course.id) == before
        with acting(uow, course.seller.owner):
            edit_course(uow, SaveCourse(course.id, [EpisodeDraft(public, is_preview=True)]))

    def test_nobody_else_edits_it(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        for who in (make_seller(uow).owner, make_org(uow).owner):
            with acting(uow, who), pytest.raises(NotFound):
                edit_course(uow, SaveCourse(course.id, []))

    def test_only_a_service_is_a_course(self, uow: UnitOfWork) -> None:
        seller = make_seller(uow)
        (plan,) = make_plans(uow, seller)
        with acting(uow, seller.owner), pytest.raises(Conflict, match="course_not_service"):
            edit_course(uow, SaveCourse(plan.listing_id, []))

    def test_who_bought_it_never_has_fewer_episodes(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        fewer = SaveCourse(course.id, [EpisodeDraft(one) for one in course.videos[:2]])
        made = sell(uow, course)
        with acting(uow, course.seller.owner), pytest.raises(Conflict, match="course_shortened"):
            edit_course(uow, fewer)
        with acting(uow, SYSTEM):
            end_entitlement(uow, made.id, reason="term_ended")
        with acting(uow, course.seller.owner):
            edit_course(uow, fewer)
        assert len(episodes_of(uow, course.id)) == 2

    def test_what_is_sold_stays_its_sellers_own(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        with acting(uow, course.seller.owner):
            for visibility in ("public", "unlisted"):
                with pytest.raises(Conflict, match="video_is_episode"):
                    change_visibility(uow, ChangeVisibility(course.paid, visibility))
            change_visibility(uow, ChangeVisibility(course.preview, "public"))
            drafts = [EpisodeDraft(one) for one in course.videos]
            with pytest.raises(Invalid, match="episode_not_internal"):
                edit_course(uow, SaveCourse(course.id, drafts))

    def test_strangers_see_what_it_consists_of(self, uow: UnitOfWork) -> None:
        course = make_course(uow)
        stranger = make_org(uow).owner
        with acting(uow, ANONYMOUS):
            found = get_course(uow, course.id)
        assert [(one.number, one.is_preview, one.is_open) for one in found.episodes] == [
            (1, True, True),
            (2, False, False),
            (3, False, False),
        ]
        with acting(uow, stranger), pytest.raises(NotFound, match="course_not_found"):
            get_course(uow, uuid7())
