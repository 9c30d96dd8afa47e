"""What a price is for, in the words of the pages, and amounts as people type them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from api.pages.frame.typed_numbers import plain
from kernel.money import exponent, to_decimal

_AMOUNT = re.compile(r"\d{1,13}(\.\d{1,4})?", re.ASCII)
_MOST_MINOR = 10**12
_PER: dict[str, Per] = {
    "seat/month": "seat_month",
    "seat/year": "seat_year",
    "seat/quarter": "seat_quarter",
    "month": "month",
    "quarter": "quarter",
    "usage": "usage",
    "year": "year",
    "once": "once",
    "first_term": "first_term",
}

_FROM: dict[str, Per] = {"month": "from_month", "quarter": "from_quarter", "year": "from_year"}


def per_of(price_unit: str, pricing: str = "") -> Per:
    """What a plan's price is for. Of several components (`mixed`) it is the least that one pays: from_month."""
    return _FROM[price_unit] if pricing == "mixed" else _PER[price_unit]


def term_key(term_months: int) -> str:
    """The key under `term.` of how long a plan runs: `month`, `quarter`, `year`, `months`, or `once` for what is bought once."""
    return {0: "once", 1: "month", 3: "quarter", 12: "year"}.get(term_months, "months")


def amount_as_typed(amount_minor: int, currency: str) -> str:
    """An amount as it stands in a field in which it may be changed: 1990.50."""
    return f"{to_decimal(amount_minor, currency):f}"


def parse_amount(written: str, currency: str) -> int | None:
    """An amount as people write it, ¥1,990.50, in minor units of a known currency; None for what is none."""
    figure = plain(written).lstrip("¥$€£").replace(",", "").strip()
    if not _AMOUNT.fullmatch(figure):
        return None
    scaled = Decimal(figure).scaleb(exponent(currency))
    return int(scaled) if scaled == scaled.to_integral_value() and scaled <= _MOST_MINOR else None


Per = Literal[
    "seat_month",
    "seat_quarter",
    "seat_year",
    "month",
    "quarter",
    "year",
    "once",
    "first_term",
    "usage",
    "from_month",
    "from_quarter",
    "from_year",
]
