"""What an examination found. Apart from `probe`, so that only the process that opens media loads the decoders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CoverPictures:
    """A cover in the sizes in which it is kept: JPEG, and WebP of each of `COVER_WIDTHS` in their order."""

    jpeg: bytes
    webp: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """What is known of a playable video. Width and height are as displayed, after rotation and pixel shape."""

    container: str
    video_codec: str
    audio_codec: str | None
    duration_ms: int
    width: int
    height: int
    size_bytes: int
    cover_jpeg: bytes
    covers_webp: tuple[bytes, ...]
    """One of each of `COVER_WIDTHS`, in their order."""
    cover_at_ms: int
    faststart: bool
