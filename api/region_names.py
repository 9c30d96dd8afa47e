"""Countries and provinces in a reader's words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from babel import Locale

TEXTS = Path(__file__).parent / "texts" / "regions.toml"


def region_name(region: str, language: str) -> str:
    """A country (ISO 3166-1) as CLDR calls it, or a province of China; what is neither stays as it is."""
    is_chinese = language.startswith("zh")
    if region in _provinces():
        return _provinces()[region]["zh" if is_chinese else "en"]
    return str(Locale.parse("zh_Hans_CN" if is_chinese else "en").territories.get(region, region))


def region_names(regions: Iterable[str], language: str) -> str:
    """Several of them, in their order."""
    return ("、" if language.startswith("zh") else ", ").join(region_name(one, language) for one in regions)


@cache
def _provinces() -> dict[str, dict[str, str]]:
    return tomllib.loads(TEXTS.read_text("utf-8"))
