"""A price that contains its tax where none applies: whole, or to the unit what a buyer at home pays of it without the tax."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.tax.decision import TaxDecision, TaxParty, tax_for
from billing.tax.line_amounts import line_amounts
from billing.tax.untaxed import percent, untaxed_in_words, with_untaxed_price

CN, DE, US = TaxParty("CN", "91110108MA01ABCDE4"), TaxParty("DE", "DE123456789"), TaxParty("US", "12-3456789")
FR = TaxParty("FR", "FR40303265045")
ON = date(2026, 11, 22)
SELLERS = st.sampled_from([CN, DE, TaxParty("CN", taxpayer="small_scale"), TaxParty("CN", taxpayer="exempt"), US])
BUYERS = st.sampled_from([CN, DE, FR, US, TaxParty("FR"), TaxParty("US", registered_in="CN")])
CATEGORIES = st.sampled_from(["service", "software"])


def decide(seller: TaxParty, buyer: TaxParty, category: str, *, included: bool, reduced: bool) -> TaxDecision:
    return with_untaxed_price(
        tax_for(seller, buyer, category, ON, included=included), seller, category, ON, reduced=reduced
    )


@pytest.mark.parametrize(
    ("seller", "buyer", "category", "home"),
    [
        (CN, US, "service", 60_000),
        (CN, US, "software", 130_000),
        (DE, FR, "service", 190_000),
        (DE, US, "service", 190_000),
        (TaxParty("CN", taxpayer="small_scale"), US, "service", 10_000),
        # Nothing that a seller without tax at home could take off.
        (TaxParty("CN", taxpayer="exempt"), US, "service", 0),
        (TaxParty("DE", taxpayer="exempt"), DE, "service", 0),
        (US, CN, "service", 0),
        # Taxed somewhere: nothing is untaxed.
        (CN, CN, "service", 0),
        (DE, TaxParty("FR"), "service", 0),
    ],
)
def test_the_tax_that_a_price_contains_is_that_of_a_sale_at_home(
    seller: TaxParty, buyer: TaxParty, category: str, home: int
) -> None:
    whole = decide(seller, buyer, category, included=True, reduced=False)
    net = decide(seller, buyer, category, included=True, reduced=True)
    assert (whole.home_rate_ppm, whole.reduced) == (home, False)
    assert (net.home_rate_ppm, net.reduced) == (home, home > 0)
    on_top = decide(seller, buyer, category, included=False, reduced=True)
    assert (on_top.home_rate_ppm, on_top.reduced) == (0, False)


@given(SELLERS, BUYERS, CATEGORIES, st.integers(0, 10**11), st.integers(0, 1_000_000))
def test_reduced_it_costs_what_a_buyer_at_home_pays_without_the_tax(
    seller: TaxParty, buyer: TaxParty, category: str, list_minor: int, off_ppm: int
) -> None:
    off_minor = list_minor * off_ppm // 1_000_000
    found = line_amounts(list_minor, off_minor, decide(seller, buyer, category, included=True, reduced=True))
    assert (found.list_minor, found.discount_minor) == (list_minor, off_minor)
    assert found.net_minor + found.tax_minor == found.gross_minor <= list_minor - off_minor
    if tax_for(seller, buyer, category, ON, included=True).rate_ppm == 0:
        at_home = line_amounts(list_minor, off_minor, tax_for(seller, seller, category, ON, included=True))
        assert (found.net_minor, found.tax_minor) == (at_home.net_minor, 0)
    else:
        assert found.gross_minor == list_minor - off_minor


@given(SELLERS, BUYERS, CATEGORIES, st.integers(0, 10**11), st.booleans())
def test_whole_it_is_priced_as_if_nothing_had_been_said(
    seller: TaxParty,
    buyer: TaxParty,
    category: str,
    list_minor: int,
    included: bool,  # noqa: FBT001 - drawn
) -> None:
    said = line_amounts(list_minor, 0, decide(seller, buyer, category, included=included, reduced=False))
    assert said == line_amounts(list_minor, 0, tax_for(seller, buyer, category, ON, included=included))


@pytest.mark.parametrize(
    ("language", "reduced", "words"),
    [
        ("en", True, "tax at 25.5 %"),
        ("en", True, "less that tax"),
        ("en", False, "stays whole"),
        ("zh-CN", True, "已从价格中减去"),
        ("zh-CN", False, "价格不变"),
    ],
)
def test_it_is_said_in_words(language: Literal["zh-CN", "en"], reduced: bool, words: str) -> None:  # noqa: FBT001 - a parameter
    assert words in (untaxed_in_words(255_000, language, reduced=reduced) or "")
    assert untaxed_in_words(0, language, reduced=reduced) is None


@pytest.mark.parametrize(("ppm", "said"), [(60_000, "6"), (255_000, "25.5"), (1, "0.0001"), (0, "0")])
def test_a_rate_as_people_write_it(ppm: int, said: str) -> None:
    assert percent(ppm) == said
