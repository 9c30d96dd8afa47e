"""An expense claim: a light passes over the receipts, each is verified, the money is on its way."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import drawing
from app.sample.scenes.timeline import INNER_PX, LEFT_PX, PANEL_TOP_PX, RIGHT_PX, Drawn, FilmTimeline, counted, ease

_ROWS_TOP, _ROW_PX = PANEL_TOP_PX + 176, 100
#: Kind, place and day, amount in fen, second of verification.
_RECEIPTS = (
    ("高铁", "杭州东 → 上海虹桥 · 11-12", 7_300, 0.7),
    ("住宿", "静安 · 2 晚 · 11-14", 96_800, 1.5),
    ("餐饮", "客户午餐 · 11-13", 42_600, 2.3),
    ("出租", "虹桥 → 静安 · 11-12", 6_850, 4.3),
    ("会务", "展位搭建 · 11-15", 380_000, 5.2),
)
_TINTS = (
    (drawing.BLUE, drawing.BLUE_TINT),
    (drawing.TEAL, drawing.TEAL_TINT),
    (drawing.AMBER, drawing.AMBER_TINT),
    (drawing.BLUE, drawing.BLUE_TINT),
    (drawing.TEAL, drawing.TEAL_TINT),
)
_STEPS = (("提交", 0.0), ("验真", 6.3), ("审批", 7.6), ("到账", 10.0))


def build(stage: FilmTimeline) -> None:
    """Set the stage for the expenses scene."""
    stage.panel(790)
    stage.paint(drawing.text("差旅报销单", 22, drawing.MUTED), LEFT_PX, PANEL_TOP_PX + 24)
    stage.paint(drawing.text("已验真", 22, drawing.MUTED), RIGHT_PX - 66, PANEL_TOP_PX + 24)
    for number, (kind, where, amount, _) in enumerate(_RECEIPTS):
        y = _ROWS_TOP + number * _ROW_PX
        stage.paint(drawing.rounded(INNER_PX, 86, 16, drawing.WASH), LEFT_PX, y)
        stage.paint(drawing.initial(kind[0], 52, *_TINTS[number], square=True), LEFT_PX + 16, y + 17)
        stage.paint(drawing.text(kind, 26, drawing.INK, 2), LEFT_PX + 86, y + 9)
        stage.paint(drawing.text(where, 20, drawing.MUTED), LEFT_PX + 86, y + 46)
        money = _yuan(amount)
        stage.paint(drawing.text(money, 25, drawing.INK, 1), RIGHT_PX - 70 - drawing.text_width(money, 25), y + 24)
        stage.paint(drawing.disc(36, drawing.LINE), RIGHT_PX - 54, y + 25)
        stage.paint(drawing.disc(30, drawing.WASH), RIGHT_PX - 51, y + 28)
    for number, (label, _) in enumerate(_STEPS):
        x = LEFT_PX + 12 + number * 152
        if number:
            stage.paint(drawing.rounded(104, 4, 2, drawing.LINE), x - 128, PANEL_TOP_PX + 705)
        stage.paint(drawing.disc(24, drawing.LINE), x, PANEL_TOP_PX + 695)
        stage.paint(
            drawing.text(label, 21, drawing.MUTED), x + 12 - drawing.text_width(label, 21) // 2, PANEL_TOP_PX + 728
        )
    stage.act(_total)
    stage.act(_verified)
    stage.act(_progress)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def _total(now_s: float) -> Iterator[Drawn]:
    fen = sum(counted(amount, now_s, at_s + 0.2, 0.5) for _, _, amount, at_s in _RECEIPTS)
    done = sum(now_s >= at_s + 0.4 for *_, at_s in _RECEIPTS)
    yield drawing.text(_yuan(fen), 52, drawing.INK, 2), LEFT_PX - 2, PANEL_TOP_PX + 62, 1.0
    count = f"{done} / {len(_RECEIPTS)}"
    yield drawing.text(count, 34, drawing.TEAL, 2), RIGHT_PX - drawing.text_width(count, 34), PANEL_TOP_PX + 78, 1.0
    yield drawing.rounded(INNER_PX, 8, 4, drawing.LINE), LEFT_PX, PANEL_TOP_PX + 146, 1.0
    steps = sum(ease(now_s, at_s + 0.1, 0.6) for *_, at_s in _RECEIPTS)
    length = max(8, round(INNER_PX * steps / len(_RECEIPTS)) // 4 * 4)
    yield drawing.rounded(length, 8, 4, drawing.TEAL), LEFT_PX, PANEL_TOP_PX + 146, 1.0


def _verified(now_s: float) -> Iterator[Drawn]:
    for number, (*_, at_s) in enumerate(_RECEIPTS):
        y = _ROWS_TOP + number * _ROW_PX
        pass_share = ease(now_s, at_s - 0.3, 0.8)
        if 0 < pass_share < 1:  # the light: a bar that crosses the row once
            yield (
                drawing.rounded(6, 70, 3, drawing.MINT),
                LEFT_PX + 8 + (INNER_PX - 22) * pass_share,
                y + 8,
                1 - pass_share**3,
            )
        share = ease(now_s, at_s + 0.25, 0.3)
        yield drawing.disc(36, drawing.TEAL), RIGHT_PX - 54, y + 25, share
        yield drawing.tick(28), RIGHT_PX - 50, y + 29, share


def _progress(now_s: float) -> Iterator[Drawn]:
    for number, (_, at_s) in enumerate(_STEPS):
        x = LEFT_PX + 12 + number * 152
        if number:
            length = round(104 * ease(now_s, at_s - 0.7, 0.7)) // 2 * 2
            if length >= 4:
                yield drawing.rounded(length, 4, 2, drawing.TEAL), x - 128, PANEL_TOP_PX + 705, 1.0
        share = ease(now_s, at_s, 0.3) if number else 1.0
        yield drawing.disc(24, drawing.TEAL), x, PANEL_TOP_PX + 695, share
        yield drawing.tick(18), x + 3, PANEL_TOP_PX + 698, share
