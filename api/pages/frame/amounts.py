"""Amounts as people type them."""

from __future__ import annotations

import re
from decimal import Decimal

from api.pages.frame.typed_numbers import plain
from kernel.errors import Invalid
from kernel.money import exponent

_AMOUNT = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?")
MOST_MINOR = 10**15


def typed_amount(text: str, currency: str, *, field: str, code: str = "amount_invalid") -> int | None:
    """Minor units of `currency` for what was typed in major ones, grouped or not; None where nothing was.

    Raises:
        Invalid: `code`: no amount, one of more decimals than the currency has, or beyond all measure (`amount_invalid` is said of
            limits, `amount_unreadable` of money that moves);
            `currency_unknown`.
    """
    typed = plain(text).replace(" ", "")
    try:
        digits = exponent(currency)
    except ValueError as error:
        raise Invalid("currency_unknown", field="currency") from error
    if not typed:
        return None
    found = _AMOUNT.fullmatch(typed)
    if found is None or not typed.isascii() or len(found[2] or "") > digits:
        raise Invalid(code, field=field)
    amount_minor = int(Decimal(f"{found[1].replace(',', '')}.{found[2] or 0}").scaleb(digits))
    if amount_minor > MOST_MINOR:
        raise Invalid(code, field=field)
    return amount_minor
