"""Sample views of internal training."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import UUID

from api.pages.frame.choices import Choice
from api.pages.training.views import (
    LessonItem,
    ManagedItem,
    ManagedView,
    ToLearnItem,
    ToLearnView,
    TrainingFormView,
    TrainingView,
)
from marketplace.training.queries import ManagedTraining, OwnTraining, ReportRow, TrainingReport
from tests.browser.preview.buying_samples import Samples

_AT = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
_DUE = date(2026, 12, 11)


def _title(s: Samples) -> str:
    return s.pick("数据安全必修", "Data security for everybody")


def _own(s: Samples, number: int, *, done: bool = False, late: bool = False) -> OwnTraining:
    return OwnTraining(UUID(int=number), _title(s), _title(s), _DUE, 3, 3 if done else 1, _AT if done else None, late)


def to_learn(s: Samples) -> ToLearnView:
    """One that is open, one late, one done."""
    rows = (_own(s, 1), _own(s, 2, late=True), _own(s, 3, done=True))
    items = tuple(ToLearnItem(f"/training/{n}", _title(s), row) for n, row in enumerate(rows))
    return ToLearnView(items, "/organization/trainings")


def training(s: Samples) -> TrainingView:
    """At its second video; the third can be watched no more."""
    names = (
        s.hiring,
        s.pick("账号与密码", "Accounts and passwords"),
        s.pick("（视频已不可观看）", "(can be watched no more)"),
    )
    lessons = tuple(
        LessonItem(str(n), f"/training/1?video={n}", n + 1, name, n < 2, 184, (97, 42, 0)[n], n == 0)
        for n, name in enumerate(names)
    )
    return TrainingView(_title(s), _own(s, 1), 95, lessons, lessons[1], "/media/recruiting-1.mp4", "/v1/trainings/1")


def _managed(s: Samples, number: int) -> ManagedTraining:
    return ManagedTraining(UUID(int=number), _title(s), _title(s), _DUE, 24, 9, _AT if number == 2 else None, _AT)


def managed(s: Samples) -> ManagedView:
    """One that goes on, one that has ended."""
    rows = tuple(ManagedItem(f"/organization/trainings/{n}", _title(s), _managed(s, n)) for n in (1, 2))
    return ManagedView(rows, "/organization/trainings/new")


def report(s: Samples) -> TrainingFormView:
    """Four members: late, under way, gone, done."""
    people = (
        s.pick("林知夏", "Lin Zhixia"),
        "Alexandra Featherstonehaugh-Cholmondeley",
        "Wu",
        s.pick("王芳", "Wang Fang"),
    )
    rows = tuple(
        ReportRow(
            UUID(int=n),
            name,
            f"{n}.with.a.long.address@company.example",
            ("SALES", "", "HR", "SALES")[n],
            (0, 1, 0, 3)[n],
            (0, 200_000, 0, 540_000)[n],
            (0, 37, 0, 98)[n],
            _AT if n == 3 else None,
            n == 0,
            n != 2,
        )
        for n, name in enumerate(people)
    )
    return TrainingFormView(
        "/organization/trainings/1",
        "/organization/trainings",
        _title(s),
        {"title": _title(s), "title_en": _title(s), "due_on": _DUE.isoformat()},
        (),
        (Choice("9", s.pick("赵云", "Zhao Yun"), detail="zhao@company.example"),),
        (Choice("5", s.pick("销售部", "Sales"), detail="SALES"),),
        frozenset(),
        report=TrainingReport(_managed(s, 1), 3, 552_000, 95, rows),
        csv="/v1/managed-trainings/1/csv",
        xlsx="/v1/managed-trainings/1/xlsx",
        end="/organization/trainings/1/end",
    )
