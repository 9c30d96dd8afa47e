"""Shapes and letters for the sample scenes: anti-aliased sprites, drawn once and kept.

Pillow draws polygons without anti-aliasing, so shapes are drawn four times larger and reduced. Colours are the look's:
one deep teal, neutral greys with a trace of blue, state colours only for states.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from PIL import Image, ImageDraw, ImageFilter, ImageFont, features

Colour = tuple[int, int, int]

WHITE: Colour = (255, 255, 255)
INK: Colour = (17, 26, 36)
MUTED: Colour = (91, 104, 117)
FAINT: Colour = (148, 160, 172)
LINE: Colour = (228, 233, 238)
WASH: Colour = (245, 247, 249)
TEAL: Colour = (15, 118, 110)
TEAL_TINT: Colour = (226, 243, 240)
MINT: Colour = (94, 214, 196)
AMBER: Colour = (180, 83, 9)
AMBER_TINT: Colour = (253, 240, 222)
BLUE: Colour = (45, 91, 168)
BLUE_TINT: Colour = (230, 238, 250)

_OVER = 4
_SHADOW_PX = 28


@dataclass(frozen=True, eq=False, slots=True)
class Sprite:
    """A picture with its opacity. Pasted so that ``origin`` falls on the asked point (shadows reach outside)."""

    fill: Image.Image | Colour
    mask: Image.Image
    origin: tuple[int, int] = (0, 0)

    @property
    def width(self) -> int:
        """Width in pixels, shadow included."""
        return self.mask.width

    @property
    def height(self) -> int:
        """Height in pixels, shadow included."""
        return self.mask.height

    def box(self, x: int, y: int) -> tuple[int, int, int, int]:
        """Left, top, right and bottom when pasted at a point."""
        left, top = x - self.origin[0], y - self.origin[1]
        return left, top, left + self.mask.width, top + self.mask.height

    def onto(self, canvas: Image.Image, x: int, y: int, opacity: int = 255) -> None:
        """Paste at a point with an opacity from 0 to 255."""
        if opacity <= 0:
            return
        mask = self.mask if opacity >= 255 else self.mask.point(_fade(opacity))
        canvas.paste(self.fill, self.box(x, y), mask)


@lru_cache(maxsize=256)
def _fade(opacity: int) -> list[int]:
    return [value * opacity // 255 for value in range(256)]


def mix(one: Colour, other: Colour, percent: int) -> Colour:
    """``percent`` of the other colour in the one."""
    first, second, third = (a + (b - a) * percent // 100 for a, b in zip(one, other, strict=True))
    return first, second, third


@lru_cache(maxsize=64)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    found = resources.files("cvttf_NotoSansCJK_Regular") / "NotoSansCJKtc-Regular.otf"
    with resources.as_file(found) as path:
        return ImageFont.truetype(str(path), size_px)


def _language(words: str) -> str | None:
    """The font's own forms are Traditional; ask for Simplified ones where the layout engine can."""
    wide = any(unicodedata.east_asian_width(letter) in "WF" for letter in words)
    return "zh-Hans" if wide and features.check("raqm") else None


def text_width(words: str, size_px: int) -> int:
    """Advance width in pixels."""
    return round(_font(size_px).getlength(words, language=_language(words)))


@lru_cache(maxsize=4096)
def text(words: str, size_px: int, colour: Colour = INK, boldness: int = 0) -> Sprite:
    """One line. The point it is pasted at is the left end of the line's top; its baseline lies ``size_px`` below.

    ``boldness`` thickens the strokes by so many hundredths of the size (the wheel carries one weight only).
    """
    width = text_width(words, size_px) + 8
    mask = Image.new("L", (width, round(size_px * 1.4)), 0)
    ImageDraw.Draw(mask).text(
        (4, size_px),
        words,
        fill=255,
        font=_font(size_px),
        anchor="ls",
        language=_language(words),
        stroke_width=size_px * boldness / 100,
    )
    return Sprite(colour, mask, (4, 0))


