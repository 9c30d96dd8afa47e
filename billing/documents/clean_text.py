"""What text may stand on a document, whatever a person typed into a form.

Names and remarks come from other people. XML 1.0 §2.2 forbids most control characters, and bidirectional
overrides let one text read as another on paper; both are taken out once, where a document is made, so that the
XML and the paper always say the same thing.
"""

from __future__ import annotations

import re
import unicodedata

from kernel.errors import Invalid

_SPACES = {"\t": " ", "\r": "", "\x0b": " ", "\x0c": " ", "\u2028": "\n", "\u2029": "\n"}
_JOINED = "\u0600-\u109f\u1780-\u18af"
_STRAY_JOINER = re.compile(f"(?<![{_JOINED}])[\u200c\u200d]+|[\u200c\u200d]+(?![{_JOINED}])")
"""Joiners change letters of Arabic, Indian and like scripts (Unicode §23.2), as in the Sinhala for Sri; elsewhere they hide."""
_DROPPED_CATEGORIES = frozenset({"Cc", "Cs", "Cf"})


def clean_text(text: str, *, field: str, limit: int) -> str:
    """Return `text` in NFC without control, surrogate, formatting or non-characters, trimmed.

    A line feed is kept; a tab becomes a space. `limit` is in characters, counted after cleaning.

    Raises:
        Invalid: `document_text_too_long`.
    """
    kept = [_SPACES.get(char, char) for char in unicodedata.normalize("NFC", text) if _may_stand(char)]
    cleaned = _STRAY_JOINER.sub("", "".join(kept)).strip()
    if len(cleaned) > limit:
        raise Invalid("document_text_too_long", field=field, limit=limit)
    return cleaned


def _may_stand(char: str) -> bool:
    if char == "\n" or char in _SPACES or char in "\u200c\u200d":
        return True
    # The last two code points of every plane are non-characters (Unicode §23.7); so is U+FDD0–FDEF.
    if ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
        return False
    return unicodedata.category(char) not in _DROPPED_CATEGORIES
