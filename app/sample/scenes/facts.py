"""What the sample videos are and what is said in them, second by second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

#: Part of every file's name: raise it when a scene's pictures or sound change, so that cached files are made anew.
DESIGN = 3
WIDTH_PX, HEIGHT_PX, FRAMES_PER_S = 720, 1280, 15

ClaimKind = Literal["price", "seats", "included", "service_level", "feature"]


@dataclass(frozen=True, slots=True)
class FilmClaim:
    """A promise made in the video from ``second`` on; the caption on the picture says exactly this.

    ``value`` is comparable with a plan: minor currency units for ``price``, a count for ``seats`` and ``included``, a
    count of ``unit`` for ``service_level``, a stable word for ``feature``. ``unit`` names what it counts
    (``CNY/seat/year``, ``seat``, ``day``, ``invoice/month``, ``minute`` …).
    """

    second: int
    kind: ClaimKind
    text_zh: str
    text_en: str
    value: int | str
    unit: str


@dataclass(frozen=True, slots=True)
class FilmScript:
    """A scene before it is drawn. ``headline`` and ``opening`` are words on the picture."""

    key: str
    title_zh: str
    title_en: str
    product: str
    headline: str
    subline: str
    opening: tuple[str, str]
    duration_ms: int
    claims: tuple[FilmClaim, ...]
    placement_ms: tuple[int, int]
    chord_root_hz: float
    ground: tuple[int, int, int]
    english: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished sample video on disk. ``placement_ms`` is where a product card fits: start and end."""

    key: str
    path: Path
    title_zh: str
    title_en: str
    duration_ms: int
    claims: tuple[FilmClaim, ...]
    placement_ms: tuple[int, int]


STORIES: tuple[FilmScript, ...] = (
    FilmScript(
        key="recruiting",
        title_zh="用一块屏管完校招",
        title_en="Run a whole campus season on one screen",
        product="招聘专业版 · 1号直聘",
        headline="用一块屏管完校招",
        subline="One screen for the whole campus season",
        opening=("简历进来，自动归位", "Every résumé finds its column"),
        duration_ms=14_000,
        claims=(
            FilmClaim(4, "seats", "含 20 席位", "20 seats included", 20, "seat"),
            FilmClaim(7, "price", "¥199 / 席 / 年", "¥199 per seat and year", 19_900, "CNY/seat/year"),
            FilmClaim(10, "feature", "支持导出全部数据", "All your data can be exported", "full_export", "feature"),
        ),
        placement_ms=(3_000, 14_000),
        chord_root_hz=196.0,
        ground=(12, 52, 51),
    ),
    FilmScript(
        key="customers",
        title_zh="客户不再散落在聊天里",
        title_en="Customers no longer lost in chats",
        product="客户管家 · 团队版",
        headline="客户不再散落在聊天里",
        subline="Every customer, one honest page",
        opening=("跟进到哪一步，一眼看清", "See where each deal stands"),
        duration_ms=12_000,
        claims=(
            FilmClaim(3, "seats", "10 席起购，含管理员", "From 10 seats, admin included", 10, "seat"),
            FilmClaim(6, "price", "¥68 / 席 / 月", "¥68 per seat and month", 6_800, "CNY/seat/month"),
            FilmClaim(9, "feature", "支持导出全部数据", "All your data can be exported", "full_export", "feature"),
        ),
        placement_ms=(2_500, 12_000),
        chord_root_hz=174.6,
        ground=(22, 36, 58),
    ),
    FilmScript(
        key="expenses",
        title_zh="发票验真，报销当天到账",
        title_en="Invoices checked, expenses paid the same day",
        product="费控与发票 · 企业版",
        headline="发票验真，当天到账",
        subline="Checked once, paid the same day",
        opening=("逐张验真，自动查重", "Verified one by one, no duplicates"),
        duration_ms=12_000,
        claims=(
            FilmClaim(3, "included", "每月含 300 张验真", "300 checks a month included", 300, "invoice/month"),
            FilmClaim(
                6, "price", "¥1,200 / 月，不限席位", "¥1,200 a month, any number of people", 120_000, "CNY/month"
            ),
            FilmClaim(9, "service_level", "验真 5 秒内返回", "Answers within 5 seconds", 5, "second"),
        ),
        placement_ms=(2_500, 12_000),
        chord_root_hz=185.0,
        ground=(30, 41, 51),
    ),
    FilmScript(
        key="onsite",
        title_zh="上门实施：十个工作日上线",
        title_en="On-site rollout: live in ten working days",
        product="上门实施服务包",
        headline="十个工作日，陪你上线",
        subline="On site with you, live in ten working days",
        opening=("四步走完，每步您来验收", "Four steps, each accepted by you"),
        duration_ms=12_000,
        claims=(
            FilmClaim(3, "service_level", "10 个工作日内上线", "Live within 10 working days", 10, "working_day"),
            FilmClaim(6, "price", "一口价 ¥12,800", "Fixed price ¥12,800", 1_280_000, "CNY"),
            FilmClaim(
                9, "feature", "验收后才结算", "Settled only after acceptance", "settled_on_acceptance", "feature"
            ),
        ),
        placement_ms=(2_500, 12_000),
        chord_root_hz=164.8,
        ground=(17, 58, 66),
    ),
    FilmScript(
        key="backup",
        title_zh="Harbor Backup：四分钟恢复一台服务器",
        title_en="Harbor Backup: a server back in four minutes",
        product="Harbor Backup",
        headline="Back in four minutes.",
        subline="Immutable snapshots, tested every night",
        opening=("Every night, every server", "每晚备份，每台服务器"),
        duration_ms=13_000,
        claims=(
            FilmClaim(3, "included", "含 500 GB 存储", "500 GB included", 500, "GB"),
            FilmClaim(6, "price", "每月 $49", "$49 a month", 4_900, "USD/month"),
            FilmClaim(9, "service_level", "15 分钟内恢复", "Restore under 15 minutes", 15, "minute"),
        ),
        placement_ms=(2_500, 13_000),
        chord_root_hz=146.8,
        ground=(15, 23, 32),
        english=True,
    ),
)
