"""What of a video was really watched: spans that were played, never the place that was reached. Pure calculation.

A span is a pair of milliseconds, half-open. Seeking ahead adds nothing: what lies between was not played.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

Spans = tuple[tuple[int, int], ...]

COMPLETE_PERCENT: Final = 95
"""Of a video: its last seconds are often a still."""
FASTEST: Final = 2
"""A player plays at most so many times as fast; more than so many seconds of video in one of time was not watched."""
SLACK_MS: Final = 5_000
"""Reports come every ten seconds or so, over a network that holds some of them up."""


def merge(spans: Iterable[Sequence[int]], duration_ms: int) -> Spans:
    """The same spans in order, apart and within the video; what is empty or turned round is left out."""
    inside = sorted((max(0, start), min(end, duration_ms)) for start, end in spans)
    found: list[tuple[int, int]] = []
    for start, end in inside:
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def length(spans: Spans) -> int:
    """Milliseconds in all."""
    return sum(end - start for start, end in spans)


def add(known: Spans, played: Iterable[Sequence[int]], duration_ms: int, most_ms: int) -> Spans:
    """`known` with what was played since, of which at most `most_ms` are new: by time that has gone by, no more can be.

    What is beyond that is left out from the end; nothing that was known is lost.
    """
    have, left = merge(known, duration_ms), max(0, most_ms)
    for start, end in merge(played, duration_ms):
        for new_start, new_end in _new(have, start, end):
            taken = min(left, new_end - new_start)
            have = merge((*have, (new_start, new_start + taken)), duration_ms)
            left -= taken
    return have


def is_complete(watched_ms: int, duration_ms: int) -> bool:
    """Whether enough of a video was watched."""
    return duration_ms > 0 and watched_ms * 100 >= duration_ms * COMPLETE_PERCENT


def _new(have: Spans, start: int, end: int) -> list[tuple[int, int]]:
    found, at = [], start
    for known_start, known_end in have:
        if known_end <= at or known_start >= end:
            continue
        if known_start > at:
            found.append((at, known_start))
        at = max(at, known_end)
    if at < end:
        found.append((at, end))
    return found
