"""Short films of the sample market's other sellers: one stage for all of them, on which a product's rows come in one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.sample.scenes import drawing
from app.sample.scenes.facts import FilmClaim, FilmScript
from app.sample.scenes.timeline import INNER_PX, LEFT_PX, PANEL_TOP_PX, RIGHT_PX, Actor, Drawn, FilmTimeline, ease

_ROWS_TOP, _ROW_PX, _FIRST_S, _EACH_S = PANEL_TOP_PX + 112, 132, 0.3, 1.5
_TINTS = (
    (drawing.TEAL, drawing.TEAL_TINT),
    (drawing.BLUE, drawing.BLUE_TINT),
    (drawing.AMBER, drawing.AMBER_TINT),
    (drawing.MUTED, drawing.WASH),
)

SHORT_STORIES: Final[tuple[FilmScript, ...]] = (
    FilmScript(
        key="docs",
        title_zh="会议结束，纪要就写好了",
        title_en="The meeting ends, the minutes are written",
        product="蓝桥文档 · 团队空间",
        headline="会议结束，纪要就好",
        subline="One page the whole team writes",
        opening=("同一页，一起写", "One page, written together"),
        duration_ms=9_000,
        claims=(
            FilmClaim(2, "seats", "5 席起购", "From 5 seats", 5, "seat"),
            FilmClaim(4, "price", "¥39 / 席 / 月", "¥39 per seat and month", 3_900, "CNY/seat/month"),
            FilmClaim(6, "feature", "全部历史版本可恢复", "Every version can be restored", "versions", "feature"),
        ),
        placement_ms=(1_500, 9_000),
        chord_root_hz=174.6,
        ground=(24, 44, 66),
    ),
    FilmScript(
        key="insight",
        title_zh="不写代码，看懂经营数据",
        title_en="Understand the numbers without writing code",
        product="数舟经营分析",
        headline="不写代码，看懂数据",
        subline="Your figures, every morning at eight",
        opening=("每天八点，数据先到", "At eight the figures are there"),
        duration_ms=9_000,
        claims=(
            FilmClaim(2, "included", "含 20 个数据源", "20 data sources included", 20, "source"),
            FilmClaim(4, "price", "¥2,680 / 月", "¥2,680 a month", 268_000, "CNY/month"),
            FilmClaim(6, "service_level", "每 15 分钟刷新", "Refreshed every 15 minutes", 15, "minute"),
        ),
        placement_ms=(1_500, 9_000),
        chord_root_hz=196.0,
        ground=(18, 48, 58),
    ),
    FilmScript(
        key="drill",
        title_zh="一次演练，找出会点链接的人",
        title_en="One drill shows who clicks the link",
        product="景禾 · 钓鱼邮件演练",
        headline="真的来之前先练一次",
        subline="A drill before the real thing",
        opening=("三封邮件，一份报告", "Three mails, one report"),
        duration_ms=9_000,
        claims=(
            FilmClaim(2, "service_level", "5 个工作日交报告", "Report in 5 working days", 5, "working_day"),
            FilmClaim(4, "price", "一口价 ¥6,800", "Fixed price ¥6,800", 680_000, "CNY"),
            FilmClaim(6, "feature", "含一次现场讲评", "One briefing on site", "briefing", "feature"),
        ),
        placement_ms=(1_500, 9_000),
        chord_root_hz=155.6,
        ground=(46, 32, 44),
    ),
    FilmScript(
        key="warehouse",
        title_zh="盘点不停业，库存实时准",
        title_en="Stock that is right while you work",
        product="鹈鹕云仓",
        headline="盘点不停业",
        subline="Count the stock without closing the doors",
        opening=("扫一下，就入账", "Scanned is booked"),
        duration_ms=9_000,
        claims=(
            FilmClaim(2, "included", "含 3 个仓库", "3 warehouses included", 3, "warehouse"),
            FilmClaim(4, "price", "¥9,600 / 年", "¥9,600 a year", 960_000, "CNY/year"),
            FilmClaim(6, "feature", "支持离线扫码", "Scans offline, too", "offline_scan", "feature"),
        ),
        placement_ms=(1_500, 9_000),
        chord_root_hz=164.8,
        ground=(40, 42, 30),
    ),
    FilmScript(
        key="contract",
        title_zh="合同十分钟签完",
        title_en="A contract signed in ten minutes",
        product="蓝桥签 · 标准版",
        headline="合同十分钟签完",
        subline="Signed today, filed for good",
        opening=("发出、签署、归档", "Sent, signed, filed"),
        duration_ms=9_000,
        claims=(
            FilmClaim(2, "included", "每月含 50 份合同", "50 contracts a month included", 50, "contract/month"),
            FilmClaim(4, "price", "¥680 / 月，不限席位", "¥680 a month, any number of people", 68_000, "CNY/month"),
            FilmClaim(6, "feature", "签署过程全程存证", "Evidence of every signature", "evidence", "feature"),
        ),
        placement_ms=(1_500, 9_000),
        chord_root_hz=185.0,
        ground=(28, 36, 62),
    ),
)

_PANELS: Final[dict[str, tuple[str, tuple[tuple[str, str, str], ...]]]] = {
    "docs": (
        "产品例会 · 周二",
        (
            ("议程与结论", "6 人正在编辑", "已同步"),
            ("待办：定价页改版", "负责人 许念", "周五"),
            ("待办：校对帮助文档", "负责人 田野", "周四"),
            ("上周遗留", "3 项完成，1 项顺延", "完成"),
        ),
    ),
    "insight": (
        "经营日报",
        (
            ("销售额 ¥1,284,600", "同比上升 12%", "达标"),
            ("毛利率 41.8%", "目标 40%", "达标"),
            ("库存周转 23 天", "华东仓偏慢", "关注"),
            ("应收账款 ¥860,200", "30 天内到期", "提醒"),
        ),
    ),
    "drill": (
        "演练报告",
        (
            ("送达 240 封", "三个部门", "完成"),
            ("打开 151 封", "含手机端", "62.9%"),
            ("点击链接 38 人", "财务部最高", "15.8%"),
            ("主动上报 54 人", "比上次多 21 人", "进步"),
        ),
    ),
    "warehouse": (
        "华南一号仓",
        (
            ("A-03-12 轴承座", "账面 480 · 实盘 480", "一致"),
            ("A-03-13 密封圈", "账面 2,000 · 实盘 1,994", "差 6"),
            ("B-01-02 伺服电机", "账面 64 · 实盘 64", "一致"),
            ("B-01-07 线缆 3 m", "账面 310 · 实盘 310", "一致"),
        ),
    ),
    "contract": (
        "签署进度",
        (
            ("采购框架协议", "对方已签署", "归档"),
            ("保密协议", "等待我方盖章", "待签"),
            ("设备租赁合同", "今日 16:20 到期", "提醒"),
            ("劳动合同 12 份", "全部完成", "归档"),
        ),
    ),
}
"""The heading of a film's panel, and its rows: what it is, what is known of it, and the word on its badge."""


