"""From one currency into another by published rates: exact fractions, rounded once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from kernel.money import exponent, half_up

PIVOT: Final = "EUR"
"""Through which two currencies are converted that nobody quotes against each other (Directive 2006/112/EC, article 91 (2))."""
MOST_AGE: Final = timedelta(days=10)
"""How old the latest rate may be: longer than any holiday of those who publish them."""


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """One unit of `base` is worth `rate` units of `quote`, as `source` published it for a day."""

    base: str
    quote: str
    rate: Decimal
    on: date
    source: str

    def in_words(self) -> str:
        """As documents say it, in every language: `EUR 1 = USD 1.0873 (ECB, 2026-11-20)`."""
        return f"{self.base} 1 = {self.quote} {self.rate.normalize():f} ({self.source}, {self.on.isoformat()})"

    def as_json(self) -> dict[str, str]:
        """As a document keeps it."""
        return {
            "base": self.base,
            "quote": self.quote,
            "rate": f"{self.rate.normalize():f}",
            "on": self.on.isoformat(),
            "source": self.source,
        }

    @classmethod
    def of_json(cls, kept: dict[str, Any]) -> PublishedRate:
        """From what a document keeps."""
        on = date.fromisoformat(kept["on"])
        return cls(kept["base"], kept["quote"], Decimal(kept["rate"]), on, kept["source"])


def convert(amount_minor: int, currency: str, into: str, rates: Sequence[PublishedRate]) -> int:
    """An amount in minor units of `into`, rounded half up once, however many rates lead there.

    Raises:
        ValueError: the rates lead elsewhere.
    """
    numerator, denominator, at = amount_minor, 10 ** exponent(currency), currency
    for one in rates:
        up, down = one.rate.as_integer_ratio()
        if one.base == at:
            numerator, denominator, at = numerator * up, denominator * down, one.quote
        elif one.quote == at:
            numerator, denominator, at = numerator * down, denominator * up, one.base
        else:
            break
    if at != into:
        msg = f"{currency} does not lead to {into}"
        raise ValueError(msg)
    return half_up(numerator * 10 ** exponent(into), denominator)


def choose_rates(
    found: Iterable[PublishedRate], currency: str, into: str, on: date
) -> tuple[PublishedRate, ...] | None:
    """The latest rates of the day or before it that lead from one currency into the other; None where none does.

    Whoever quotes the two against each other goes before a way through the euro, which takes both rates from one source and day.
    """
    known = [one for one in found if on - MOST_AGE <= one.on <= on]
    known.sort(key=lambda one: (-one.on.toordinal(), one.source, one.base))
    direct = next((one for one in known if {one.base, one.quote} == {currency, into}), None)
    if direct is not None:
        return (direct,)
    for first in known:
        if {first.base, first.quote} != {currency, PIVOT}:
            continue
        for second in known:
            if {second.base, second.quote} == {into, PIVOT} and (second.on, second.source) == (first.on, first.source):
                return first, second
    return None
