"""A night of backups in English: servers light up one by one, then one of them is restored against the clock."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import drawing
from app.sample.scenes.timeline import (
    INNER_PX,
    LEFT_PX,
    PANEL_TOP_PX,
    RIGHT_PX,
    Drawn,
    FilmTimeline,
    between,
    counted,
    ease,
)

_SHEET: drawing.Colour = (24, 35, 47)
_CELL: drawing.Colour = (34, 48, 62)
_EDGE: drawing.Colour = (50, 66, 82)
_PALE: drawing.Colour = (226, 233, 240)
_DIM: drawing.Colour = (140, 155, 170)
_GRID_TOP, _CELL_WIDTH, _CELL_HEIGHT = PANEL_TOP_PX + 148, 160, 92
_SERVERS = ("web-1", "web-2", "orders", "ledger", "mail", "search", "files", "build", "edge-eu")
_RESTORED, _RESTORE_S, _RESTORE_END_S = 3, 4.2, 8.6
_LOAD = (22, 30, 26, 44, 38, 61, 52, 74, 66, 83, 71, 58, 64, 49, 40, 33, 27, 22)


def build(stage: FilmTimeline) -> None:
    """Set the stage for the backup scene."""
    stage.panel(790, _SHEET)
    stage.paint(drawing.text("Protected tonight", 22, _DIM), LEFT_PX, PANEL_TOP_PX + 24)
    stage.paint(
        drawing.text("Snapshot age", 22, _DIM), RIGHT_PX - drawing.text_width("Snapshot age", 22), PANEL_TOP_PX + 24
    )
    for number, name in enumerate(_SERVERS):
        x, y = _cell(number)
        stage.paint(drawing.rounded(_CELL_WIDTH, _CELL_HEIGHT, 16, _CELL, _EDGE), x, y)
        stage.paint(drawing.text(name, 24, _PALE, 1), x + 18, y + 11)
        stage.paint(drawing.rounded(_CELL_WIDTH - 36, 8, 4, _EDGE), x + 18, y + 64)
    y = PANEL_TOP_PX + 490
    stage.paint(drawing.rounded(INNER_PX, 128, 18, _CELL, _EDGE), LEFT_PX, y)
    stage.paint(drawing.text("Restore test · ledger", 24, _PALE, 1), LEFT_PX + 22, y + 14)
    stage.paint(drawing.rounded(INNER_PX - 44, 12, 6, _EDGE), LEFT_PX + 22, y + 94)
    _paint_load(stage, PANEL_TOP_PX + 640)
    stage.act(_figures)
    stage.act(_servers)
    stage.act(_restore)
    stage.act(_load_now)


def _cell(number: int) -> tuple[int, int]:
    return LEFT_PX + number % 3 * 172, _GRID_TOP + number // 3 * 106


def _paint_load(stage: FilmTimeline, y: int) -> None:
    stage.paint(drawing.text("Throughput, MB/s", 20, _DIM), LEFT_PX, y)
    points = tuple(_load_point(place) for place in range(len(_LOAD)))
    stage.paint(drawing.strokes(INNER_PX, 96, (points,), drawing.mix(_SHEET, drawing.MINT, 60), 4), LEFT_PX, y + 34)


def _load_point(place: int) -> tuple[float, float]:
    return 8 + place * (INNER_PX - 16) / (len(_LOAD) - 1), 88 - _LOAD[place]


def _load_now(now_s: float) -> Iterator[Drawn]:
    far = min(len(_LOAD) - 1.001, now_s * 1.4)
    (x, y), (next_x, next_y) = _load_point(int(far)), _load_point(int(far) + 1)
    share = far - int(far)
    left, top = LEFT_PX + between(x, next_x, share), PANEL_TOP_PX + 674 + between(y, next_y, share)
    yield drawing.disc(22, _SHEET), left - 11, top - 11, 1.0
    yield drawing.disc(14, drawing.MINT), left - 7, top - 7, 1.0


def _figures(now_s: float) -> Iterator[Drawn]:
    done = 3 + sum(now_s >= _finished_s(number) for number in range(3, len(_SERVERS)))
    yield drawing.text(f"{done} / {len(_SERVERS)}", 52, drawing.WHITE, 2), LEFT_PX - 2, PANEL_TOP_PX + 58, 1.0
    age = f"{max(1, 12 - counted(11, now_s, 0.2, 2.6))} min"
    yield drawing.text(age, 40, drawing.MINT, 2), RIGHT_PX - drawing.text_width(age, 40), PANEL_TOP_PX + 68, 1.0


def _finished_s(number: int) -> float:
    return 0.5 + (number - 3) * 0.45


def _servers(now_s: float) -> Iterator[Drawn]:
    for number in range(len(_SERVERS)):
        x, y = _cell(number)
        share = 1.0 if number < 3 else ease(now_s, _finished_s(number) - 0.9, 0.9)
        restored = number == _RESTORED and _RESTORE_S <= now_s < _RESTORE_END_S
        length = round((_CELL_WIDTH - 36) * share) // 4 * 4
        if length >= 8:
            yield drawing.rounded(length, 8, 4, drawing.AMBER if restored else drawing.MINT), x + 18, y + 64, 1.0
        yield drawing.tick(30, drawing.MINT), x + 120, y + 16, 0.0 if restored else float(share >= 1)


def _restore(now_s: float) -> Iterator[Drawn]:
    x, y = LEFT_PX + 22, PANEL_TOP_PX + 490
    share = min(1.0, max(0.0, (now_s - _RESTORE_S) / (_RESTORE_END_S - _RESTORE_S)))
    seconds = round(share * 232)
    clock = f"{seconds // 60}:{seconds % 60:02d}"
    yield drawing.text(clock, 44, drawing.WHITE, 2), RIGHT_PX - 22 - drawing.text_width(clock, 44), y + 18, 1.0
    length = round((INNER_PX - 44) * share) // 4 * 4
    if length >= 12:
        yield drawing.rounded(length, 12, 6, drawing.MINT), x, y + 94, 1.0
    words = "waiting" if share <= 0 else "copying blocks" if share < 0.72 else "checking" if share < 1 else "verified"
    yield drawing.text(words, 21, drawing.MINT if share >= 1 else _DIM), x, y + 52, 1.0
