"""Amounts as Stripe counts them, and as we do."""

from __future__ import annotations

from typing import Final

from billing.gateways.ports import GatewayRefused, OutcomeUnknown
from kernel.money import Money, exponent

# https://docs.stripe.com/currencies: Stripe's own units, which are not ISO 4217's everywhere. MGA has none; ISK and UGX,
# which have none at ISO, are sent with two decimals that are always zero; of three decimals the last must be zero.
_ZERO_DECIMAL: Final = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE_DECIMAL: Final = frozenset("BHD JOD KWD OMR TND".split())


def to_stripe(amount: Money) -> int:
    """An amount in the integer that Stripe takes.

    Raises:
        GatewayRefused: `amount_too_fine`, Stripe has no unit that small in this currency.
    """
    sent: int
    sent, rest = divmod(amount.amount_minor * 10 ** _digits(amount.currency), 10 ** exponent(amount.currency))
    if rest or (amount.currency in _THREE_DECIMAL and sent % 10):
        raise GatewayRefused("amount_too_fine")
    return sent


def from_stripe(amount: int, currency: str) -> Money:
    """What Stripe says, in our minor units.

    Raises:
        OutcomeUnknown: an amount or a currency that nothing of ours can have.
    """
    code = currency.upper()
    try:
        minor, rest = divmod(amount * 10 ** exponent(code), 10 ** _digits(code))
    except ValueError as error:
        raise OutcomeUnknown from error
    if rest:
        raise OutcomeUnknown
    return Money(minor, code)


def _digits(currency: str) -> int:
    if currency in _ZERO_DECIMAL:
        return 0
    return 3 if currency in _THREE_DECIMAL else 2
