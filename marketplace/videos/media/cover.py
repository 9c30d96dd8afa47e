"""The still picture that stands for a video before it plays."""

from __future__ import annotations

import io
from fractions import Fraction

from av.video.frame import VideoFrame
from PIL import Image, ImageStat

from marketplace.videos.media.cover_sizes import COVER_WIDTHS
from marketplace.videos.media.probe_result import CoverPictures

MAX_WIDTH_PX = 1280
_THUMB_PX = 96
_QUALITY = 84
_WEBP_QUALITY, _WEBP_EFFORT = 78, 5
_DARK, _BRIGHT, _FLAT = 18.0, 244.0, 6.0
_TURNS = {90: Image.Transpose.ROTATE_90, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_270}


class CoverChoice:
    """Keeps the best of the pictures it is shown: the one with most in it, never a black one if any other exists.

    Contents are judged by the spread of luminance of a small copy; nearly black, nearly white and flat pictures rank
    last. The earlier of equals wins, so the choice is the same on every run.
    """

    def __init__(self, pixel_shape: Fraction | None = None) -> None:
        """``pixel_shape`` is the stream's sample aspect ratio, width to height (None or absurd: square pixels)."""
        sane = pixel_shape is not None and Fraction(1, 4) <= pixel_shape <= 4
        self._pixel_shape = pixel_shape if sane and pixel_shape is not None else Fraction(1)
        self.best: VideoFrame | None = None
        self._score = -1.0

    def consider(self, frame: VideoFrame) -> None:
        """Take the picture if it shows clearly more than the best so far."""
        score = _score(frame)
        if self.best is None or score > self._score * 1.02:
            self.best, self._score = frame, score

    def at_s(self) -> float:
        """Second of the chosen picture."""
        return float(self._chosen().time or 0.0)

    def displayed_size(self) -> tuple[int, int]:
        """Width and height as a player shows them (rotation and pixel shape applied)."""
        frame = self._chosen()
        width, height = self._square_pixels(frame)
        return (height, width) if frame.rotation % 180 else (width, height)

    def jpeg(self) -> bytes:
        """The chosen picture, upright, at most 1280 px wide, baseline-compatible progressive JPEG without metadata."""
        return as_jpeg(self._upright(MAX_WIDTH_PX))

    def webp(self, most_width: int) -> bytes:
        """The same as WebP, at most `most_width` px wide."""
        return as_webp(self._upright(most_width))

    def pictures(self) -> CoverPictures:
        """The chosen picture in all sizes that are kept."""
        return CoverPictures(self.jpeg(), tuple(self.webp(width) for width in COVER_WIDTHS))

    def _upright(self, most_width: int) -> Image.Image:
        frame = self._chosen()
        width, height = self._square_pixels(frame)
        shown_width = height if frame.rotation % 180 else width
        scale = min(1.0, most_width / shown_width)
        image = _to_image(frame, max(1, round(width * scale)), max(1, round(height * scale)))
        turn = _TURNS.get(frame.rotation % 360)
        return image if turn is None else image.transpose(turn)

    def _square_pixels(self, frame: VideoFrame) -> tuple[int, int]:
        return max(1, round(frame.width * self._pixel_shape)), frame.height

    def _chosen(self) -> VideoFrame:
        if self.best is None:
            raise ValueError("no picture was considered")
        return self.best


def as_jpeg(image: Image.Image) -> bytes:
    """Baseline-compatible progressive JPEG of a picture without metadata."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return out.getvalue()


def as_webp(image: Image.Image) -> bytes:
    """WebP of a picture without metadata."""
    out = io.BytesIO()
    image.save(out, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_EFFORT)
    return out.getvalue()


def _to_image(frame: VideoFrame, width: int, height: int) -> Image.Image:
    image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]  # PyAV leaves it untyped
    if not isinstance(image, Image.Image):
        raise TypeError("the decoder gave no picture")
    return image


def _score(frame: VideoFrame) -> float:
    height = max(1, round(_THUMB_PX * frame.height / frame.width))
    statistics = ImageStat.Stat(_to_image(frame, _THUMB_PX, min(height, 4 * _THUMB_PX)).convert("L"))
    mean, spread = statistics.mean[0], statistics.stddev[0]
    if mean < _DARK or mean > _BRIGHT or spread < _FLAT:
        return spread / 100
    return float(spread)