def build(stage: FilmTimeline) -> None:
    """Set the stage for a short film, by the key of its script."""
    heading, rows = _PANELS[stage.story.key]
    stage.panel(112 + _ROW_PX * len(rows) + 20)
    stage.paint(drawing.text(heading, 32, drawing.INK, 2), LEFT_PX, PANEL_TOP_PX + 28)
    live = drawing.badge("今天", 20, drawing.TEAL, drawing.TEAL_TINT)
    stage.paint(live, RIGHT_PX - live.width, PANEL_TOP_PX + 34)
    for number in range(len(rows)):
        stage.paint(drawing.rounded(INNER_PX, 2, 1, drawing.LINE), LEFT_PX, _ROWS_TOP + number * _ROW_PX - 6)
    for number, row in enumerate(rows):
        stage.act(_row(number, row))


def _row(number: int, row: tuple[str, str, str]) -> Actor:
    name, known, word = row
    colour, tint = _TINTS[number % len(_TINTS)]
    badge = drawing.badge(word, 22, colour, tint)
    parts = (
        (drawing.initial(name[0], 68, colour, tint, square=True), 0, 20),
        (drawing.text(name, 29, drawing.INK, 2), 92, 18),
        (drawing.text(known, 23, drawing.MUTED), 92, 62),
        (badge, INNER_PX - badge.width, 34),
    )
    sprite = drawing.together(INNER_PX, _ROW_PX - 12, parts)
    top, at_s = _ROWS_TOP + number * _ROW_PX, _FIRST_S + number * _EACH_S

    def actor(now_s: float) -> Iterator[Drawn]:
        come = 1.0 if number == 0 else ease(now_s, at_s, 0.5)
        yield sprite, LEFT_PX, top + 26 * (1 - come), come

    return actor
