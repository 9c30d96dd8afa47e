"""A sales desk: money coming in through the months, and deals that move on."""

from __future__ import annotations

from collections.abc import Iterator

from app.sample.scenes import drawing
from app.sample.scenes.timeline import INNER_PX, LEFT_PX, PANEL_TOP_PX, RIGHT_PX, Drawn, FilmTimeline, counted, ease

_BARS_TOP, _BARS_HEIGHT, _ROWS_TOP, _ROW_PX = PANEL_TOP_PX + 152, 170, PANEL_TOP_PX + 388, 98
_MONTHS = (("5月", 46), ("6月", 58), ("7月", 52), ("8月", 71), ("9月", 83), ("10月", 100))
_STAGES = {
    "初访": (drawing.MUTED, drawing.WASH),
    "方案": (drawing.BLUE, drawing.BLUE_TINT),
    "报价": (drawing.AMBER, drawing.AMBER_TINT),
    "签约": (drawing.TEAL, drawing.TEAL_TINT),
}
#: Company, next step, amount in whole yuan, stage before and after, second of the change.
_DEALS = (
    ("东湖精工", "周四 10:00 现场演示", 186_000, "方案", "报价", 1.6),
    ("晨曦物流", "合同已回传", 92_000, "报价", "签约", 4.4),
    ("青禾连锁", "等待采购审批", 240_000, "报价", "签约", 7.4),
    ("临江医疗", "补充报价清单", 68_000, "初访", "方案", 10.2),
)


def build(stage: FilmTimeline) -> None:
    """Set the stage for the customers scene."""
    stage.panel(790)
    stage.paint(drawing.text("本月回款", 22, drawing.MUTED), LEFT_PX, PANEL_TOP_PX + 24)
    rise = drawing.badge("近 6 个月", 20, drawing.TEAL, drawing.TEAL_TINT)
    stage.paint(rise, RIGHT_PX - rise.width, PANEL_TOP_PX + 30)
    for number, (label, _) in enumerate(_MONTHS):
        x = LEFT_PX + number * 84 + (84 - drawing.text_width(label, 19)) // 2
        stage.paint(drawing.text(label, 19, drawing.FAINT), x, _BARS_TOP + _BARS_HEIGHT + 8)
    stage.paint(drawing.rounded(INNER_PX, 2, 1, drawing.LINE), LEFT_PX, _BARS_TOP + _BARS_HEIGHT + 4)
    for number, (name, step, amount, *_) in enumerate(_DEALS):
        y = _ROWS_TOP + number * _ROW_PX
        colour, tint = tuple(_STAGES.values())[number]
        stage.paint(drawing.initial(name[0], 56, colour, tint, square=True), LEFT_PX, y + 18)
        stage.paint(drawing.text(name, 27, drawing.INK, 2), LEFT_PX + 74, y + 13)
        stage.paint(drawing.text(step, 21, drawing.MUTED), LEFT_PX + 74, y + 51)
        money = f"¥{amount:,}"
        stage.paint(drawing.text(money, 25, drawing.INK, 1), RIGHT_PX - drawing.text_width(money, 25), y + 14)
        if number:
            stage.paint(drawing.rounded(INNER_PX, 1, 0, drawing.LINE), LEFT_PX, y)
    stage.act(_income)
    stage.act(_bars)
    stage.act(_states)


def _income(now_s: float) -> Iterator[Drawn]:
    yuan = counted(1_284_600, now_s, 0.0, 2.4, 960_000)
    yuan += sum(counted(deal[2], now_s, deal[5] + 0.3, 0.9) for deal in _DEALS if deal[4] == "签约")
    yield drawing.text(f"¥{yuan:,}", 52, drawing.INK, 2), LEFT_PX - 2, PANEL_TOP_PX + 58, 1.0


def _bars(now_s: float) -> Iterator[Drawn]:
    for number, (_, percent) in enumerate(_MONTHS):
        grown = 0.35 + 0.65 * ease(now_s, 0.1 + number * 0.12, 0.9)
        height = max(12, round(_BARS_HEIGHT * percent * grown / 100) // 2 * 2)
        colour = drawing.TEAL if number == len(_MONTHS) - 1 else (190, 218, 214)
        yield (
            drawing.rounded(54, height, 10, colour),
            LEFT_PX + 15 + number * 84,
            _BARS_TOP + _BARS_HEIGHT - height,
            1.0,
        )


def _states(now_s: float) -> Iterator[Drawn]:
    for number, (_, _, _, before, after, at_s) in enumerate(_DEALS):
        y = _ROWS_TOP + number * _ROW_PX + 52
        share = ease(now_s, at_s, 0.5)
        for word, opacity, shift in ((before, 1 - share, -8 * share), (after, share, 8 * (1 - share))):
            sprite = drawing.badge(word, 20, *_STAGES[word])
            yield sprite, RIGHT_PX - sprite.width, y + shift, opacity
