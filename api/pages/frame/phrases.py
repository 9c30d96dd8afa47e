"""Words and figures that several desks share: bilingual names, prices with their unit, errors as one sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api.pages.frame.prices import per_of
from api.pages.frame.site import Visit
from api.pages.frame.translations import translations
from api.problems import sentence, texts
from kernel import clock
from kernel.errors import DomainError
from kernel.money import Money
from marketplace.placements.claim_checks import UNITS

_PRICE = re.compile(r"(-?\d+) ([A-Z]{3})/([a-z/]+)")


def money(minor: int, currency: str) -> Money:
    """From a column pair; the column pads its code."""
    return Money(minor, currency.strip())


def priced(visit: Visit, minor: int, currency: str, price_unit: str) -> str:
    """A price as it is said: ¥199 / seat / year."""
    return f"{visit.formats.price(money(minor, currency))} / {visit.t(f'per.{per_of(price_unit)}')}"


def seconds_since(at: datetime) -> int:
    """Whole seconds from `at` until now, never negative."""
    return max(0, int((clock.now() - at).total_seconds()))


def failure(visit: Visit, error: DomainError) -> str:
    """An error in one line: what happened, what is safe, what to do."""
    return blocked(visit, error.code, error.params)


def blocked(visit: Visit, code: str, params: Mapping[str, Any]) -> str:
    """An error code with its parameters in the visitor's words."""
    return _joined(visit, code, params, "what", "safe", "todo")


def reason(visit: Visit, code: str, params: Mapping[str, Any]) -> str:
    """Only what happened and what to do: where nothing was tried yet there is nothing to reassure about."""
    return _joined(visit, code, params, "what", "todo")


def is_known(code: str) -> bool:
    """Whether there is a text for this error code."""
    return code in texts()


def _joined(visit: Visit, code: str, params: Mapping[str, Any], *parts: str) -> str:
    said = {name: _in_words(visit, code, name, value) for name, value in params.items()}
    found = sentence(code, visit.language, said)
    return (" " if visit.language == "en" else "").join(found[part] for part in parts)


def _in_words(visit: Visit, code: str, name: str, value: object) -> object:
    """A parameter as a person reads it: prices with their sign, states and steps by their words."""
    if not isinstance(value, str):
        return value
    if name in {"said", "holds"} and (found := _PRICE.fullmatch(value)) and found[3] in UNITS:
        return priced(visit, int(found[1]), found[2], found[3])
    if name == "state":
        return translations(visit.language).word(code.partition("_")[0], value)
    if name == "missing":
        known = translations(visit.language).texts
        comma = ", " if visit.language == "en" else "、"
        return comma.join(known.get(f"onboarding.{step}", step) for step in value.split(", "))
    return value
