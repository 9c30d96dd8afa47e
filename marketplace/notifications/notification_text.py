"""The words of a notification, in its reader's language: for the page, the API and the mail alike."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from babel import Locale

from kernel.money import Money
from kernel.text import plain_text
from kernel.written_amounts import write_amount

Params = Mapping[str, str | int]
"""Texts by name; an amount is `amount_minor` with its `currency`. What has an English name too stands beside as `x_en`."""
DEFAULT_LOCALE = "zh-CN"


@dataclass(frozen=True, slots=True)
class NotificationText:
    """What happened, what it means for the reader, and what the way to act on it is called."""

    title: str
    text: str
    action: str


def notification_text(kind: str, params: Params, locale: str) -> NotificationText:
    """The words of a kind, filled in. Names are one line each, and are never read as a pattern."""
    found = _texts(locale)[kind]
    filled = _filled(params, locale)
    return NotificationText(*(found[part].format_map(filled) for part in ("title", "text", "action")))


def _filled(params: Params, locale: str) -> dict[str, str]:
    filled = {}
    for name, value in params.items():
        english = params.get(f"{name}_en")
        filled[name] = plain_text(str((english or value) if locale == "en" else (value or english or "")))
    if "amount_minor" in params:
        amount = Money(int(params["amount_minor"]), str(params["currency"]))
        filled["amount"] = write_amount(amount, Locale.parse(_known(locale), sep="-"))
    return filled


def _known(locale: str) -> str:
    return locale if locale in ("zh-CN", "en") else DEFAULT_LOCALE


@cache
def _texts(locale: str) -> dict[str, dict[str, str]]:
    place = resources.files(__package__) / "texts" / f"{_known(locale)}.toml"
    loaded: dict[str, Any] = tomllib.loads(place.read_text("utf-8"))
    return loaded
