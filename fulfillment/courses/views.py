"""What reads of courses return: frozen rows that pages and JSON use alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class EpisodeView:
    """A part of a course as its reader meets it. `is_open`: they may watch it now; `position_ms`: where they left it."""

    video_id: UUID
    number: int
    title: str
    title_en: str
    duration_ms: int
    is_preview: bool
    is_open: bool
    position_ms: int
    furthest_ms: int
    completed_at: datetime | None
    captions: tuple[str, ...]
    """Languages."""


@dataclass(frozen=True, slots=True)
class CourseView:
    """A course. `entitlement_id`: by what its reader watches, where they have a place; `is_own`: their organization sells it."""

    listing_id: UUID
    title: str
    title_en: str
    seller_name: str
    entitlement_id: UUID | None
    is_own: bool
    episodes: tuple[EpisodeView, ...]

    @property
    def completed(self) -> int:
        """How many episodes its reader has completed."""
        return sum(one.completed_at is not None for one in self.episodes)


@dataclass(frozen=True, slots=True)
class CourseRow:
    """A course in the list of a member who has a place in it. `valid_to` is exclusive; None: without end."""

    listing_id: UUID
    entitlement_id: UUID
    title: str
    title_en: str
    seller_name: str
    valid_to: datetime | None
    episodes: int
    completed: int
    watched_at: datetime | None


@dataclass(frozen=True, slots=True)
class MemberProgress:
    """How far one member came in all episodes. `has_place`: they may watch now; `watched_ms`: to the furthest of each."""

    person_id: UUID
    name: str
    email: str
    has_place: bool
    completed: int
    watched_ms: int
    watched_at: datetime | None


@dataclass(frozen=True, slots=True)
class MembersProgress:
    """How far the members of a buying organization came in a course of so many episodes and so long."""

    listing_id: UUID
    title: str
    title_en: str
    episodes: int
    duration_ms: int
    members: tuple[MemberProgress, ...]


@dataclass(frozen=True, slots=True)
class EpisodeCompletion:
    """A seller's episode, how many have begun it, and completed it."""

    video_id: UUID
    number: int
    title: str
    title_en: str
    duration_ms: int
    is_preview: bool
    started: int
    completed: int


@dataclass(frozen=True, slots=True)
class CourseCompletion:
    """A seller's course in numbers: organizations that may use it, seats held, people who watched, and who finished it.

    `base`: what a change of it is to send back.
    """

    listing_id: UUID
    base: str
    customers: int
    seats_held: int
    learners: int
    finished: int
    episodes: tuple[EpisodeCompletion, ...]