@lru_cache(maxsize=512)
def rounded(width: int, height: int, radius: int, fill: Colour, edge: Colour | None = None) -> Sprite:
    """A rounded rectangle, with a hairline edge when asked."""
    size = (width * _OVER, height * _OVER)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius * _OVER, fill=255)
    if edge is None:
        return Sprite(fill, mask.reduce(_OVER))
    picture = Image.new("RGB", size, edge)
    inner = (6, 6, size[0] - 7, size[1] - 7)
    ImageDraw.Draw(picture).rounded_rectangle(inner, radius * _OVER - 6, fill=fill)
    return Sprite(picture.reduce(_OVER), mask.reduce(_OVER))


def disc(diameter: int, fill: Colour) -> Sprite:
    """A filled circle."""
    return rounded(diameter, diameter, diameter // 2, fill)


@lru_cache(maxsize=256)
def strokes(
    width: int, height: int, paths: tuple[tuple[tuple[float, float], ...], ...], colour: Colour, line_px: float
) -> Sprite:
    """Open lines with round ends, for icons and charts. Points are in pixels of the finished sprite."""
    mask = Image.new("L", (width * _OVER, height * _OVER), 0)
    draw = ImageDraw.Draw(mask)
    half = line_px * _OVER / 2
    for path in paths:
        points = [(x * _OVER, y * _OVER) for x, y in path]
        draw.line(points, fill=255, width=round(half * 2), joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - half, y - half, x + half, y + half), fill=255)
    return Sprite(colour, mask.reduce(_OVER))


def tick(size_px: int, colour: Colour = WHITE, line_px: float = 0.0) -> Sprite:
    """A check mark."""
    unit = size_px / 24
    path = ((5.5 * unit, 12.5 * unit), (10.2 * unit, 17.0 * unit), (18.5 * unit, 7.6 * unit))
    return strokes(size_px, size_px, (path,), colour, line_px or 2.6 * unit)


Part = tuple[Sprite, int, int]


def together(width: int, height: int, parts: Iterable[Part], *, shadow: bool = False, radius: int = 0) -> Sprite:
    """Flatten parts into one sprite; with ``shadow`` the look's one soft shadow lies around its rounded outline."""
    margin = _SHADOW_PX if shadow else 0
    canvas = Image.new("RGBA", (width + 2 * margin, height + 2 * margin), (0, 0, 0, 0))
    if shadow:
        soft = Image.new("L", canvas.size, 0)
        ImageDraw.Draw(soft).rounded_rectangle(
            (margin, margin + 6, margin + width, margin + 6 + height), radius, fill=76
        )
        canvas.putalpha(soft.filter(ImageFilter.GaussianBlur(9)))
    for sprite, x, y in parts:
        layer = Image.new("RGBA", canvas.size, (0, 0, 0, 0))
        solid = sprite.fill if isinstance(sprite.fill, Image.Image) else Image.new("RGB", sprite.mask.size, sprite.fill)
        picture = solid.convert("RGBA")
        picture.putalpha(sprite.mask)
        layer.paste(picture, (x - sprite.origin[0] + margin, y - sprite.origin[1] + margin))
        canvas.alpha_composite(layer)
    return Sprite(canvas.convert("RGB"), canvas.getchannel("A"), (margin, margin))


@lru_cache(maxsize=256)
def badge(words: str, size_px: int, colour: Colour, tint: Colour) -> Sprite:
    """A short word on a tinted ground: a state or a category."""
    width, height = text_width(words, size_px) + size_px, round(size_px * 1.7)
    parts: Sequence[Part] = (
        (rounded(width, height, height // 2, tint), 0, 0),
        (text(words, size_px, colour, 1), size_px // 2, round(height / 2 - size_px * 0.63)),
    )
    return together(width, height, parts)


@lru_cache(maxsize=256)
def initial(letter: str, diameter: int, colour: Colour, tint: Colour, *, square: bool = False) -> Sprite:
    """A person's or company's first letter on a disc or a soft square."""
    size_px = round(diameter * 0.5)
    base = rounded(diameter, diameter, diameter // 4 if square else diameter // 2, tint)
    x = (diameter - text_width(letter, size_px)) // 2
    return together(
        diameter, diameter, ((base, 0, 0), (text(letter, size_px, colour, 1), x, round(diameter / 2 - size_px * 0.63)))
    )
