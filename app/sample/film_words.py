"""Chapters and captions of the sample films, out of what is said in them."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from app.sample.scenes.facts import Scene
from marketplace.videos.set_chapters import Chapter

LANGUAGES: tuple[Literal["zh-CN", "en"], ...] = ("zh-CN", "en")
SAID_FOR_S = 3


def film_chapters(scene: Scene, duration_ms: int) -> list[Chapter]:
    """The opening, then one for each promise, as far as the film goes: some are cut short."""
    found = {0: Chapter(0, "开场", "Opening")}
    for claim in scene.claims:
        found.setdefault(claim.second, Chapter(claim.second * 1000, claim.text_zh, claim.text_en))
    return [found[second] for second in sorted(found) if found[second].at_ms < duration_ms]


def film_captions(scene: Scene, language: Literal["zh-CN", "en"]) -> str:
    """WebVTT of the title and the promises, each until the next one is said."""
    said = {0: scene.title_zh if language == "zh-CN" else scene.title_en}
    for claim in scene.claims:
        said.setdefault(claim.second, claim.text_zh if language == "zh-CN" else claim.text_en)
    ends = (*sorted(said), scene.duration_ms // 1000 + 1)
    cues = [f"{_at(start)} --> {_at(min(end, start + SAID_FOR_S))}\n{said[start]}" for start, end in pairwise(ends)]
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def _at(second: int) -> str:
    minutes, rest = divmod(second, 60)
    return f"{minutes:02d}:{rest:02d}.000"
