"""An amount of money as a reader of one language expects it (CLDR, by Babel)."""

from __future__ import annotations

from copy import copy
from typing import Final

from babel import Locale
from babel.numbers import format_currency, get_currency_symbol

from kernel.money import Money, exponent

SIGNS: Final = {"CNY": "¥", "JPY": "JP¥"}
"""¥ is the yuan in either language, as on the market's documents. CLDR's English writes CN¥, and ¥ for the yen."""


def write_amount(amount: Money, locale: Locale) -> str:
    """An amount with all decimals of its currency's minor unit (CLDR shows fewer of some) and its symbol."""
    pattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (exponent(amount.currency),) * 2
    written = format_currency(amount.decimal(), amount.currency, pattern, locale=locale, currency_digits=False)
    return with_own_sign(written, amount.currency, locale)


def with_own_sign(written: str, currency: str, locale: Locale) -> str:
    """With the market's own sign of the currency where it has one."""
    sign = SIGNS.get(currency)
    return written.replace(get_currency_symbol(currency, locale), sign) if sign else written
