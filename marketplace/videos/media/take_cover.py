"""The cover that somebody chose: a moment of the film, or a picture of their own.

Runs on strangers' bytes; workers call it through :mod:`marketplace.videos.media.subprocess_probe`.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

from kernel.errors import Invalid
from marketplace.videos.media.cover import MAX_WIDTH_PX, CoverChoice, as_jpeg, as_webp
from marketplace.videos.media.cover_sizes import COVER_WIDTHS
from marketplace.videos.media.probe import Pictures, checked_codecs, chosen_streams, opened, recognise
from marketplace.videos.media.probe_result import CoverPictures

FORMATS = ("JPEG", "PNG", "WEBP")
LEAST_SIDE, MAX_SIDE = 160, 8192
MAX_PIXELS = 40_000_000
_FILM_PIXELS, _FILM_SIDE = 3840 * 2160, 4096
_AV_TIME_BASE = 1_000_000


def cover_at(path: Path, at_ms: int) -> CoverPictures:
    """The picture that a player shows at `at_ms` of a film that was examined.

    Raises:
        Invalid: as `probe_video`; ``video_damaged`` where there is no picture.
    """
    sniffed = recognise(path, None)
    with opened(path, sniffed) as container:
        video, audio = chosen_streams(container)
        checked_codecs(sniffed.detected, video, audio)
        begins_s = max(0, container.start_time or 0) / _AV_TIME_BASE
        frame = Pictures(container, video, _FILM_PIXELS, _FILM_SIDE).at(begins_s + at_ms / 1000)
        if frame is None:
            raise Invalid("video_damaged", part="picture")
        choice = CoverChoice(video.sample_aspect_ratio)
        choice.consider(frame)
        return choice.pictures()


def cover_of(path: Path) -> CoverPictures:
    """A picture, upright and no larger than covers are, with nothing of its file but what it shows.

    Raises:
        Invalid: ``cover_not_a_picture``; ``cover_dimensions``.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            sides = min(width, height), max(width, height)
            if sides[0] < LEAST_SIDE or sides[1] > MAX_SIDE or width * height > MAX_PIXELS:
                raise Invalid("cover_dimensions")
            shown = _plain(ImageOps.exif_transpose(image))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Invalid("cover_not_a_picture") from error
    return CoverPictures(
        as_jpeg(_within(shown, MAX_WIDTH_PX)), tuple(as_webp(_within(shown, width)) for width in COVER_WIDTHS)
    )


def _plain(image: Image.Image) -> Image.Image:
    """Its colours on white, in a picture of its own: what a file says beside them stays behind."""
    plain = Image.new("RGB", image.size, "white")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        plain.paste(layer, mask=layer.getchannel("A"))
    else:
        plain.paste(image.convert("RGB"))
    return plain


def _within(image: Image.Image, most_width: int) -> Image.Image:
    if image.width <= most_width:
        return image
    return image.resize((most_width, max(1, round(image.height * most_width / image.width))), Image.Resampling.LANCZOS)
