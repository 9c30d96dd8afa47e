"""The words of the pages: TOML files per language, looked up by a dotted key.

A key that does not exist is an error at once (tests render every page in every language); a parameter is put in by
name, and a count picks the plural form of the language by the CLDR rules.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel import Locale

from api.language import Language

PAGES = Path(__file__).parents[1]


def flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    """Turn nested tables into dotted keys. Raises ``TypeError`` for a value that is neither text nor table."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, str):
            found[prefix + key] = value
        elif isinstance(value, dict):
            found.update(flatten(value, f"{prefix}{key}."))
        else:
            raise TypeError(f"text {prefix + key} is not a string")
    return found


@dataclass(frozen=True, slots=True)
class Translations:
    """All texts of one language."""

    language: Language
    locale: Locale
    texts: Mapping[str, str]

    def text(self, key: str, /, **params: object) -> str:
        """The text under ``key`` with ``params`` filled in. Raises ``KeyError`` for an unknown key or parameter."""
        return self.texts[key].format(**params) if params else self.texts[key]

    def count(self, key: str, n: int, /, **params: object) -> str:
        """The text under ``key`` in the plural form for ``n`` (``key.one``, ``key.other``)."""
        form = self.locale.plural_form(n)
        return self.text(f"{key}.{form}", n=n, **params)

    def word(self, kind: str, value: str) -> str:
        """The word for a state or kind; one that has no text yet shows as it is rather than breaking the page."""
        return self.texts.get(f"word.{kind}.{value}", value.replace("_", " "))

    def under(self, prefix: str) -> dict[str, str]:
        """All texts below ``prefix`` without it; the modules in the browser get theirs this way."""
        return {key.removeprefix(prefix): text for key, text in self.texts.items() if key.startswith(prefix)}


@cache
def translations(language: Language) -> Translations:
    """Read one language. Raises ``ValueError`` when two files define the same key."""
    texts: dict[str, str] = {}
    for path in sorted(PAGES.glob(f"*/texts/{language}/*.toml")):
        part = flatten(tomllib.loads(path.read_text("utf-8")))
        if twice := texts.keys() & part.keys():
            raise ValueError(f"{path.name} defines again: {sorted(twice)}")
        texts.update(part)
    return Translations(language, Locale.parse(language, sep="-"), texts)
