"""Courses as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from api.pages.frame.choices import Choice


@dataclass(frozen=True, slots=True)
class CourseItem:
    """A course in which the reader may watch."""

    listing_id: str
    name: str
    seller_name: str
    episodes: int
    completed: int
    watched_at: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class CoursesView:
    """The reader's courses."""

    template: ClassVar[str] = "courses/courses.html"
    active: ClassVar[str] = "courses"

    rows: tuple[CourseItem, ...]


@dataclass(frozen=True, slots=True)
class EpisodeItem:
    """An episode in a course's list. ``percent``: how much of it the reader has reached."""

    video_id: str
    number: int
    title: str
    duration_s: int
    is_preview: bool
    is_open: bool
    is_completed: bool
    percent: int


@dataclass(frozen=True, slots=True)
class EpisodeCaptions:
    """Captions in a language, which has a ``name`` for itself."""

    language: str
    name: str
    src: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class EpisodeShown:
    """The episode in the player. ``progress``: where it reports to; empty where none is kept."""

    video_id: str
    number: int
    title: str
    src: str
    start_s: int
    progress: str
    captions: tuple[EpisodeCaptions, ...] = ()
    next_address: str = ""


@dataclass(frozen=True, slots=True)
class CoursePage:
    """A course as its reader meets it: ``has_place``, they have a seat; ``is_own``, their organization sells it."""

    template: ClassVar[str] = "courses/course.html"
    active: ClassVar[str] = "courses"

    listing_id: str
    name: str
    seller_name: str
    has_place: bool
    is_own: bool
    episodes: tuple[EpisodeItem, ...]
    completed: int
    shown: EpisodeShown | None
    closed: bool = False
    """Whether an episode was asked for that is not open to the reader."""


@dataclass(frozen=True, slots=True)
class MemberItem:
    """How far a member came, in percent of the whole course. ``has_place``: they may watch now."""

    name: str
    email: str
    has_place: bool
    completed: int
    percent: int
    watched_at: datetime | None


@dataclass(frozen=True, slots=True)
class MembersProgressView:
    """How far the members of an organization came."""

    template: ClassVar[str] = "courses/members.html"
    active: ClassVar[str] = "entitlements"

    entitlement_id: str
    listing_id: str
    name: str
    episodes: int
    rows: tuple[MemberItem, ...]


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """A line of the editor, with what is typed or kept in it."""

    n: int
    values: Mapping[str, str]
    is_preview: bool
    started: int = 0
    completed: int = 0


@dataclass(frozen=True, slots=True)
class CourseEditView:
    """Where a seller puts a course together. ``videos``: those of its own that can be episodes."""

    template: ClassVar[str] = "courses/edit.html"
    active: ClassVar[str] = "seller_listings"

    listing_id: str
    name: str
    base: str
    rows: tuple[EpisodeRow, ...]
    videos: tuple[Choice, ...]
    is_course: bool
    is_service: bool
    customers: int = 0
    seats_held: int = 0
    learners: int = 0
    finished: int = 0
    error: str | None = None
