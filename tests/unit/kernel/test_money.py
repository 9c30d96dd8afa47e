"""Minor units: those of ISO 4217, and at a gateway the gateway's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways.ports import GatewayRefused, OutcomeUnknown
from billing.gateways.stripe import from_stripe, to_stripe
from kernel.money import CURRENCIES, Money, exponent, to_decimal


@pytest.mark.parametrize("currency", "AFN ALL IRR KPW LAK LBP MGA MMK RSD SOS SYP YER".split())
def test_what_is_shown_without_decimals_has_them_all_the_same(currency: str) -> None:
    assert exponent(currency) == 2


@pytest.mark.parametrize(
    ("currency", "digits"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("IQD", 3), ("ISK", 0), ("UYW", 4)]
)
def test_digits_are_those_of_iso_4217(currency: str, digits: int) -> None:
    assert exponent(currency) == digits
    assert to_decimal(10**digits, currency) == 1


@pytest.mark.parametrize("code", ["DEM", "XAU", "XXX", "XTS", "XDR", "cny", "", "EURO"])
def test_nothing_is_sold_in_what_is_no_money(code: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        exponent(code)


@pytest.mark.parametrize(
    ("amount", "sent"),
    [
        (Money(2_500, "RSD"), 2_500),
        (Money(500, "JPY"), 500),
        # None at ISO, two at Stripe; two at ISO, none at Stripe.
        (Money(5, "ISK"), 500),
        (Money(5, "UGX"), 500),
        (Money(500, "MGA"), 5),
        (Money(1_230, "KWD"), 1_230),
    ],
)
def test_stripe_is_told_in_its_own_units(amount: Money, sent: int) -> None:
    assert to_stripe(amount) == sent
    assert from_stripe(sent, amount.currency.lower()) == amount


@pytest.mark.parametrize("amount", [Money(501, "MGA"), Money(1_234, "KWD"), Money(1_001, "IQD")])
def test_what_stripe_has_no_unit_for_is_refused(amount: Money) -> None:
    with pytest.raises(GatewayRefused, match="amount_too_fine"):
        to_stripe(amount)


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (1, "zzz")])
def test_what_stripe_says_of_no_money_of_ours_is_not_believed(amount: int, currency: str) -> None:
    with pytest.raises(OutcomeUnknown):
        from_stripe(amount, currency)


@given(st.integers(0, 10**12), st.sampled_from(CURRENCIES))
def test_an_amount_comes_back_from_stripe_as_it_went_or_never_went(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    try:
        sent = to_stripe(amount)
    except GatewayRefused:
        return
    assert from_stripe(sent, currency.lower()) == amount
