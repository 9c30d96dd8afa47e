"""What the files of many documents are called beside each other."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

_ISSUER_BYTES = 150
"""Of 255 that file systems allow, so that number, id and ending fit beside it."""
_UNSAFE = re.compile(r'[<>:"/\\|?*\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]+')
"""What a file system refuses, what is not seen, and what turns the direction of the rest of the name."""


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """What a document's name is made of."""

    id: UUID
    number: str
    issuer: str


def file_stems(documents: Sequence[NamedDocument]) -> list[str]:
    """A name without ending for each document, in their order: the issuer and its number.

    Numbers are unique only within one issuer, and two issuers may have one name; where names would be the same file for
    any file system (letters' case and composition aside), each takes its document's id as well. Pure.
    """
    stems = [f"{_safe(document.issuer)} {_safe(document.number)}".strip() for document in documents]
    times = Counter(map(_folded, stems))
    return [
        f"{stem} {document.id}" if times[_folded(stem)] > 1 else stem
        for stem, document in zip(stems, documents, strict=True)
    ]


def _safe(text: str) -> str:
    seen = _UNSAFE.sub(" ", unicodedata.normalize("NFC", text)).encode()[:_ISSUER_BYTES].decode(errors="ignore")
    return seen.strip(" .")


def _folded(stem: str) -> str:
    return unicodedata.normalize("NFC", stem.casefold())
