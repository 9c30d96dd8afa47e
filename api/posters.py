"""Posters of links: a picture, what it shows, and a QR code that opens it, to be printed or sent as a picture.

Only of what everybody may see: whoever meets a poster on a wall is nobody in particular.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final, Literal

import segno
from PIL import Image, ImageDraw, ImageFont, ImageOps, UnidentifiedImageError, features

from kernel.errors import Invalid

PosterForm = Literal["png", "pdf"]
PosterLanguage = Literal["zh-CN", "en"]
MEDIA_TYPES: Final[dict[PosterForm, str]] = {"png": "image/png", "pdf": "application/pdf"}
WIDTH, HEIGHT, DPI = 1240, 1754, 150
"""A4 (210 × 297 mm)."""
_EDGE = 80
_COVER = (WIDTH - 2 * _EDGE, 608)
_CODE_PX = 360
_WHITE, _INK, _MUTED, _FAINT = (255, 255, 255), (17, 26, 36), (91, 104, 117), (106, 118, 130)
_WASH, _TEAL, _TINT = (245, 247, 249), (15, 118, 110), (226, 243, 240)
_WORDS: Final = {
    "zh-CN": {
        "brand": "频道市场",
        "video": "扫码观看",
        "product": "扫码了解",
        "channel": "扫码关注频道",
        "by": "由 {name} 分享",
    },
    "en": {
        "brand": "Channel Market",
        "video": "Scan to watch",
        "product": "Scan to see more",
        "channel": "Scan to see the channel",
        "by": "Shared by {name}",
    },
}


@dataclass(frozen=True, slots=True)
class Poster:
    """What a poster says. `address` is absolute and what its code opens; `picture` the bytes of a cover, None without one."""

    kind: Literal["video", "product", "channel"]
    language: PosterLanguage
    title: str
    of: str
    """Whose it is: the channel of a video, the seller of a product; empty for a channel."""
    description: str
    address: str
    picture: bytes | None = None
    shared_by: str = ""
    """The organization that the link counts for."""


def draw_poster(poster: Poster, form: PosterForm) -> bytes:
    """Draw it as PNG, or as one page of PDF in A4.

    Raises: Invalid `poster_address_too_long`: no QR code can hold the address.
    """
    canvas = Image.new("RGB", (WIDTH, HEIGHT), _WHITE)
    draw = ImageDraw.Draw(canvas)
    words = _WORDS[poster.language]
    draw.rounded_rectangle((_EDGE, 66, _EDGE + 44, 110), 12, fill=_TEAL)
    draw.polygon(((_EDGE + 16, 76), (_EDGE + 16, 100), (_EDGE + 34, 88)), fill=_WHITE)
    _line(draw, (_EDGE + 62, 102), words["brand"], 34, _INK, bold=True)
    _place_picture(canvas, poster)
    y = 150 + _COVER[1] + 40
    for line in _wrapped(poster.title, 58, 2):
        _line(draw, (_EDGE, y + 58), line, 58, _INK, bold=True)
        y += 80
    if poster.of:
        _line(draw, (_EDGE, y + 36), _wrapped(poster.of, 34, 1)[0], 34, _TEAL)
        y += 58
    y += 12
    for line in _wrapped(poster.description, 32, 3):
        _line(draw, (_EDGE, y + 34), line, 32, _MUTED)
        y += 50
    _place_code(canvas, poster, words)
    out = io.BytesIO()
    if form == "pdf":
        canvas.save(out, format="PDF", resolution=DPI, quality=92, title=poster.title, creator=words["brand"])
    else:
        canvas.save(out, format="PNG", dpi=(DPI, DPI), optimize=False)
    return out.getvalue()


def _place_code(canvas: Image.Image, poster: Poster, words: dict[str, str]) -> None:
    top = HEIGHT - _EDGE - _CODE_PX - 60
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle((_EDGE, top, WIDTH - _EDGE, HEIGHT - _EDGE), 28, fill=_WASH)
    code = _code(poster.address)
    canvas.paste(code, (_EDGE + 30, top + 30))
    left = _EDGE + 30 + _CODE_PX + 44
    room = WIDTH - _EDGE - 30 - left
    _line(draw, (left, top + 150), _wrapped(words[poster.kind], 50, 1, room)[0], 50, _INK, bold=True)
    y = top + 220
    host = poster.address.partition("://")[2].partition("/")[0]
    for line in _wrapped(host, 26, 2, room):
        _line(draw, (left, y), line, 26, _FAINT)
        y += 38
    if poster.shared_by:
        for line in _wrapped(words["by"].format(name=poster.shared_by), 28, 2, room):
            _line(draw, (left, y + 18), line, 28, _MUTED)
            y += 42


def _code(address: str) -> Image.Image:
    """Black on white with its quiet zone of four modules (ISO/IEC 18004), each module a whole number of pixels."""
    try:
        made = segno.make(address, error="m", micro=False)
    except segno.DataOverflowError as error:
        raise Invalid("poster_address_too_long", field="address") from error
    scale = max(1, _CODE_PX // made.symbol_size(border=4)[0])
    rows = [[0 if dark else 255 for dark in row] for row in made.matrix_iter(scale=scale, border=4)]
    code = Image.new("L", (len(rows[0]), len(rows)))
    code.putdata([one for row in rows for one in row])
    framed = Image.new("RGB", (_CODE_PX, _CODE_PX), _WHITE)
    framed.paste(code, ((_CODE_PX - code.width) // 2, (_CODE_PX - code.height) // 2))
    return framed


def _place_picture(canvas: Image.Image, poster: Poster) -> None:
    mask = Image.new("L", _COVER, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, _COVER[0] - 1, _COVER[1] - 1), 24, fill=255)
    canvas.paste(_picture(poster), (_EDGE, 150), mask)


def _picture(poster: Poster) -> Image.Image:
    ground = Image.new("RGB", _COVER, _TINT)
    shown = _opened(poster.picture)
    if shown is None:
        letter = _one_line(poster.title)[:1] or "·"
        ImageDraw.Draw(ground).text(
            (_COVER[0] // 2, _COVER[1] // 2),
            letter,
            fill=_TEAL,
            font=_font(240),
            anchor="mm",
            language=_language(letter),
        )
        return ground
    if shown.width >= shown.height:
        return ImageOps.fit(shown, _COVER)
    whole = ImageOps.contain(shown, _COVER)
    ground.paste(whole, ((_COVER[0] - whole.width) // 2, 0))
    return ground


def _opened(picture: bytes | None) -> Image.Image | None:
    """Our own covers and pictures, which were examined as they came in; what cannot be read is left out."""
    if picture is None:
        return None
    try:
        with Image.open(io.BytesIO(picture), formats=("JPEG", "WEBP")) as opened:
            return opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        return None


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    found = resources.files("cvttf_NotoSansCJK_Regular") / "NotoSansCJKtc-Regular.otf"
    with resources.as_file(found) as path:
        return ImageFont.truetype(str(path), size_px)


def _language(words: str) -> str | None:
    """The font's own forms are Traditional; ask for Simplified ones where the layout engine can."""
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return "zh-Hans" if wide and features.check("raqm") else None


