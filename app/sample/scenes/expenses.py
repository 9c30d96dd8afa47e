"""An expense claim: a light passes over the receipts, each is verified, the money is on its way."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import ink
from app.sample.scenes.stage import INNER_PX, LEFT_PX, PANEL_TOP_PX, RIGHT_PX, Drawn, Stage, counted, ease

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
    (ink.BLUE, ink.BLUE_TINT),
    (ink.TEAL, ink.TEAL_TINT),
    (ink.AMBER, ink.AMBER_TINT),
    (ink.BLUE, ink.BLUE_TINT),
    (ink.TEAL, ink.TEAL_TINT),
)
_STEPS = (("提交", 0.0), ("验真", 6.3), ("审批", 7.6), ("到账", 10.0))


def build(stage: Stage) -> None:
    """Set the stage for the expenses scene."""
    stage.panel(790)
    stage.paint(ink.text("差旅报销单", 22, ink.MUTED), LEFT_PX, PANEL_TOP_PX + 24)
    stage.paint(ink.text("已验真", 22, ink.MUTED), RIGHT_PX - 66, PANEL_TOP_PX + 24)
    for number, (kind, where, amount, _) in enumerate(_RECEIPTS):
        y = _ROWS_TOP + number * _ROW_PX
        stage.paint(ink.rounded(INNER_PX, 86, 16, ink.WASH), LEFT_PX, y)
        stage.paint(ink.initial(kind[0], 52, *_TINTS[number], square=True), LEFT_PX + 16, y + 17)
        stage.paint(ink.text(kind, 26, ink.INK, 2), LEFT_PX + 86, y + 9)
        stage.paint(ink.text(where, 20, ink.MUTED), LEFT_PX + 86, y + 46)
        money = _yuan(amount)
        stage.paint(ink.text(money, 25, ink.INK, 1), RIGHT_PX - 70 - ink.text_width(money, 25), y + 24)
        stage.paint(ink.disc(36, ink.LINE), RIGHT_PX - 54, y + 25)
        stage.paint(ink.disc(30, ink.WASH), RIGHT_PX - 51, y + 28)
    for number, (label, _) in enumerate(_STEPS):
        x = LEFT_PX + 12 + number * 152
        if number:
            stage.paint(ink.rounded(104, 4, 2, ink.LINE), x - 128, PANEL_TOP_PX + 705)
        stage.paint(ink.disc(24, ink.LINE), x, PANEL_TOP_PX + 695)
        stage.paint(ink.text(label, 21, ink.MUTED), x + 12 - ink.text_width(label, 21) // 2, PANEL_TOP_PX + 728)
    stage.act(_total)
    stage.act(_verified)
    stage.act(_progress)


def _yuan(fen: int) -> str:
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def _total(now_s: float) -> Iterator[Drawn]:
    fen = sum(counted(amount, now_s, at_s + 0.2, 0.5) for _, _, amount, at_s in _RECEIPTS)
    done = sum(now_s >= at_s + 0.4 for *_, at_s in _RECEIPTS)
    yield ink.text(_yuan(fen), 52, ink.INK, 2), LEFT_PX - 2, PANEL_TOP_PX + 62, 1.0
    count = f"{done} / {len(_RECEIPTS)}"
    yield ink.text(count, 34, ink.TEAL, 2), RIGHT_PX - ink.text_width(count, 34), PANEL_TOP_PX + 78, 1.0
    yield ink.rounded(INNER_PX, 8, 4, ink.LINE), LEFT_PX, PANEL_TOP_PX + 146, 1.0
    steps = sum(ease(now_s, at_s + 0.1, 0.6) for *_, at_s in _RECEIPTS)
    length = max(8, round(INNER_PX * steps / len(_RECEIPTS)) // 4 * 4)
    yield ink.rounded(length, 8, 4, ink.TEAL), LEFT_PX, PANEL_TOP_PX + 146, 1.0


def _verified(now_s: float) -> Iterator[Drawn]:
    for number, (*_, at_s) in enumerate(_RECEIPTS):
        y = _ROWS_TOP + number * _ROW_PX
        pass_share = ease(now_s, at_s - 0.3, 0.8)
        if 0 < pass_share < 1:  # the light: a bar that crosses the row once
            yield ink.rounded(6, 70, 3, ink.MINT), LEFT_PX + 8 + (INNER_PX - 22) * pass_share, y + 8, 1 - pass_share**3
        share = ease(now_s, at_s + 0.25, 0.3)
        yield ink.disc(36, ink.TEAL), RIGHT_PX - 54, y + 25, share
        yield ink.tick(28), RIGHT_PX - 50, y + 29, share


def _progress(now_s: float) -> Iterator[Drawn]:
    for number, (_, at_s) in enumerate(_STEPS):
        x = LEFT_PX + 12 + number * 152
        if number:
            length = round(104 * ease(now_s, at_s - 0.7, 0.7)) // 2 * 2
            if length >= 4:
                yield ink.rounded(length, 4, 2, ink.TEAL), x - 128, PANEL_TOP_PX + 705, 1.0
        share = ease(now_s, at_s, 0.3) if number else 1.0
        yield ink.disc(24, ink.TEAL), x, PANEL_TOP_PX + 695, share
        yield ink.tick(18), x + 3, PANEL_TOP_PX + 698, share
