"""Minor units: those of ISO 4217, and at a gateway the gateway's own."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from billing.gateways.ports import GatewayRefused, OutcomeUnknown
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from kernel import money
from kernel.money import (
    CURRENCIES,
    Money,
    allocate,
    apply_ppm,
    exponent,
    exponents_besides_two,
    half_up,
    net_of_included,
    round_decimal,
    to_decimal,
)


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


def test_the_currencies_are_those_of_list_one_without_funds_and_units_of_account() -> None:
    funds = {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "XAD"}
    listed = {one.code: one.exponent for one in Currency if one.exponent is not None and one.code not in funds}
    assert money._in_circulation() == listed
    assert tuple(sorted(listed)) == CURRENCIES
    assert exponents_besides_two() == {code: digits for code, digits in listed.items() if digits in {0, 3, 4}}
    assert exponents_besides_two()["JPY"] == 0


def test_an_amount_is_whole_minor_units_of_a_currency_there_is() -> None:
    assert Money(-1_234, "KWD").decimal() == Decimal("-1.234")
    for amount in (1.0, True, Decimal(1)):
        with pytest.raises(TypeError):
            Money(amount, "CNY")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="currency"):
        Money(1, "ABC")


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (0, 1, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (3, 2, 2),
        (7, 1, 7),
        (-7, 1, -7),
        (5, 10, 1),
    ],
)
def test_half_a_unit_goes_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert half_up(numerator, denominator) == rounded
    assert round_decimal(Decimal(numerator) / denominator) == rounded


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**12))
def test_rounding_is_exact_however_large(numerator: int, denominator: int) -> None:
    rounded = half_up(numerator, denominator)
    assert abs(2 * (rounded * denominator - numerator)) <= denominator
    assert half_up(-numerator, denominator) == -rounded


@pytest.mark.parametrize("denominator", [0, -1])
def test_nothing_is_divided_by_what_is_not_positive(denominator: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        half_up(1, denominator)


def test_a_rate_is_of_the_net_or_inside_the_gross() -> None:
    assert [apply_ppm(amount, 60_000) for amount in (100, 8, 9, -9)] == [6, 0, 1, -1]
    assert [net_of_included(amount, 60_000) for amount in (106, 9, 10, -106, 0)] == [100, 8, 9, -100, 0]


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (2, [1, 1, 1], [1, 1, 0]),
        # The largest remainder comes before the earlier part.
        (10, [1, 2, 4], [1, 3, 6]),
        # And it is the remainder that counts, not the size of the part.
        (5, [1, 2, 4], [1, 1, 3]),
        (5, [0, 3, 0, 2], [0, 3, 0, 2]),
        (1, [0, 7], [0, 1]),
        (0, [1, 2], [0, 0]),
        (7, [5], [7]),
    ],
)
def test_the_parts_of_a_whole_by_largest_remainder(total: int, weights: list[int], parts: list[int]) -> None:
    assert allocate(total, weights) == parts


@given(st.integers(-(10**18), 10**18), st.lists(st.integers(0, 10**12), min_size=1, max_size=9).filter(any))
def test_no_part_is_off_by_a_whole_unit_and_none_is_lost(total: int, weights: list[int]) -> None:
    parts, whole = allocate(total, weights), sum(weights)
    assert sum(parts) == total
    assert all(abs(part * whole - total * weight) < whole for part, weight in zip(parts, weights, strict=True))


@pytest.mark.parametrize("weights", [[], [0, 0], [2, -1]])
def test_nothing_is_split_by_no_weights(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        allocate(1, weights)


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
