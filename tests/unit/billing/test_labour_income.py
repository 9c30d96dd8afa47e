"""What would be withheld of labour income in China, by the tables of announcement 61 of 2018."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.payee_tax.labour_income import BRACKETS, SMALL_MINOR, bracket_of, withholding
from kernel.money import PPM

INCOMES = st.integers(min_value=-10_000_000, max_value=10**12)


@pytest.mark.parametrize(
    ("income", "deduction", "tax"),
    [
        (0, 0, 0),
        (-5_000_00, 0, 0),
        (500_00, 500_00, 0),
        (800_00, 800_00, 0),
        (800_01, 800_00, 0),
        (2_000_00, 800_00, 240_00),
        (4_000_00, 800_00, 640_00),
        (25_000_00, 5_000_00, 4_000_00),
        (30_000_00, 6_000_00, 5_200_00),
        (62_500_00, 12_500_00, 13_000_00),
        (100_000_00, 20_000_00, 25_000_00),
    ],
)
def test_known_amounts(income: int, deduction: int, tax: int) -> None:
    found = withholding(income)
    assert (found.deduction_minor, found.tax_minor) == (deduction, tax)


@given(INCOMES, INCOMES)
def test_more_income_is_never_taxed_less(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert withholding(low).tax_minor <= withholding(high).tax_minor


@given(INCOMES)
def test_what_is_withheld_adds_up_and_leaves_most_of_the_income(income: int) -> None:
    found = withholding(income)
    assert found.deduction_minor + found.taxable_minor == max(income, 0)
    assert 0 <= found.tax_minor * PPM <= found.taxable_minor * 400_000 + PPM
    assert found.tax_minor == 0 or found.rate_ppm in {bracket.rate_ppm for bracket in BRACKETS}


@given(INCOMES)
def test_a_fen_more_costs_at_most_a_fen(income: int) -> None:
    assert withholding(income + 1).tax_minor - withholding(income).tax_minor <= 1


@pytest.mark.parametrize("place", range(len(BRACKETS) - 1))
def test_brackets_meet_at_their_limits(place: int) -> None:
    lower, upper = BRACKETS[place], BRACKETS[place + 1]
    limit = lower.up_to_minor
    assert limit is not None
    taxes = {limit * one.rate_ppm // PPM - one.quick_deduction_minor for one in (lower, upper)}
    assert len(taxes) == 1
    assert bracket_of(limit) is lower
    assert bracket_of(limit + 1) is upper


def test_the_deductions_meet_at_their_limit() -> None:
    assert withholding(SMALL_MINOR).taxable_minor == SMALL_MINOR * 4 // 5
    assert withholding(SMALL_MINOR + 1).taxable_minor == withholding(SMALL_MINOR).taxable_minor + 1
