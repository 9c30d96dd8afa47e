"""The videos of the market's past: the sample films cut anew by sellers and promoters, and the other sellers' short films."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import av

from app.sample.scenes.facts import Scene


@dataclass(frozen=True, slots=True)
class Clip:
    """A video on the channel of organization `channel`, published `day` days after the beginning.

    It shows seconds `start_s` to `end_s` of the film `film`, whose product it sells; `end_s` 0 means to its end.
    """

    key: str
    film: str
    channel: str
    day: int
    title_zh: str
    title_en: str
    start_s: int = 0
    end_s: int = 0


CLIPS: Final = (
    Clip("recruiting-a", "recruiting", "yihao", 0, "校招季前的三分钟准备", "Three minutes before campus season", 0, 9),
    Clip("customers-a", "customers", "qidian", 1, "销售离职，客户别跟着走", "When sales leave, customers stay", 0, 9),
    Clip("backup-a", "backup", "harbor", 1, "Harbor Backup：恢复演练实录", "Harbor Backup: a restore, recorded", 0, 9),
    Clip("docs", "docs", "lanqiao", 2, "会议结束，纪要就写好了", "The meeting ends, the minutes are written"),
    Clip("expenses-a", "expenses", "qidian", 3, "报销慢，问题出在哪一步", "Where expense claims get stuck", 0, 8),
    Clip("insight", "insight", "shuzhou", 5, "不写代码，看懂经营数据", "Understand the numbers without writing code"),
    Clip("drill", "drill", "jinghe", 6, "一次演练，找出会点链接的人", "One drill shows who clicks the link"),
    Clip("onsite-a", "onsite", "yihao", 8, "上线第一周，我们做什么", "What we do in week one", 0, 8),
    Clip("warehouse", "warehouse", "pelican", 10, "盘点不停业，库存实时准", "Stock that is right while you work"),
    Clip("recruiting-b", "recruiting", "yunke", 14, "测评：校招系统看这两点", "Review: two things in a hiring tool", 3),
    Clip("contract", "contract", "lanqiao", 18, "合同十分钟签完", "A contract signed in ten minutes"),
    Clip("docs-b", "docs", "diandian", 24, "五人小组该选哪款文档", "Which documents for a team of five", 1),
    Clip("expenses-b", "expenses", "yihao", 30, "发票查重，原来这么快", "Duplicate invoices, found at once", 4),
    Clip("insight-b", "insight", "yunke", 36, "测评：经营日报谁最省心", "Review: the morning report", 1),
    Clip("customers-b", "customers", "diandian", 43, "十人销售队的选型清单", "A checklist for ten in sales", 2),
    Clip("backup-b", "backup", "yunke", 50, "测评：四分钟能否恢复", "Review: back in four minutes?", 4),
    Clip("warehouse-b", "warehouse", "diandian", 57, "小仓库要不要上系统", "Does a small warehouse need software?", 1),
    Clip("onsite-b", "onsite", "qidian", 64, "实施验收，别漏这三项", "Three things to check on acceptance", 2),
    Clip("contract-b", "contract", "qidian", 70, "电子合同，法务怎么看", "What counsel thinks of e-signing", 1),
)
"""In the order of their publication."""
COMING: Final = Clip(
    "docs-c", "docs", "lanqiao", 90, "新功能预告：纪要自动派任务", "Coming: minutes that hand out tasks", 0, 8
)
"""Posted, and to be published soon."""


def clip_scene(clip: Clip, film: Scene, folder: Path) -> Scene:
    """The clip as a finished video in `folder`, cut from its film without encoding anew; a file that is there stays.

    Promises lie where the clip says them; those outside it are not the clip's.
    """
    end_ms = min((clip.end_s or 3_600) * 1000, film.duration_ms)
    path = film.path
    if (clip.start_s, end_ms) != (0, film.duration_ms):
        path = folder / f"{film.path.stem}-{clip.start_s}-{end_ms // 1000}.mp4"
        if not path.exists():
            part = path.with_suffix(".part")
            _cut(film.path, part, clip.start_s, end_ms / 1000)
            part.replace(path)
    start_ms = clip.start_s * 1000
    duration_ms = end_ms - start_ms
    claims = tuple(
        replace(claim, second=claim.second - clip.start_s)
        for claim in film.claims
        if start_ms <= claim.second * 1000 < end_ms - 1_500
    )
    card_from_ms = max(500, film.placement_ms[0] - start_ms)
    return Scene(film.key, path, clip.title_zh, clip.title_en, duration_ms, claims, (card_from_ms, duration_ms))


def _cut(source_path: Path, target_path: Path, start_s: int, end_s: float) -> None:
    """Copy the packets of a part. The sample films have a key frame at each second, so that a part begins with one."""
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with (
        av.open(str(source_path)) as source,
        av.open(str(target_path), "w", format="mp4", container_options=options) as target,
    ):
        copies = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        begun: dict[int, int] = {}
        for packet in source.demux():
            if packet.dts is None or packet.pts is None:
                continue
            at_s = float(packet.pts * packet.time_base)
            if not start_s <= at_s < end_s or (packet.stream.index not in begun and not packet.is_keyframe):
                continue
            first = begun.setdefault(packet.stream.index, packet.dts)
            packet.dts, packet.pts = packet.dts - first, packet.pts - first
            packet.stream = copies[packet.stream.index]
            target.mux(packet)
