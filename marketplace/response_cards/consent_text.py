"""The words under which somebody answers a card: the version in force, in both languages."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Final

CARD_CONSENT_VERSION: Final = "2026-12"


def card_consent_text(locale: str, owner: str, title: str, days: int) -> str:
    """The consent in force as it is shown, in Chinese for any language but English."""
    words = _texts()["en" if locale == "en" else "zh-CN"]
    # One after another: a title that reads like a place is no place.
    parts = {"{owner}": owner, "{title}": title, "{days}": str(days)}
    said = words
    for place, value in reversed(parts.items()):
        before, _, after = said.partition(place)
        said = f"{before}{value}{after}"
    return said


@cache
def _texts() -> dict[str, str]:
    file = resources.files(__package__) / "consents" / f"{CARD_CONSENT_VERSION}.toml"
    return tomllib.loads(file.read_text("utf-8"))
