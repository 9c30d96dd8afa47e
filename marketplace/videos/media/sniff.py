"""What the bytes of a file are, whatever its name says.

Only two container families are ever handed to a demuxer: ISO base media (ISO/IEC 14496-12: MP4, MOV) and
Matroska/WebM (RFC 8794, RFC 9559). Formats which pull in other files or addresses (playlists, concat scripts)
therefore never reach one. Nothing here decodes; reads are a few bytes per box.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

Family = Literal["isobmff", "matroska"]

_HEAD_BYTES = 4096
#: Types at file level (ISO/IEC 14496-12 table 1, QuickTime); a maker's own type may occur but then it must fit.
_TOP_LEVEL_BOXES = frozenset(
    b"ftyp moov mdat free skip wide pnot moof mfra sidx ssix styp uuid meta pdin prft emsg udta".split()
)
_MAX_TOP_LEVEL_BOXES = 100_000
_MAX_PADDING_BYTES = 1 << 20
_STILL_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"msf1": "heic"}
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ")
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (8, b"AVI ", "avi"),
    (8, b"WAVE", "wav"),
    (0, b"BM", "bmp"),
    (0, b"%PDF", "pdf"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!", "rar"),
    (0, b"MZ", "windows-program"),
    (0, b"\x7fELF", "program"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"FLV\x01", "flv"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wmv"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x00\x00\x01\xb3", "mpeg"),
    (0, b"#EXTM3U", "playlist"),
    (0, b"ffconcat", "playlist"),
    (0, b"{", "json"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<script", b"<body", b"<svg", b"<?xml", b"<!--", b"<?php")

#: Containers that are video but which browsers do not play.
FOREIGN_VIDEO = frozenset({"avi", "mkv", "flv", "wmv", "mpeg", "mpegts", "ogg"})
#: What a file name's ending promises about the container.
PROMISED: dict[str, str] = {"mp4": "mp4", "m4v": "mp4", "mov": "mov", "qt": "mov", "webm": "webm"}
_FAMILIES: dict[str, Family] = {"mp4": "isobmff", "mov": "isobmff", "webm": "matroska"}


@dataclass(frozen=True, slots=True)
class Sniffed:
    """What the first bytes and the top-level structure say.

    ``detected`` is a short stable word (``mp4``, ``mov``, ``webm``, ``png``, ``html``, ``unknown`` …). ``family`` is
    set only for what may go to a demuxer. ``complete`` is False when a declared box or segment reaches beyond the
    end of the file; ``clean_tail`` is False when bytes of no box follow the last one (an appended archive, page or
    script). ``faststart`` says that a player can begin after reading the beginning alone.
    """

    detected: str
    family: Family | None = None
    complete: bool = True
    clean_tail: bool = True
    faststart: bool = False


def sniff(path: Path) -> Sniffed:
    """Look at a local file's structure.

    Raises:
        OSError: the file cannot be read.
    """
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        if head[4:8] == b"ftyp" or head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _sniff_isobmff(stream, head, size_bytes)
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return _sniff_matroska(head, size_bytes)
    return Sniffed(detected=_foreign(head))


def _foreign(head: bytes) -> str:
    for offset, magic, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower()
    if text.startswith(_MARKUP):
        return "xml" if text.startswith((b"<?xml", b"<svg")) else "html"
    if len(head) > 376 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    return "unknown"


def _sniff_isobmff(stream: BinaryIO, head: bytes, size_bytes: int) -> Sniffed:
    brand = head[8:12] if head[4:8] == b"ftyp" else b"qt  "
    if brand in _STILL_BRANDS:
        return Sniffed(detected=_STILL_BRANDS[brand])
    if brand in _AUDIO_BRANDS:
        detected = "m4a"
    else:
        detected = "mov" if brand == b"qt  " else "mp4"
    offset, order, complete, clean_tail = 0, [], True, True
    for _ in range(_MAX_TOP_LEVEL_BOXES):
        if offset >= size_bytes:
            break
        stream.seek(offset)
        kind, length = _box(stream.read(16), size_bytes - offset)
        if kind is None:
            clean_tail = _only_zeros(stream, offset)
            break
        order.append(kind)
        if length > size_bytes - offset:
            complete, clean_tail = (False, True) if kind in _TOP_LEVEL_BOXES else (True, False)
            break
        offset += length
    if b"moov" not in order and clean_tail:
        complete = False
    faststart = b"moov" in order and (b"mdat" not in order or order.index(b"moov") < order.index(b"mdat"))
    return Sniffed(detected, "isobmff", complete, clean_tail, faststart)


def _only_zeros(stream: BinaryIO, offset: int) -> bool:
    """Some recorders and downloaders pad the end with zeros, which nothing can hide in."""
    stream.seek(offset)
    return not any(stream.read(_MAX_PADDING_BYTES)) and not stream.read(1)


def _box(header: bytes, left_bytes: int) -> tuple[bytes | None, int]:
    """Type and length of the box that starts here; type None when this is no box (ISO/IEC 14496-12 § 4.2)."""
    if len(header) < 8:
        return None, 0
    length, kind = int.from_bytes(header[:4], "big"), header[4:8]
    if not all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind):
        return None, 0
    smallest = 8
    if length == 1:
        length, smallest = int.from_bytes(header[8:16], "big"), 16
    elif length == 0:
        return kind, left_bytes
    if length < smallest:
        return None, 0
    return kind, length


def _sniff_matroska(head: bytes, size_bytes: int) -> Sniffed:
    """EBML header, then one Segment; an unknown Segment length (live recordings) runs to the end (RFC 8794 § 6)."""
    stream = io.BytesIO(head)
    stream.seek(4)
    header_length = _ebml_length(stream)
    start = stream.tell()
    header = head[start : start + (header_length or 0)]
    detected = "webm" if b"webm" in header else "mkv"
    if detected != "webm":
        return Sniffed(detected)
    stream.seek(start + len(header))
    if stream.read(4) != b"\x18\x53\x80\x67":
        return Sniffed(detected, "matroska", complete=False)
    segment_length = _ebml_length(stream)
    if segment_length is None:
        return Sniffed(detected, "matroska", faststart=True)
    end = stream.tell() + segment_length
    return Sniffed(detected, "matroska", complete=end <= size_bytes, clean_tail=end >= size_bytes, faststart=True)


def _ebml_length(stream: BinaryIO) -> int | None:
    """Read a variable-length size; None when it is the reserved 'unknown' value or missing."""
    first = stream.read(1)
    if not first or first[0] == 0:
        return None
    extra = 8 - first[0].bit_length()
    rest = stream.read(extra)
    value = int.from_bytes(bytes([first[0] & ((1 << (7 - extra)) - 1)]) + rest, "big")
    return None if value == (1 << (7 * (extra + 1))) - 1 else value


def family_of(container: str | None) -> Family | None:
    """The family of a container that a name promises; None for none."""
    return _FAMILIES.get(container or "")


def promised_by(name: str) -> str | None:
    """The container that a file name promises, None for an ending that promises no video."""
    return PROMISED.get(Path(name).suffix.lower().removeprefix("."))
