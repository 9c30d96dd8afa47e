"""The typefaces for what Noto Sans CJK cannot draw: Noto Sans for Latin, Greek and Cyrillic, and one for each further script.

A script is drawn by one typeface throughout a document. So a name that holds one letter which Noto Sans CJK lacks moves all
Latin, Greek and Cyrillic letters, and the figures with them, to Noto Sans; without one the document has the one typeface.
Shaping is left whole in the cuts: Arabic joins, Devanagari forms its conjuncts.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

# The compiled module carries no types.
hb: Any = import_module("uharfbuzz")

_PACKAGE: Final = "manimgx_fonts"
_EUROPEAN: Final = "NotoSans[wght].ttf"
_FILES: Final = (
    _EUROPEAN,
    *(
        f"NotoSans{script}[wght].ttf"
        for script in (
            *("Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew"),
            *("Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai"),
            "Symbols",
        )
    ),
    "NotoEmoji[wght].ttf",
)
_OWN: Final = Path(__file__).parent / "typefaces"
"""For the scripts in use that no maintained package has (UAX #31 tables 5 and 7: Tibetan, Thaana and those of limited use), and
Mongolian, which companies of China are registered in; under the SIL Open Font License, `OFL.txt` beside them."""
_ASCII: Final = frozenset(map(chr, range(0x20, 0x7F)))
JOINERS: Final = frozenset("\u200c\u200d")
"""They have no shape and change that of their neighbours."""
_DOTTED_CIRCLE: Final = "\u25cc"
"""What a mark without a letter stands on."""
_KHMER_LEFT_PART: Final = "\u17c1"
"""Split vowels of Khmer have it on their left, which no decomposition of Unicode says."""
_DROPPED_TABLES: Final = tuple(int.from_bytes(tag, "big") for tag in (b"BASE", b"STAT", b"meta", b"DSIG"))
_LIGATURES: Final = tuple(int.from_bytes(tag, "big") for tag in (b"liga", b"clig", b"dlig"))
_EAST_ASIAN: Final = frozenset("WFA")
"""Widths (UAX 11) of what stands in Chinese text as wide as a character of it, quotation marks and dashes among them."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A typeface cut down to some characters."""

    characters: frozenset[str]
    font: bytes


def covered_characters() -> frozenset[str]:
    """Every character that one of these typefaces has."""
    return frozenset().union(*map(_covered, _names()))


def cuts_for(text: str, missing: frozenset[str]) -> list[Cut]:
    """The typefaces that draw `missing` characters of `text`, each with all of its script; same text, same bytes."""
    found = []
    left = set(missing)
    for name in _names():
        if not left & _covered(name):
            continue
        wanted = frozenset(left & _covered(name)) | (_european(text) if name == _EUROPEAN else frozenset())
        left -= wanted
        found.append(Cut(wanted, _cut(name, wanted)))
    return found


def _european(text: str) -> frozenset[str]:
    """What goes along with a letter that only Noto Sans has: letters and marks, figures, and what is narrow beside them."""
    return frozenset(
        char
        for char in _covered(_EUROPEAN) & {*text, *_ASCII}
        if unicodedata.category(char)[0] in "LM" or unicodedata.east_asian_width(char) not in _EAST_ASIAN
    )


def _cut(name: str, characters: frozenset[str]) -> bytes:
    face = _face(name)
    wanted = hb.SubsetInput()
    wanted.unicode_set.update(map(ord, _with_parts(characters) & _covered(name)))
    wanted.drop_table_tag_set.update(_DROPPED_TABLES)
    wanted.pin_all_axes_to_default(face)
    wanted.flags = hb.SubsetFlags.NO_HINTING
    # Letters that stand alone in the cut's character map can be searched for and copied; joined ones have none.
    wanted.layout_feature_tag_set.difference_update(hb.Set(_LIGATURES))
    return bytes(wanted.subset(face).blob.data)


def _with_parts(characters: frozenset[str]) -> set[str]:
    """The characters, what shaping takes them apart into, and what takes the typeface of its neighbours: spaces, joiners."""
    parts = {part for char in characters for part in unicodedata.normalize("NFKD", char)}
    return {*characters, *parts, *JOINERS, " ", _DOTTED_CIRCLE, _KHMER_LEFT_PART}


@cache
def _names() -> tuple[str, ...]:
    return *_FILES, *sorted(file.name for file in _OWN.glob("*.ttf"))


@cache
def _face(name: str) -> Any:
    # Mapped into memory once a process, when a document first needs it.
    own = _OWN.joinpath(name)
    return hb.Face(hb.Blob.from_file_path(str(own if own.exists() else files(_PACKAGE) / name)))


@cache
def _covered(name: str) -> frozenset[str]:
    return frozenset(chr(code) for code in _face(name).unicodes if code >= 0x20)
