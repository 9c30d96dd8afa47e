"""Tax, line amounts, splits and refunds: whatever the numbers, the parts add up to the whole."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.refunds.allocate_refund import LineLeft, allocate_refund
from billing.shares.split import ShareTerms, Split, reverse_split, split
from billing.tax.decision import TaxDecision, TaxParty, tax_for
from billing.tax.line_amounts import LineAmounts, line_amounts
from kernel.errors import Invalid
from kernel.money import PPM

RATES = st.sampled_from([0, 10_000, 30_000, 60_000, 130_000, 190_000, 255_000, 270_000])
AMOUNTS = st.integers(0, 10**11)
CN = TaxParty("CN", "91110108MA01ABCDE4")
DE = TaxParty("DE", "DE123456789")
FR = TaxParty("FR", "FR40303265045")
US = TaxParty("US")
TODAY = date(2026, 11, 22)


@st.composite
def terms(draw: st.DrawFn) -> ShareTerms:
    commission = draw(st.integers(0, PPM))
    return ShareTerms(1, commission, draw(st.integers(0, PPM - commission)), 7)


@pytest.mark.parametrize(
    ("seller", "buyer", "category", "rate_ppm", "code"),
    [
        (CN, CN, "service", 60_000, "S"),
        (CN, CN, "software", 130_000, "S"),
        (TaxParty("CN", taxpayer="small_scale"), CN, "service", 10_000, "S"),
        (TaxParty("CN", taxpayer="exempt"), CN, "service", 0, "E"),
        (CN, DE, "service", 0, "Z"),
        (DE, DE, "service", 190_000, "S"),
        (DE, FR, "service", 0, "AE"),
        (DE, TaxParty("FR"), "service", 200_000, "S"),
        (DE, TaxParty("FR", "DE123456789"), "service", 200_000, "S"),
        (DE, TaxParty("GR", "EL123456789"), "service", 0, "AE"),
        (DE, US, "service", 0, "O"),
        (US, CN, "service", 0, "O"),
        # Nothing shows that the title is abroad: no identifier of there, and an organization registered elsewhere.
        (CN, TaxParty("US", registered_in="CN"), "software", 130_000, "S"),
        (TaxParty("CN", taxpayer="small_scale"), TaxParty("US", registered_in="HK"), "service", 10_000, "S"),
        (CN, TaxParty("US", "12-3456789", registered_in="CN"), "service", 0, "Z"),
        (CN, TaxParty("US", registered_in="US"), "service", 0, "Z"),
        (DE, TaxParty("US", registered_in="DE"), "service", 190_000, "S"),
        (DE, TaxParty("FR", registered_in="DE"), "service", 190_000, "S"),
        (DE, TaxParty("FR", registered_in="FR"), "service", 200_000, "S"),
    ],
)
def test_the_tax_follows_from_the_parties(
    seller: TaxParty, buyer: TaxParty, category: str, rate_ppm: int, code: str
) -> None:
    decision = tax_for(seller, buyer, category, TODAY, included=True)
    assert (decision.rate_ppm, decision.category) == (rate_ppm, code)


@pytest.mark.parametrize(
    ("on", "rate_ppm"), [(date(2022, 12, 31), 30_000), (date(2027, 12, 31), 10_000), (date(2028, 1, 1), 30_000)]
)
def test_a_rate_ends_on_its_last_day(on: date, rate_ppm: int) -> None:
    assert tax_for(TaxParty("CN", taxpayer="small_scale"), CN, "service", on, included=True).rate_ppm == rate_ppm


def test_unknown_categories_and_times_before_the_tables_are_refused() -> None:
    with pytest.raises(Invalid, match="tax_category_unknown"):
        tax_for(CN, CN, "bananas", TODAY, included=True)
    with pytest.raises(Invalid, match="tax_date_unknown"):
        tax_for(CN, CN, "service", date(2010, 1, 1), included=True)


def test_a_price_with_tax_inside_and_one_without() -> None:
    inside = TaxDecision(60_000, "cn_service", "S", included=True)
    assert line_amounts(398_000, 12, 0, inside) == LineAmounts(4_776_000, 0, 4_505_660, 270_340, 4_776_000)
    outside = TaxDecision(60_000, "cn_service", "S", included=False)
    assert line_amounts(100_000, 1, 10_000, outside) == LineAmounts(100_000, 10_000, 90_000, 5_400, 95_400)


@pytest.mark.parametrize(
    ("unit", "quantity", "discount", "code"),
    [
        (1, 0, 0, "quantity_not_positive"),
        (-1, 1, 0, "price_out_of_range"),
        (10**12, 10**6, 0, "price_out_of_range"),
        (100, 1, 101, "discount_exceeds_price"),
        (100, 1, -1, "discount_exceeds_price"),
    ],
)
def test_impossible_lines_are_refused(unit: int, quantity: int, discount: int, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        line_amounts(unit, quantity, discount, TaxDecision(0, "x", "O", included=True))


@given(AMOUNTS, st.integers(1, 1000), RATES, st.booleans(), st.data())
def test_a_line_adds_up(
    unit: int,
    quantity: int,
    rate_ppm: int,
    included: bool,  # noqa: FBT001 - drawn by hypothesis
    data: st.DataObject,
) -> None:
    discount = data.draw(st.integers(0, unit * quantity))
    line = line_amounts(unit, quantity, discount, TaxDecision(rate_ppm, "x", "S", included=included))
    agreed = line.list_minor - line.discount_minor
    assert line.net_minor + line.tax_minor == line.gross_minor
    assert agreed == (line.gross_minor if included else line.net_minor)
    assert line.tax_minor >= 0
    # Half a unit of rounding on the net, times the rate, at most.
    assert abs(line.tax_minor * PPM - line.net_minor * rate_ppm) <= PPM


@given(AMOUNTS, AMOUNTS, terms())
def test_a_split_adds_up_and_leaves_the_seller_its_tax(net: int, tax: int, rates: ShareTerms) -> None:
    parts = split(net, tax, rates)
    assert parts.total_minor == net + tax
    assert parts.seller_minor >= tax
    assert min(parts.parts()) >= 0
    assert abs(parts.commission_minor * PPM - net * rates.commission_ppm) <= PPM // 2


def test_two_roundings_up_never_take_more_than_the_line() -> None:
    assert split(1, 0, ShareTerms(1, 500_000, 500_000, 0)) == Split(0, 1, 0)


@pytest.mark.parametrize(("commission", "promoter"), [(-1, 0), (0, -1), (600_000, 400_001)])
def test_rates_beyond_the_whole_are_refused(commission: int, promoter: int) -> None:
    with pytest.raises(ValueError, match="rates"):
        ShareTerms(1, commission, promoter, 0)


@given(st.integers(0, 10**9), st.integers(0, 10**8), terms(), st.lists(st.integers(1, 10**9), max_size=12))
def test_refunds_reverse_payment_from_everyone_exactly_what_they_had(
    net: int, tax: int, rates: ShareTerms, wishes: list[int]
) -> None:
    left = split(net, tax, rates)
    whole, returned = left, Split(0, 0, 0)
    for wish in [*wishes, 10**12]:
        part = reverse_split(min(wish, left.total_minor), left)
        assert min(part.parts()) >= 0
        assert part.total_minor == min(wish, left.total_minor)
        left = Split(*(had - gone for had, gone in zip(left.parts(), part.parts(), strict=True)))
        returned = Split(*(so_far + gone for so_far, gone in zip(returned.parts(), part.parts(), strict=True)))
        assert min(left.parts()) >= 0
    assert (returned, left.total_minor) == (whole, 0)


def test_more_than_is_left_cannot_be_taken_back() -> None:
    with pytest.raises(ValueError, match="at most what is left"):
        reverse_split(11, Split(8, 1, 1))


@given(
    st.integers(1, 60) | st.integers(1, 10**9),
    RATES,
    st.booleans(),
    st.lists(st.integers(1, 3) | st.integers(1, 10**9), max_size=40),
)
@example(50, 190_000, False, [3])
@example(7, 255_000, True, [1, 2])
def test_partial_refunds_add_up_to_net_and_tax(
    price: int,
    rate_ppm: int,
    included: bool,  # noqa: FBT001 - drawn by hypothesis
    wishes: list[int],
) -> None:
    line = line_amounts(price, 1, 0, TaxDecision(rate_ppm, "x", "S", included=included))
    gross_left, net_left = line.gross_minor, line.net_minor
    for wish in [*wishes, line.gross_minor]:
        if not gross_left:
            break
        part = allocate_refund(min(wish, gross_left), LineLeft(gross_left, net_left, rate_ppm))
        assert part.net_minor + part.tax_minor == part.gross_minor == min(wish, gross_left)
        assert 0 <= part.net_minor <= net_left
        assert 0 <= part.tax_minor <= gross_left - net_left
        # Every part is a credit note of its own, the last one, too.
        assert abs(part.tax_minor * PPM - part.net_minor * rate_ppm) <= PPM + rate_ppm
        gross_left -= part.gross_minor
        net_left -= part.net_minor
    assert (gross_left, net_left) == (0, 0)
