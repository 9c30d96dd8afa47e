"""A recruiter's board: candidates move to the right, the figures follow."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import drawing
from app.sample.scenes.timeline import (
    INNER_PX,
    LEFT_PX,
    MARGIN_PX,
    PANEL_TOP_PX,
    RIGHT_PX,
    Drawn,
    FilmTimeline,
    between,
    counted,
    ease,
)

_COLUMN_PX, _CARD_WIDTH, _CARD_HEIGHT, _ROW_PX = 177, 165, 104, 116
_LEFT, _TOP = MARGIN_PX + 18, PANEL_TOP_PX + 248
_COLUMNS = ("新简历", "面试", "录用")
_TINTS = ((drawing.TEAL, drawing.TEAL_TINT), (drawing.BLUE, drawing.BLUE_TINT), (drawing.AMBER, drawing.AMBER_TINT))
#: Name, position, column at the start.
_PEOPLE = (
    ("林知远", "后端工程师", 0),
    ("周以宁", "产品经理", 0),
    ("陈嘉树", "数据分析", 0),
    ("许清如", "交互设计", 0),
    ("何景行", "测试工程师", 1),
    ("沈若溪", "校招运营", 1),
    ("顾南星", "算法工程师", 2),
    ("苏明朗", "前端工程师", -1),
    ("韩子衿", "财务管培", -1),
    ("陆一鸣", "供应链", -1),
)
#: Second and person: each moves one column to the right; who is in none yet arrives in the first.
_MOVES = ((0.5, 3), (1.6, 7), (2.7, 4), (4.9, 2), (5.8, 8), (7.9, 5), (8.9, 1), (10.9, 9), (11.9, 3))
_MOVE_S = 0.8


def build(stage: FilmTimeline) -> None:
    """Set the stage for the recruiting scene."""
    stage.panel(790)
    stage.paint(drawing.text("2026 校园招聘", 30, drawing.INK, 2), LEFT_PX, PANEL_TOP_PX + 22)
    live = drawing.badge("进行中", 20, drawing.TEAL, drawing.TEAL_TINT)
    stage.paint(live, RIGHT_PX - live.width, PANEL_TOP_PX + 27)
    stage.paint(drawing.rounded(INNER_PX, 2, 1, drawing.LINE), LEFT_PX, PANEL_TOP_PX + 186)
    for number, label in enumerate(("收到简历", "面试中", "已录用")):
        stage.paint(drawing.text(label, 21, drawing.MUTED), LEFT_PX + number * _COLUMN_PX, PANEL_TOP_PX + 142)
    for number, label in enumerate(_COLUMNS):
        x = _LEFT + number * _COLUMN_PX
        stage.paint(drawing.rounded(_COLUMN_PX - 8, 570, 18, drawing.WASH), x - 2, PANEL_TOP_PX + 202)
        stage.paint(drawing.disc(10, _TINTS[number][0]), x + 12, PANEL_TOP_PX + 221)
        stage.paint(drawing.text(label, 21, drawing.MUTED, 1), x + 30, PANEL_TOP_PX + 212)
    stage.act(_figures)
    cards = [_card(name, work, number) for number, (name, work, _) in enumerate(_PEOPLE)]
    raised = [_card(name, work, number, shadow=True) for number, (name, work, _) in enumerate(_PEOPLE)]
    stage.act(lambda now_s: _board(now_s, cards, raised))


def _figures(now_s: float) -> Iterator[Drawn]:
    places = _places(sum(at_s + _MOVE_S / 2 <= now_s for at_s, _ in _MOVES))
    interviews = 82 + sum(column == 1 for column, _ in places.values())
    hired = 20 + sum(column == 2 for column, _ in places.values())
    figures = (f"{1_268 + counted(16, now_s, 0.2, 2.2):,}", str(interviews), str(hired))
    for number, figure in enumerate(figures):
        yield drawing.text(figure, 48, drawing.INK, 2), LEFT_PX - 1 + number * _COLUMN_PX, PANEL_TOP_PX + 82, 1.0


def _card(name: str, work: str, number: int, *, shadow: bool = False) -> drawing.Sprite:
    colour, tint = _TINTS[number % 3]
    parts = (
        (drawing.rounded(_CARD_WIDTH, _CARD_HEIGHT, 16, drawing.WHITE, drawing.LINE), 0, 0),
        (drawing.initial(name[0], 40, colour, tint), 13, 14),
        (drawing.text(name, 25, drawing.INK, 2), 62, 15),
        (drawing.text(work, 20, drawing.MUTED), 15, 65),
    )
    return drawing.together(_CARD_WIDTH, _CARD_HEIGHT, parts, shadow=shadow, radius=16)


def _places(moves_done: int) -> dict[int, tuple[int, int]]:
    """Column and row of each person after so many moves: who arrives goes on top."""
    columns: list[list[int]] = [[who for who, person in enumerate(_PEOPLE) if person[2] == c] for c in range(3)]
    for _, who in _MOVES[:moves_done]:
        column = next((c for c in range(3) if who in columns[c]), -1)
        if column >= 0:
            columns[column].remove(who)
        columns[column + 1].insert(0, who)
    return {who: (c, row) for c in range(3) for row, who in enumerate(columns[c])}


def _board(now_s: float, cards: list[drawing.Sprite], raised: list[drawing.Sprite]) -> Iterator[Drawn]:
    begun = sum(at_s <= now_s for at_s, _ in _MOVES)
    after, before = _places(begun), _places(max(0, begun - 1))
    started_s, mover = _MOVES[begun - 1] if begun else (-9.0, -1)
    share = ease(now_s, started_s, _MOVE_S)
    for who in sorted(after, key=lambda someone: someone == mover):
        arrives = who not in before
        from_column, from_row = before.get(who, (0, 0))
        column = between(from_column, after[who][0], share)
        row = between(from_row, after[who][1], share)
        x, y = _LEFT + 1 + column * _COLUMN_PX, _TOP + row * _ROW_PX
        if arrives:
            yield cards[who], x, y - 14 * (1 - share), max(0.0, share * 2 - 1)  # once there is room
        elif who == mover and share < 1:
            yield raised[who], x, y - 8 * (1 - abs(2 * share - 1)), 1.0
        else:
            yield cards[who], x, y, 1.0
