"""Internal training as pages show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from api.pages.frame.choices import Choice
from marketplace.training.queries import ManagedTraining, OwnTraining, TrainingReport


@dataclass(frozen=True, slots=True)
class ToLearnItem:
    """A training in the list of whoever is to do it."""

    address: str
    title: str
    row: OwnTraining


@dataclass(frozen=True, slots=True)
class ToLearnView:
    """What a member is to watch."""

    template: ClassVar[str] = "training/to_learn.html"
    active: ClassVar[str] = "training"

    rows: tuple[ToLearnItem, ...]
    managed: str = ""


@dataclass(frozen=True, slots=True)
class LessonItem:
    """A video of a training."""

    video_id: str
    address: str
    number: int
    title: str
    is_open: bool
    duration_s: int
    percent: int
    completed: bool


@dataclass(frozen=True, slots=True)
class TrainingView:
    """A training with its player. `shown` is the open video, `src` its bytes, `report` where what was played is told."""

    template: ClassVar[str] = "training/training.html"
    active: ClassVar[str] = "training"

    title: str
    row: OwnTraining
    complete_percent: int
    lessons: tuple[LessonItem, ...]
    shown: LessonItem | None
    src: str
    report: str


@dataclass(frozen=True, slots=True)
class ManagedItem:
    """A training in its managers' list."""

    address: str
    title: str
    row: ManagedTraining


@dataclass(frozen=True, slots=True)
class ManagedView:
    """What an organization has its members watch."""

    template: ClassVar[str] = "training/managed.html"
    active: ClassVar[str] = "trainings"

    rows: tuple[ManagedItem, ...]
    new: str
    next_address: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingFormView:
    """The form of a new training, or (with `report`) a present one with its report."""

    template: ClassVar[str] = "training/edit.html"
    active: ClassVar[str] = "trainings"

    address: str
    back: str
    title: str
    typed: Mapping[str, str]
    videos: tuple[Choice, ...]
    people: tuple[Choice, ...]
    departments: tuple[Choice, ...]
    chosen: frozenset[str]
    report: TrainingReport | None = None
    csv: str = ""
    xlsx: str = ""
    end: str = ""
    error: str = ""
    error_field: str = ""
    field_error: str = ""
