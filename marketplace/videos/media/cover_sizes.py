"""The sizes in which a cover is kept beside its original, and where: what a page shows small is not fetched large."""

from __future__ import annotations

COVER_WIDTHS = (160, 480, 960)
"""Pixels: a list's thumbnail, the same on a dense screen, the player before it plays on a phone."""


def sized_cover_key(cover_key: str, width: int) -> str:
    """Where the cover kept under `cover_key` (JPEG) is kept as WebP, at most `width` pixels wide."""
    return f"{cover_key.rpartition('.')[0]}.{width}.webp"


def cover_keys(cover_key: str | None) -> frozenset[str]:
    """Every object of one cover."""
    if cover_key is None:
        return frozenset()
    return frozenset({cover_key, *(sized_cover_key(cover_key, width) for width in COVER_WIDTHS)})
