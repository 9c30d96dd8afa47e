"""Tax rates with the days on which they hold, in ppm. Sources stand beside each table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

FIRST: Final = date(2019, 4, 1)
"""From here on the tables below are complete (China's present VAT rates began on this day)."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`rate_ppm` from `since_on` (included) until `until_on` (excluded; None: no end is known)."""

    rate_ppm: int
    since_on: date
    until_on: date | None = None

    def holds(self, on: date) -> bool:
        """Whether the rate applies on this day."""
        return self.since_on <= on and (self.until_on is None or on < self.until_on)


CHINA_GENERAL: Final = {
    # 增值税法 (since 2026-01-01; before, its provisional regulations): modern services 6 %, software 13 %.
    "service": (Rate(60_000, FIRST),),
    "software": (Rate(130_000, FIRST),),
}

CHINA_SMALL_SCALE: Final = (
    # 财政部 税务总局公告2023年第19号: the levy rate of 3 % is reduced to 1 % until 2027-12-31.
    Rate(10_000, date(2023, 1, 1), date(2028, 1, 1)),
    Rate(30_000, FIRST, date(2023, 1, 1)),
    Rate(30_000, date(2028, 1, 1)),
)


def _constant(rate_ppm: int) -> tuple[Rate, ...]:
    return (Rate(rate_ppm, FIRST),)


def _changed(before_ppm: int, after_ppm: int, on: date) -> tuple[Rate, ...]:
    return (Rate(before_ppm, FIRST, on), Rate(after_ppm, on))


EU_STANDARD: Final = {
    # Standard rates under Directive 2006/112/EC art. 96–97, as the Commission's Taxes in Europe database lists them.
    "AT": _constant(200_000),
    "BE": _constant(210_000),
    "BG": _constant(200_000),
    "CY": _constant(190_000),
    "CZ": _constant(210_000),
    "DE": _constant(190_000),
    "DK": _constant(250_000),
    "EE": _changed(220_000, 240_000, date(2025, 7, 1)),
    "ES": _constant(210_000),
    "FI": _changed(240_000, 255_000, date(2024, 9, 1)),
    "FR": _constant(200_000),
    "GR": _constant(240_000),
    "HR": _constant(250_000),
    "HU": _constant(270_000),
    "IE": _constant(230_000),
    "IT": _constant(220_000),
    "LT": _constant(210_000),
    "LU": _changed(160_000, 170_000, date(2024, 1, 1)),
    "LV": _constant(210_000),
    "MT": _constant(180_000),
    "NL": _constant(210_000),
    "PL": _constant(230_000),
    "PT": _constant(230_000),
    "RO": _changed(190_000, 210_000, date(2025, 8, 1)),
    "SE": _constant(250_000),
    "SI": _constant(220_000),
    "SK": _changed(200_000, 230_000, date(2025, 1, 1)),
}


def rate_on(rates: tuple[Rate, ...], on: date) -> int | None:
    """The rate that holds on this day, or None when the table knows none."""
    return next((rate.rate_ppm for rate in rates if rate.holds(on)), None)
