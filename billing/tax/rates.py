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
    since_on: date = FIRST
    until_on: date | None = None

    def holds(self, on: date) -> bool:
        """Whether the rate applies on this day."""
        return self.since_on <= on and (self.until_on is None or on < self.until_on)


CHINA_GENERAL: Final = {
    # 增值税法 (since 2026-01-01; before, its provisional regulations): modern services 6 %, software 13 %.
    "service": (Rate(60_000),),
    "software": (Rate(130_000),),
}

CHINA_SMALL_SCALE: Final = (
    # 财政部 税务总局公告2023年第19号: the levy rate of 3 % is reduced to 1 % until 2027-12-31.
    Rate(10_000, date(2023, 1, 1), date(2028, 1, 1)),
    Rate(30_000, until_on=date(2023, 1, 1)),
    Rate(30_000, date(2028, 1, 1)),
)

VAT_AREA: Final = {"MC": "FR"}
"""Countries that are another's territory for VAT (Directive 2006/112/EC art. 7: Monaco is France's; the Isle of Man is that of
a country outside the union)."""

EU_STANDARD: Final = {
    # Standard rates under Directive 2006/112/EC art. 96–97, as the Commission's Taxes in Europe database lists them.
    "AT": (Rate(200_000),),
    "BE": (Rate(210_000),),
    "BG": (Rate(200_000),),
    "CY": (Rate(190_000),),
    "CZ": (Rate(210_000),),
    "DE": (Rate(190_000),),
    "DK": (Rate(250_000),),
    "EE": (Rate(220_000, until_on=date(2025, 7, 1)), Rate(240_000, date(2025, 7, 1))),
    "ES": (Rate(210_000),),
    "FI": (Rate(240_000, until_on=date(2024, 9, 1)), Rate(255_000, date(2024, 9, 1))),
    "FR": (Rate(200_000),),
    "GR": (Rate(240_000),),
    "HR": (Rate(250_000),),
    "HU": (Rate(270_000),),
    "IE": (Rate(230_000),),
    "IT": (Rate(220_000),),
    "LT": (Rate(210_000),),
    "LU": (Rate(160_000, until_on=date(2024, 1, 1)), Rate(170_000, date(2024, 1, 1))),
    "LV": (Rate(210_000),),
    "MT": (Rate(180_000),),
    "NL": (Rate(210_000),),
    "PL": (Rate(230_000),),
    "PT": (Rate(230_000),),
    "RO": (Rate(190_000, until_on=date(2025, 8, 1)), Rate(210_000, date(2025, 8, 1))),
    "SE": (Rate(250_000),),
    "SI": (Rate(220_000),),
    "SK": (Rate(200_000, until_on=date(2025, 1, 1)), Rate(230_000, date(2025, 1, 1))),
}


def rate_on(rates: tuple[Rate, ...], on: date) -> int | None:
    """The rate that holds on this day, or None when the table knows none."""
    return next((rate.rate_ppm for rate in rates if rate.holds(on)), None)
