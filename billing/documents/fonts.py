"""The typefaces on paper, cut down to the characters of the document: Noto Sans CJK, and Noto Sans where that falls short.

WeasyPrint subsets a 16 MB CJK font quickly only where a system library happens to be installed, and takes seconds a
page elsewhere. Cutting it first with HarfBuzz from its wheel takes milliseconds everywhere and leaves WeasyPrint 20 kB
to look at. It also settles which characters can be drawn at all: one that no typeface has is written out as `[U+1F600]`,
so that no name ever turns into an empty box. What Noto Sans CJK lacks is drawn by those of `other_scripts`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, Final

from billing.documents.other_scripts import JOINERS, covered_characters, cuts_for

# The compiled module carries no types.
hb: Any = import_module("uharfbuzz")

FAMILY: Final = "Document"
_PACKAGE: Final = "cvttf_NotoSansCJK_Regular"
_FILE: Final = "NotoSansCJKtc-Regular.otf"
_ASCII: Final = "".join(map(chr, range(0x20, 0x7F)))
_KERN: Final = int.from_bytes(b"kern", "big")
_DROPPED_TABLES: Final = tuple(int.from_bytes(tag, "big") for tag in (b"GSUB", b"BASE", b"VORG", b"vhea", b"vmtx"))
# The charset must be the identity: a PDF viewer reads the codes of a page as CIDs, not as glyph numbers.
_FLAGS: Final = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.DESUBROUTINIZE | hb.SubsetFlags.CFF_IDENTITY_CHARSET


@cache
def _face() -> Any:
    # Mapped into memory once a process: opening takes milliseconds, pages are read as glyphs are needed.
    return hb.Face(hb.Blob.from_file_path(str(files(_PACKAGE) / _FILE)))


@cache
def _covered() -> frozenset[str]:
    # The font draws control characters as spaces; a space that reads back as a line feed would spoil copied text.
    return frozenset(chr(code) for code in _face().unicodes if code >= 0x20)


def substitute_glyphs(text: str) -> str:
    """Replace every character that no typeface can draw by its code point in brackets; line feeds stay."""
    missing = _missing(text) - (covered_characters() if _missing(text) else frozenset())
    if not missing:
        return text
    return text.translate({ord(char): f"[U+{ord(char):04X}]" for char in missing})


@dataclass(frozen=True, slots=True)
class Typeface:
    """One cut of a document: its family, media type and bytes."""

    family: str
    media_type: str
    font: bytes


def typefaces(text: str) -> list[Typeface]:
    """What draws `text`, after `substitute_glyphs`: no two of them have a character but the space in
    common, which takes the typeface of its neighbours; same text, same bytes.
    """
    missing = _missing(text)
    others = cuts_for(text, missing) if missing else []
    moved = frozenset().union(*(cut.characters for cut in others))
    # The families are named by their order: WeasyPrint tells fonts apart by their names.
    faces = [Typeface(f"{FAMILY} {index}", "font/ttf", cut.font) for index, cut in enumerate(others, 1)]
    if ({*text, *_ASCII} & _covered()) - moved:
        faces.insert(0, Typeface(FAMILY, "font/otf", subset_font(text, without=moved)))
    return faces


def _missing(text: str) -> frozenset[str]:
    return frozenset(text) - _covered() - JOINERS - {"\n"}


def subset_font(text: str, *, without: frozenset[str] = frozenset()) -> bytes:
    """An OpenType font with the glyphs of `text` in their mainland Chinese forms; same characters, same bytes.

    The font is embedded as it is made here: WeasyPrint is result not to cut it again, since how it does so depends on the
    libraries of the machine. So each character leads to its mainland glyph directly, and no substitution table is left
    that could lead elsewhere. Printable ASCII is in it but for what is drawn `without` it: page numbers and
    what a style sheet changes are in no text.
    """
    chosen = _mainland_glyphs("".join(sorted(({*text, *_ASCII} & _covered()) - without | {" "})))
    wanted = hb.SubsetInput()
    wanted.sets(hb.SubsetInputSets.GLYPH_INDEX).update(chosen.values())
    wanted.sets(hb.SubsetInputSets.DROP_TABLE_TAG).update(_DROPPED_TABLES)
    features = wanted.sets(hb.SubsetInputSets.LAYOUT_FEATURE_TAG)
    features.clear()
    features.add(_KERN)
    wanted.flags = _FLAGS
    plan = hb.SubsetPlan(_face(), wanted)
    renumbered = plan.old_to_new_glyph_mapping
    cmap = _character_map({ord(char): renumbered[glyph] for char, glyph in chosen.items()})
    return _with_table(bytes(plan.execute().blob.data), b"cmap", cmap)


def _mainland_glyphs(characters: str) -> dict[str, int]:
    """The glyph of each character as text marked zh-Hans shapes it (feature `locl`)."""
    buffer = hb.Buffer()
    buffer.add_str(characters)
    buffer.direction, buffer.script, buffer.language = "ltr", "Hani", "zh-Hans"
    buffer.cluster_level = hb.BufferClusterLevel.CHARACTERS
    hb.shape(hb.Font(_face()), buffer, dict.fromkeys(("kern", "liga", "ccmp", "calt", "clig", "rlig", "mark"), False))
    return {characters[info.cluster]: info.codepoint for info in reversed(buffer.glyph_infos)}


def _character_map(glyphs: dict[int, int]) -> bytes:
    """An OpenType `cmap` table of one subtable: format 12 for Windows and full Unicode."""
    groups = b"".join(struct.pack(">III", code, code, glyph) for code, glyph in sorted(glyphs.items()))
    subtable = struct.pack(">HHIII", 12, 0, 16 + len(groups), 0, len(glyphs)) + groups
    return struct.pack(">HHHHI", 0, 1, 3, 10, 12) + subtable


def _with_table(font: bytes, tag: bytes, content: bytes) -> bytes:
    """The same OpenType file with one table replaced: the directory of 16-byte records, then tables on 4-byte bounds."""
    count = struct.unpack_from(">H", font, 4)[0]
    tables: dict[bytes, bytes] = {}
    for record in range(count):
        name, _, offset, length = struct.unpack_from(">4sIII", font, 12 + 16 * record)
        tables[name] = font[offset : offset + length]
    tables[tag] = content
    directory, body, offset = b"", b"", 12 + 16 * count
    for name, table in sorted(tables.items()):
        padded = table + bytes(-len(table) % 4)
        checksum = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sIII", name, checksum, offset + len(body), len(table))
        body += padded
    return font[:12] + directory + body
