"""A rollout plan: four steps over ten working days, each ticked off when the buyer accepts it."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import drawing
from app.sample.scenes.timeline import LEFT_PX, PANEL_TOP_PX, RIGHT_PX, Drawn, FilmTimeline, counted, ease

_STEPS_TOP, _STEP_PX = PANEL_TOP_PX + 214, 140
#: Title, what is done, days, second of acceptance.
_STEPS = (
    ("现场调研", "梳理流程与数据 · 2 天", 2, 1.4),
    ("系统配置", "组织、权限、单据 · 4 天", 6, 4.4),
    ("数据迁移", "导入并逐项核对 · 2 天", 8, 7.4),
    ("培训验收", "三场培训，签字上线 · 2 天", 10, 10.2),
)


def build(stage: FilmTimeline) -> None:
    """Set the stage for the on-site rollout scene."""
    stage.panel(790)
    stage.paint(drawing.text("实施进度", 22, drawing.MUTED), LEFT_PX, PANEL_TOP_PX + 24)
    stage.paint(drawing.text("/ 10 个工作日", 26, drawing.MUTED), LEFT_PX + 138, PANEL_TOP_PX + 88)
    people = (("赵", drawing.TEAL, drawing.TEAL_TINT), ("吴", drawing.BLUE, drawing.BLUE_TINT))
    for number, (letter, colour, tint) in enumerate(people):
        stage.paint(drawing.initial(letter, 52, colour, tint), RIGHT_PX - 52 - number * 62, PANEL_TOP_PX + 36)
    stage.paint(
        drawing.text("2 位顾问驻场", 20, drawing.MUTED),
        RIGHT_PX - drawing.text_width("2 位顾问驻场", 20),
        PANEL_TOP_PX + 98,
    )
    for day in range(10):
        stage.paint(drawing.rounded(45, 14, 7, drawing.LINE), LEFT_PX + day * 51, PANEL_TOP_PX + 158)
    stage.paint(drawing.rounded(4, 3 * _STEP_PX, 2, drawing.LINE), LEFT_PX + 22, _STEPS_TOP + 42)
    for number, (title, work, *_) in enumerate(_STEPS):
        y = _STEPS_TOP + number * _STEP_PX
        stage.paint(drawing.disc(48, drawing.LINE), LEFT_PX, y + 18)
        stage.paint(drawing.disc(40, drawing.WHITE), LEFT_PX + 4, y + 22)
        figure = str(number + 1)
        stage.paint(
            drawing.text(figure, 24, drawing.MUTED, 1), LEFT_PX + 24 - drawing.text_width(figure, 24) // 2, y + 27
        )
        stage.paint(drawing.text(title, 30, drawing.INK, 2), LEFT_PX + 74, y + 4)
        stage.paint(drawing.text(work, 22, drawing.MUTED), LEFT_PX + 74, y + 48)
    stage.act(_days)
    stage.act(_line)
    stage.act(_accepted)


def _days(now_s: float) -> Iterator[Drawn]:
    passed = 0.0
    before = 0
    for _, _, day, at_s in _STEPS:
        passed += (day - before) * ease(now_s, at_s - 1.1, 1.1)
        before = day
    figure = f"{max(1, round(passed))}"
    yield drawing.text("第", 26, drawing.MUTED), LEFT_PX, PANEL_TOP_PX + 88, 1.0
    yield (
        drawing.text(figure, 60, drawing.INK, 2),
        LEFT_PX + 82 - drawing.text_width(figure, 60) // 2,
        PANEL_TOP_PX + 54,
        1.0,
    )
    for day in range(10):
        yield (
            drawing.rounded(45, 14, 7, drawing.TEAL),
            LEFT_PX + day * 51,
            PANEL_TOP_PX + 158,
            min(1.0, max(0.0, passed - day)),
        )


def _line(now_s: float) -> Iterator[Drawn]:
    for number, (*_, at_s) in enumerate(_STEPS[1:]):
        grown = round((_STEP_PX - 48) * ease(now_s, at_s - 1.1, 1.1)) // 4 * 4
        if grown >= 4:
            yield drawing.rounded(4, grown, 2, drawing.TEAL), LEFT_PX + 22, _STEPS_TOP + 66 + number * _STEP_PX, 1.0


def _accepted(now_s: float) -> Iterator[Drawn]:
    signed = drawing.badge("已验收", 21, drawing.TEAL, drawing.TEAL_TINT)
    waiting = drawing.badge("进行中", 21, drawing.AMBER, drawing.AMBER_TINT)
    before_s = -9.0
    for number, (*_, at_s) in enumerate(_STEPS):
        y = _STEPS_TOP + number * _STEP_PX
        share, begun = ease(now_s, at_s, 0.4), ease(now_s, before_s + 0.4, 0.4)
        yield drawing.disc(48, drawing.TEAL), LEFT_PX, y + 18, share
        yield drawing.tick(36), LEFT_PX + 6, y + 24, share
        yield waiting, RIGHT_PX - waiting.width, y + 24, begun * (1 - share)
        yield signed, RIGHT_PX - signed.width, y + 24 + 8 * (1 - share), share
        before_s = at_s
    paid = counted(12_800, now_s, _STEPS[-1][3] + 0.3, 0.8)
    if paid:
        words = f"结算 ¥{paid:,}"
        yield drawing.text(words, 24, drawing.TEAL, 1), LEFT_PX + 74, _STEPS_TOP + 3 * _STEP_PX + 84, 1.0
