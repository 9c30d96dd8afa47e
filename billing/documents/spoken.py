"""Which words of a paper are of its other language, so that a screen reader says each as it is written. Pure.

Papers of this market are in Chinese, English or both, and what they name comes in both. What is certain is marked: Chinese
characters on an English paper, unless the text is Japanese or Korean; words of English letters on a Chinese one. Codes and
numbers are read in either, and a word with a letter that English has not is of a language that nobody knows here.
"""

from __future__ import annotations

import re
from typing import Final

from markupsafe import Markup, escape

from billing.documents.model import Language

_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CHINESE: Final = re.compile(f"[{_HAN}][{_HAN}\u3000-\u303f\uff00-\uffef]*")
"""With the punctuation that is as wide as a character."""
_KANA_OR_HANGUL: Final = re.compile("[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af]")
_ENGLISH: Final = re.compile(r"[A-Za-z][A-Za-z0-9'’.,;:&()/+%-]*(?: +[A-Za-z0-9'’.,;:&()/+%-]+)*")
"""From the first letter on, words and the figures and signs between them, on one line."""
_WORD: Final = re.compile("[A-Za-z][a-z]")
_OTHER_LATIN: Final = re.compile("[\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u1e00-\u1eff]")


def spoken(text: str, language: Language) -> Markup:
    """The text as safe markup, words of the other language than the paper's within a span that says so."""
    if language is Language.EN:
        certain = not _KANA_OR_HANGUL.search(text)
        return _marked(text, _CHINESE, "zh-CN") if certain else escape(text)
    return escape(text) if _OTHER_LATIN.search(text) else _marked(text, _ENGLISH, "en")


def _marked(text: str, runs: re.Pattern[str], language: str) -> Markup:
    parts, end = [], 0
    for run in runs.finditer(text):
        if language == "en" and not _WORD.search(run[0]):
            continue
        parts += [escape(text[end : run.start()]), Markup('<span lang="{}">{}</span>').format(language, run[0])]
        end = run.end()
    return Markup("").join([*parts, escape(text[end:])])
