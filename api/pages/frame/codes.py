"""What rows keep as a code, in words: reasons and failures of gateways, connectors and the loop."""

from __future__ import annotations

import re

from api.language import Language
from api.pages.frame.translations import translations
from fulfillment.connectors.messages import split_reason

_CODE = re.compile(r"[a-z0-9]+(?:[_.][a-z0-9]+)+")
"""What nobody writes as a sentence. A single small word may be either; it counts as a code where it has words here."""


def is_code(value: str) -> bool:
    """Whether a recorded reason is a code rather than what somebody wrote."""
    return bool(_CODE.fullmatch(value)) or f"word.code.{value}" in translations("en").texts


def in_words(language: Language, value: str) -> str:
    """A recorded reason as a person reads it. Gateways have more codes than anybody lists: of those it says that much.

    What somebody wrote stays as it is; of a text that is kept in both languages, the reader's.
    """
    if not is_code(value):
        chinese, english = split_reason(value)
        return chinese if language == "zh-CN" else english
    texts = translations(language).texts
    known = texts.get(f"word.code.{value}")
    if known is not None:
        return known
    prefix, _, rest = value.partition("_")
    pattern = texts.get(f"word.code_with.{prefix}")
    if pattern is None:
        return texts["word.code.other"]
    return pattern.format(value=texts.get(f"word.code.{rest}", rest.replace("_", " ")))