def _line(
    draw: ImageDraw.ImageDraw,
    at: tuple[int, int],
    words: str,
    size_px: int,
    colour: tuple[int, int, int],
    *,
    bold: bool = False,
) -> None:
    # The typeface has one weight: bold is a thicker stroke.
    stroke = size_px / 50 if bold else 0
    draw.text(at, words, fill=colour, font=_font(size_px), anchor="ls", language=_language(words), stroke_width=stroke)


def _wrapped(words: str, size_px: int, most: int, room: int = _COVER[0]) -> list[str]:
    """At most so many lines, broken at blanks, between Chinese signs, or where nothing else fits; the rest is an ellipsis."""
    font, lines, line = _font(size_px), [], ""
    for piece in _pieces(words):
        if line and font.getlength((line + piece).rstrip()) > room:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
        while font.getlength(line.rstrip()) > room:
            fits = max(1, next(n for n in range(len(line), 0, -1) if n == 1 or font.getlength(line[:n]) <= room))
            lines.append(line[:fits])
            line = line[fits:]
        if len(lines) > most:
            break
    lines.append(line.rstrip())
    lines = [one for one in lines if one]
    if len(lines) <= most:
        return lines or [""]
    last = lines[most - 1]
    while last and font.getlength(f"{last}…") > room:
        last = last[:-1]
    return [*lines[: most - 1], f"{last.rstrip()}…"]


def _one_line(words: str) -> str:
    """Without what is no sign: the layout engine refuses some of it."""
    return " ".join("".join(one for one in words if one.isprintable() or one.isspace()).split())


def _pieces(words: str) -> list[str]:
    """What may stand at the end of a line: a word with its blank, a Chinese sign with the marks that follow it."""
    pieces: list[str] = []
    for sign in _one_line(words):
        wide = unicodedata.east_asian_width(sign) in "WF"
        closing = sign in "，。、；：？！）》」』】”’"
        starts = not pieces or pieces[-1].endswith(" ") or (wide and not closing)
        after_wide = bool(pieces) and unicodedata.east_asian_width(pieces[-1][-1]) in "WF" and not closing
        if (starts or after_wide) and sign != " ":
            pieces.append(sign)
        elif pieces:
            pieces[-1] += sign
    return pieces
