"""The one typeface on paper: Noto Sans CJK, cut down to the characters of the document.

WeasyPrint subsets a 16 MB CJK font quickly only where a system library happens to be installed, and takes seconds a
page elsewhere. Cutting it first with HarfBuzz from its wheel takes milliseconds everywhere and leaves WeasyPrint 20 kB
to look at. It also settles which characters can be drawn at all: one that the font lacks is written out as `[U+1F600]`,
so that no name ever turns into an empty box.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, Final

# The compiled module carries no types.
hb: Any = import_module("uharfbuzz")

_PACKAGE: Final = "cvttf_NotoSansCJK_Regular"
_FILE: Final = "NotoSansCJKtc-Regular.otf"
_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))
# `locl` turns shared code points into their mainland forms for text marked zh-CN; `kern` spaces Latin names.
_LAYOUT_FEATURES: Final = ("locl", "kern")
# The charset must be the identity: a PDF viewer reads the codes of a page as CIDs, not as glyph numbers.
_FLAGS: Final = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.DESUBROUTINIZE | hb.SubsetFlags.CFF_IDENTITY_CHARSET


@cache
def _face() -> Any:
    # Mapped into memory once a process: opening takes milliseconds, pages are read as glyphs are needed.
    return hb.Face(hb.Blob.from_file_path(str(files(_PACKAGE) / _FILE)))


@cache
def _covered() -> frozenset[str]:
    return frozenset(chr(code) for code in _face().unicodes)


def drawable(text: str) -> str:
    """Replace every character that the font cannot draw by its code point in brackets; line feeds stay."""
    missing = set(text) - _covered() - {"\n"}
    if not missing:
        return text
    return text.translate({ord(char): f"[U+{ord(char):04X}]" for char in missing})


def subset_font(text: str) -> bytes:
    """An OpenType font with the glyphs of `text` in their mainland Chinese forms; same characters, same bytes.

    Printable ASCII is always in it: page numbers and what a style sheet changes are in no text.
    """
    plan = hb.SubsetInput()
    plan.sets(hb.SubsetInputSets.UNICODE).update(ord(char) for char in {*text, *_ASCII})
    features = plan.sets(hb.SubsetInputSets.LAYOUT_FEATURE_TAG)
    features.clear()
    features.update(int.from_bytes(tag.encode("ascii"), "big") for tag in _LAYOUT_FEATURES)
    plan.flags = _FLAGS
    return bytes(hb.subset(_face(), plan).blob.data)
