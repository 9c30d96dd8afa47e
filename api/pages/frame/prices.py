"""What a price is for, in the words of the pages."""

from __future__ import annotations

from typing import Literal

_PER: dict[str, Per] = {
    "seat/month": "seat_month",
    "seat/year": "seat_year",
    "month": "month",
    "year": "year",
    "once": "once",
}


def per_of(price_unit: str) -> Per:
    """The key under `per.` of a plan's price unit."""
    return _PER[price_unit]


def term_key(term_months: int) -> str:
    """The key under `term.` of how long a plan runs: `month`, `year`, or `once` for what is bought once."""
    return {0: "once", 1: "month", 12: "year"}.get(term_months, "months")


Per = Literal["seat_month", "seat_year", "month", "year", "once"]
