"""Figures as people read them on paper; exact, never through a float."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Final

from babel import Locale

from billing.documents.model import Language
from billing.documents.parties import Period
from kernel.money import exponent, to_decimal

MINUS: Final = "-"  # the ASCII sign, which copies into a spreadsheet as a number


def amount(amount_minor: int, currency: str) -> str:
    """Digits in groups of three with the currency's own decimals: 398000 CNY → `3,980.00`."""
    return f"{to_decimal(amount_minor, currency):,.{exponent(currency)}f}"


def money(amount_minor: int, currency: str) -> str:
    """An amount with its currency: `¥3,980.00` for yuan, `JPY 4,000` for others, the sign in front."""
    sign = MINUS if amount_minor < 0 else ""
    symbol = "¥" if currency == "CNY" else f"{currency} "
    return f"{sign}{symbol}{amount(abs(amount_minor), currency)}"


def decimal(value: Decimal) -> str:
    """A quantity without idle zeros: `20`, `1.5`."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def unit_price(price_minor: Decimal, currency: str) -> str:
    """A price with at least the currency's decimals, and as many more as it has."""
    digits = exponent(currency)
    whole, _, fraction = f"{price_minor.scaleb(-digits):,f}".partition(".")
    fraction = fraction.rstrip("0").ljust(digits, "0")
    return f"{whole}.{fraction}" if fraction else whole


def rate(rate_ppm: int) -> str:
    """A tax rate: 60000 → `6%`, 55000 → `5.5%`."""
    return f"{decimal(Decimal(rate_ppm).scaleb(-4))}%"


def day(value: date, language: Language) -> str:
    """A date as Chinese paper writes it, or in ISO 8601 where it must be read in two languages."""
    return f"{value.year}年{value.month:02d}月{value.day:02d}日" if language is Language.ZH else value.isoformat()


def country(code: str, language: Language) -> str:
    """The name of an ISO 3166 country for the reader, or the code where it has none."""
    chinese, english = (str(Locale(tongue).territories.get(code, code)) for tongue in ("zh", "en"))
    return {Language.ZH: chinese, Language.EN: english}.get(language, f"{chinese} {english}")


def days(period: Period, language: Language) -> str:
    """Both ends of a period, each included."""
    return f"{day(period.first_on, language)} – {day(period.last_on, language)}"
