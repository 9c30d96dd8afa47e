"""Amounts as Stripe counts them, currency by currency, after its own table: https://docs.stripe.com/currencies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways.ports import GatewayRefused, OutcomeUnknown
from billing.gateways.stripe_amounts import from_stripe, to_stripe
from kernel.money import Money, exponent

ZERO = "BIF CLP DJF GNF JPY KMF KRW PYG RWF VND VUV XAF XOF XPF".split()
THREE = "BHD JOD KWD OMR TND".split()


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"),
    [
        *((500, code, 500) for code in ZERO),
        # Ariary: ISO counts fifths of it in two decimals, Stripe none at all.
        (500 * 10 ** exponent("MGA"), "MGA", 500),
        # Whole at ISO, and sent with two decimals that are always zero.
        (5, "ISK", 500),
        (5, "UGX", 500),
        # Whole only where they are paid out, which is Stripe's affair: a charge may have both decimals.
        (1_045, "HUF", 1_045),
        (80_045, "TWD", 80_045),
        # Of three decimals the last one is zero.
        *((5_120, code, 5_120) for code in THREE),
        *((1_050, code, 1_050) for code in ("CNY", "USD", "EUR", "GBP", "HKD", "SGD", "INR")),
    ],
)
def test_an_amount_goes_there_and_comes_back(ours: int, currency: str, theirs: int) -> None:
    assert to_stripe(Money(ours, currency)) == theirs
    assert from_stripe(theirs, currency.lower()) == Money(ours, currency)


@pytest.mark.parametrize(("minor", "currency"), [*((5_124, code) for code in THREE), (1, "MGA")])
def test_what_stripe_has_no_unit_for_is_refused(minor: int, currency: str) -> None:
    with pytest.raises(GatewayRefused, match="amount_too_fine"):
        to_stripe(Money(minor, currency))


@pytest.mark.parametrize(("amount", "currency"), [(501, "isk"), (550, "ugx"), (100, "xxq")])
def test_what_nothing_of_ours_can_be_is_doubt(amount: int, currency: str) -> None:
    with pytest.raises(OutcomeUnknown):
        from_stripe(amount, currency)


@given(st.integers(1, 10**11), st.sampled_from([*ZERO, *THREE, "ISK", "UGX", "HUF", "TWD", "CNY", "USD", "EUR"]))
def test_what_is_taken_comes_back_as_it_was(minor: int, currency: str) -> None:
    amount = Money(minor * 10 if currency in THREE else minor, currency)
    assert from_stripe(to_stripe(amount), currency) == amount
