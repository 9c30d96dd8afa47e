"""Pictures made on the spot, with what a camera writes beside them."""

from __future__ import annotations

import io

from PIL import Image

GPS = 0x8825
SECRET = "taken at 31.2304 N, 121.4737 E"


def picture(
    size: tuple[int, int] = (640, 480), kind: str = "JPEG", *, colour: str = "teal", turned: int = 1, mode: str = "RGB"
) -> bytes:
    """A picture in one colour, but for a red corner at its top left, with a place and a comment beside it."""
    image = Image.new(mode, size, colour)
    image.paste("red", (0, 0, size[0] // 4, size[1] // 4))
    beside = image.getexif()
    beside[0x0112] = turned
    beside[0x010E] = SECRET
    beside.get_ifd(GPS)[2] = (31.0, 13.0, 49.0)
    out = io.BytesIO()
    image.save(out, kind, exif=beside, **({"comment": SECRET.encode()} if kind == "JPEG" else {}))
    return out.getvalue()
