"""Money: integer minor units and an ISO 4217 currency with its own exponent. Never a float.

Every rounding is half up, away from zero, and happens once, at a named place. Splitting is by largest remainder with a
stated tie order (earlier parts first), so that the parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from iso4217 import raw_xml

PPM = 1_000_000
"""Rates are parts per million: 6 % is 60_000."""


_UNITS_OF_ACCOUNT = {"XAD"}
"""The Arab Monetary Fund's, which ISO 4217 does not mark as a fund."""


def _in_circulation() -> dict[str, int]:
    """Currency codes in force and their minor units, as ISO 4217's own table (list one) has them.

    CLDR's digits are those of everyday display, fewer for thirteen currencies. Nothing is sold in funds and units of account
    (CLF, USN …), nor in gold and test codes, which have no minor units.
    """
    found = {}
    for entry in raw_xml.iterfind("CcyTbl/CcyNtry"):
        code, name, digits = entry.findtext("Ccy", ""), entry.find("CcyNm"), entry.findtext("CcyMnrUnts", "")
        is_fund = code in _UNITS_OF_ACCOUNT or (name is not None and name.get("IsFund") == "true")
        if digits.isdigit() and not is_fund:
            found[code] = int(digits)
    return found


_EXPONENTS = _in_circulation()
CURRENCIES = tuple(sorted(_EXPONENTS))
"""The codes in which something may be priced."""


def exponent(currency: str) -> int:
    """Digits after the decimal point of `currency` (JPY 0, CNY 2, KWD 3).

    Raises:
        ValueError: `currency` is not one of `CURRENCIES`.
    """
    digits = _EXPONENTS.get(currency)
    if digits is None:
        msg = f"unknown currency {currency!r}"
        raise ValueError(msg)
    return digits


def exponents_besides_two() -> dict[str, int]:
    """The currencies that have other than two digits, for whoever has no table of ISO 4217 (browsers have CLDR's)."""
    return {currency: digits for currency, digits in _EXPONENTS.items() if digits != 2}


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units of one currency."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            msg = f"minor units are an int, not {type(self.amount_minor).__name__}"
            raise TypeError(msg)
        exponent(self.currency)

    def decimal(self) -> Decimal:
        """The amount in major units, exact."""
        return to_decimal(self.amount_minor, self.currency)


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """Minor units as an exact decimal in major units."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def half_up(numerator: int, denominator: int) -> int:
    """`numerator` over `denominator` (> 0) rounded half away from zero, in integers throughout."""
    if denominator <= 0:
        msg = "denominator must be positive"
        raise ValueError(msg)
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def round_decimal(value: Decimal) -> int:
    """A decimal number of minor units rounded half up to whole ones (rated usage lines)."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def apply_ppm(amount_minor: int, rate_ppm: int) -> int:
    """`rate_ppm` of the amount, rounded half up."""
    return half_up(amount_minor * rate_ppm, PPM)


def net_of_included(gross_minor: int, rate_ppm: int) -> int:
    """The net amount inside a tax-included gross: round(gross over (1 + rate)); the tax is what remains."""
    return half_up(gross_minor * PPM, PPM + rate_ppm)


def allocate(total_minor: int, weights: Sequence[int]) -> list[int]:
    """Split `total_minor` in proportion to `weights` so that the parts add up to it exactly.

    Largest remainder; equal remainders go to the earlier part. A negative total mirrors the positive split.

    Raises:
        ValueError: no weights, a negative weight, or only zeros.
    """
    whole = sum(weights)
    if not weights or min(weights) < 0 or whole == 0:
        msg = "weights must be non-negative and not all zero"
        raise ValueError(msg)
    sign = 1 if total_minor >= 0 else -1
    magnitude = abs(total_minor)
    parts = [magnitude * weight // whole for weight in weights]
    remainders = [magnitude * weight % whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-remainders[i], i))
    for i in order[: magnitude - sum(parts)]:
        parts[i] += 1
    return [sign * part for part in parts]
