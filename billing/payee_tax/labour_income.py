"""What would be withheld of a natural person's income from labour (劳务报酬所得) in China. Pure; whole fen.

Source: announcement 61 of 2018 of the State Taxation Administration (国家税务总局公告2018年第61号), article 8 and
its second table of rates. Income of one month for continuous work counts as one payment (regulation of the Individual Income Tax
Law, article 14).
The amount is a fact that is shown; nothing is kept back here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.money import apply_ppm

CURRENCY: Final = "CNY"
"""The rates are of yuan; nothing is computed of another currency."""
SMALL_MINOR: Final = 400_000
"""Up to 4,000 yuan a fixed amount is deducted, above it a part."""
FIXED_DEDUCTION_MINOR: Final = 80_000
DEDUCTION_PPM: Final = 200_000


@dataclass(frozen=True, slots=True)
class TaxBracket:
    """Of taxable income up to `up_to_minor` (None: any): the rate of all of it, less the quick deduction (速算扣除数)."""

    up_to_minor: int | None
    rate_ppm: int
    quick_deduction_minor: int


BRACKETS: Final = (
    TaxBracket(2_000_000, 200_000, 0),
    TaxBracket(5_000_000, 300_000, 200_000),
    TaxBracket(None, 400_000, 700_000),
)


@dataclass(frozen=True, slots=True)
class Withholding:
    """What would be withheld of a month's income, and how it comes about."""

    income_minor: int
    deduction_minor: int
    taxable_minor: int
    rate_ppm: int
    quick_deduction_minor: int
    tax_minor: int


def withholding(income_minor: int) -> Withholding:
    """What would be withheld of a month's income in fen, before value added tax. Of none, or less than none, nothing.

    Two roundings, half up: the deduction of a fifth, and the tax.
    """
    if income_minor <= 0:
        return Withholding(income_minor, 0, 0, 0, 0, 0)
    if income_minor <= SMALL_MINOR:
        deduction_minor = min(FIXED_DEDUCTION_MINOR, income_minor)
    else:
        deduction_minor = apply_ppm(income_minor, DEDUCTION_PPM)
    taxable_minor = income_minor - deduction_minor
    if not taxable_minor:
        return Withholding(income_minor, deduction_minor, 0, 0, 0, 0)
    bracket = bracket_of(taxable_minor)
    return Withholding(
        income_minor,
        deduction_minor,
        taxable_minor,
        bracket.rate_ppm,
        bracket.quick_deduction_minor,
        apply_ppm(taxable_minor, bracket.rate_ppm) - bracket.quick_deduction_minor,
    )


def bracket_of(taxable_minor: int) -> TaxBracket:
    """The bracket of a taxable income; its limit belongs to the lower one."""
    return next(one for one in BRACKETS if one.up_to_minor is None or taxable_minor <= one.up_to_minor)
