"""A picture of a product as it is kept: decoded, upright, no larger than a page shows it, and without anything but its pixels.

What a camera wrote beside them (where it was taken, with what, by whom) does not survive: only pixels are written again.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from threading import BoundedSemaphore

from PIL import Image, ImageOps, UnidentifiedImageError

from kernel.errors import Invalid

MAX_BYTES = 10_000_000
MAX_PIXELS = 40_000_000
"""Of what is sent: a camera's picture, and not a small file that unfolds into gigabytes."""
LEAST_PX = 200
MOST_SIDES = 10
"""How often the shorter side may go into the longer one: beyond it there is nothing to see, and WebP ends at 16,383 pixels."""
WIDTHS = (480, 1600)
"""In which it is kept; a smaller picture is not made larger."""
_FORMATS = ("JPEG", "PNG", "WEBP")
_QUALITY, _EFFORT = 82, 4
_DECODING = BoundedSemaphore(2)
"""How many pictures a process holds as pixels at a time: each is up to 120 MB, several times over while it is turned."""


@dataclass(frozen=True, slots=True)
class PreparedImage:
    """A picture as WebP by the width it is kept under. `id` is the beginning of the SHA-256 of the largest."""

    id: str
    width: int
    height: int
    files: dict[int, bytes]


def prepare_image(content: bytes) -> PreparedImage:
    """Decode a JPEG, PNG or WebP, and write its pixels anew. Not on the event loop: the largest take a while.

    Raises:
        Invalid: `image_empty`, `image_too_large`, `image_kind_unknown`, `image_unreadable`, `image_too_many_pixels`,
            `image_too_small`, `image_too_long`.
    """
    if not content:
        raise Invalid("image_empty", field="file")
    if len(content) > MAX_BYTES:
        raise Invalid("image_too_large", field="file", limit_mb=MAX_BYTES // 1_000_000)
    with warnings.catch_warnings():
        # The bound is ours, and is looked at before anything is decoded.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            opened = Image.open(io.BytesIO(content), formats=_FORMATS)
        except UnidentifiedImageError as error:
            raise Invalid("image_kind_unknown", field="file") from error
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise Invalid("image_unreadable", field="file") from error
        if opened.width * opened.height > MAX_PIXELS:
            raise Invalid("image_too_many_pixels", field="file", limit=MAX_PIXELS // 1_000_000)
        if min(opened.size) < LEAST_PX:
            raise Invalid("image_too_small", field="file", least=LEAST_PX)
        if max(opened.size) > MOST_SIDES * min(opened.size):
            raise Invalid("image_too_long", field="file", most=MOST_SIDES)
        # Pillow has read the head alone so far; what has fewer pixels than the bound is decoded now, on the handler's thread.
        with _DECODING:
            try:
                upright = _pixels(opened)
            except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
                raise Invalid("image_unreadable", field="file") from error
            files = {width: _webp(upright, width) for width in WIDTHS}
    largest = files[WIDTHS[-1]]
    shown = _fitted(upright.size, WIDTHS[-1])
    return PreparedImage(hashlib.sha256(largest).hexdigest()[:32], *shown, files)


def _pixels(opened: Image.Image) -> Image.Image:
    """The first picture of the file, turned as its camera was held, on white where it is transparent."""
    opened.seek(0)
    turned = ImageOps.exif_transpose(opened)
    if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
        layered = turned.convert("RGBA")
        ground = Image.new("RGB", layered.size, "white")
        ground.paste(layered, mask=layered.getchannel("A"))
        return ground
    plain = Image.new("RGB", turned.size)
    plain.paste(turned.convert("RGB"))
    return plain


def _fitted(size: tuple[int, int], most_width: int) -> tuple[int, int]:
    width, height = size
    if width <= most_width:
        return width, height
    return most_width, max(1, height * most_width // width)


def _webp(image: Image.Image, most_width: int) -> bytes:
    out = io.BytesIO()
    fitted = _fitted(image.size, most_width)
    (image if fitted == image.size else image.resize(fitted, Image.Resampling.LANCZOS)).save(
        out, "WEBP", quality=_QUALITY, method=_EFFORT
    )
    return out.getvalue()
