"""Sample view models in Chinese and English: courses, watched, followed and put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from api.pages.courses.views import (
    CourseEditView,
    CourseItem,
    CoursePage,
    CoursesView,
    EpisodeItem,
    EpisodeRow,
    EpisodeShown,
    MemberItem,
    MembersProgressView,
)
from api.pages.frame.choices import Choice
from api.pages.frame.rendering import View
from tests.browser.preview import product_samples
from tests.browser.preview.buying_samples import ID, NOW, Samples

TITLES = (
    ("为什么校招总在加班", "Why campus season means overtime"),
    ("把简历读成一张表", "From a pile of CVs to one table"),
    ("面试日程一次排完", "Every interview planned at once"),
)


def _name(s: Samples) -> str:
    return s.pick("校招一屏通：三堂课", "One screen for campus hiring: three lessons")


def episodes(s: Samples, *, has_place: bool = True) -> tuple[EpisodeItem, ...]:
    """A free preview that is completed, one that was begun, one that was not; without a place nothing was watched."""
    reached = (100, 40, 0) if has_place else (0, 0, 0)
    return tuple(
        EpisodeItem(
            ID.format(n),
            n,
            s.pick(*title),
            760 + 31 * n,
            is_preview=n == 1,
            is_open=has_place or n == 1,
            is_completed=percent == 100,
            percent=percent,
        )
        for n, (title, percent) in enumerate(zip(TITLES, reached, strict=True), 1)
    )


def course(s: Samples, *, has_place: bool = True) -> CoursePage:
    """At its second episode, which was left in its middle; for strangers at its preview."""
    found = episodes(s, has_place=has_place)
    now = found[1 if has_place else 0]
    shown = EpisodeShown(
        now.video_id,
        now.number,
        now.title,
        "/media/recruiting.mp4",
        317 if has_place else 0,
        "/v1/courses/1/episodes/2/progress" if has_place else "",
        next_address="/courses/1?episode=3" if has_place else "",
    )
    return CoursePage(ID.format(21), _name(s), s.seller, has_place, False, found, 1 if has_place else 0, shown)


def course_pages(s: Samples) -> dict[str, View]:
    """What buyers and their members meet."""
    people = (("林晓", "Lin Xiao", "lin"), ("周蕾", "Zhou Lei", "zhou"), ("何川", "He Chuan", "he"))
    rows = tuple(
        MemberItem(
            s.pick(zh, en),
            f"{mail}@yuanshan.example",
            n < 2,
            3 - n,
            100 - 38 * n,
            NOW - timedelta(days=n),
        )
        for n, (zh, en, mail) in enumerate(people)
    )
    begun = CourseItem(ID.format(21), _name(s), s.seller, 3, 1, NOW - timedelta(days=1), NOW + timedelta(days=200))
    fresh = CourseItem(ID.format(22), s.pick("数据安全入门", "Data security basics"), "Harbor", 12, 0, None, None)
    return {
        "courses": CoursesView((begun, fresh)),
        "courses-none": CoursesView(()),
        "course": course(s),
        "course-preview": course(s, has_place=False),
        "course-closed": replace(course(s, has_place=False), shown=None, closed=True),
        "course-members": MembersProgressView(ID.format(70), ID.format(21), _name(s), 3, rows),
        "course-members-none": MembersProgressView(ID.format(70), ID.format(21), _name(s), 3, ()),
        "product-course": replace(product_samples.product(s), episodes=episodes(s, has_place=False)),
    }


def course_editors(s: Samples) -> dict[str, View]:
    """What a seller meets."""
    kept = tuple(
        EpisodeRow(
            n,
            {"number": str(n), "video": ID.format(n), "title": zh, "title_en": en},
            is_preview=n == 1,
            started=40 - 12 * n,
            completed=30 - 9 * n,
        )
        for n, (zh, en) in enumerate(TITLES, 1)
    )
    videos = tuple(
        Choice(ID.format(n), f"{s.pick(*title)} · {s.pick('仅内部', 'Internal')}") for n, title in enumerate(TITLES, 1)
    )
    blank = (EpisodeRow(4, {"number": "4"}, is_preview=False),)
    full = CourseEditView(
        ID.format(21), _name(s), "0" * 16, kept + blank, videos, is_course=True, is_service=True,
        customers=3, seats_held=31, learners=28, finished=3,
    )  # fmt: skip
    refused = s.pick("第 2 集的视频别人也能看，不能出售。", "The video of episode 2 is seen by others.")
    return {
        "course-editor": full,
        "course-editor-refused": replace(full, error=refused),
        "course-editor-no-videos": replace(full, rows=blank, videos=(), is_course=False),
        "course-editor-no-service": replace(full, rows=blank, is_course=False, is_service=False),
    }
