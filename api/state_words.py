"""States and reasons in the reader's language, for refusals: the words that pages have for them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from api.language import Language

PAGES = Path(__file__).parent / "pages"
NOWHERE = "–"
"""What only begins comes from no state."""
_WORDS_OF = {"listing_version": "listing", "purchase": "order", "incident": "incident_state"}
"""Machines whose states have the words of another kind."""


def with_states(code: str, params: Mapping[str, Any], language: str) -> dict[str, Any]:
    """An error's parameters, its states by their words: of the machine that refused, or of what the code begins with.

    Why an address is not called is said by its words, too.
    """
    machine = str(params.get("machine", "")).rpartition(".")[2]
    kinds = {"state": code.partition("_")[0], **dict.fromkeys(("source", "target") if machine else (), machine)}
    if code.endswith("_url_refused"):
        kinds["reason"] = "code"
    words = _words("zh-CN" if language.startswith("zh") else "en")
    return {
        name: _word(words, _WORDS_OF.get(kinds[name], kinds[name]), str(value)) if name in kinds else value
        for name, value in params.items()
    }


def _word(words: Mapping[str, Mapping[str, str]], kind: str, state: str) -> str:
    """A code that a value completes is said as pages say it (`word.code_with`): of an address, the network it lies in."""
    known = words.get(kind, {}).get(state)
    if known is None and kind == "code" and state.startswith("address_"):
        known = words["code_with"]["address"]
    return known or state.replace("_", " ") or NOWHERE


@cache
def _words(language: Language) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in sorted(PAGES.glob(f"*/texts/{language}/*.toml")):
        for kind, words in tomllib.loads(path.read_text("utf-8")).get("word", {}).items():
            found.setdefault(kind, {}).update(words)
    return found
