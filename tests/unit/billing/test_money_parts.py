"""Tax, line amounts, splits and refunds: whatever the numbers, the parts add up to the whole."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from billing.refunds.allocate_refund import LineLeft, allocate_refund
from billing.shares.split import ShareTerms, Split, reverse_split, split
from billing.tax.decision import Category, TaxDecision, TaxParty, note_in_words, reason_in_words, tax_for
from billing.tax.line_amounts import LARGEST_MINOR, LineAmounts, line_amounts
from billing.tax.rates import EU_STANDARD, FIRST, rate_on
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


@pytest.mark.parametrize("included", [True, False])
@pytest.mark.parametrize(
    ("seller", "buyer", "category", "decided"),
    [
        (CN, CN, "service", (60_000, "cn_service", "S")),
        (CN, CN, "software", (130_000, "cn_software", "S")),
        (TaxParty("CN", taxpayer="small_scale"), CN, "service", (10_000, "cn_small_scale", "S")),
        (TaxParty("CN", taxpayer="small_scale"), DE, "service", (0, "cn_export", "Z")),
        (TaxParty("CN", taxpayer="exempt"), CN, "service", (0, "cn_exempt", "E")),
        (TaxParty("CN", taxpayer="exempt"), DE, "service", (0, "cn_exempt", "E")),
        (CN, DE, "service", (0, "cn_export", "Z")),
        (DE, DE, "service", (190_000, "eu_domestic", "S")),
        (DE, FR, "service", (0, "eu_reverse_charge", "AE")),
        (DE, TaxParty("FR", "fr40303265045"), "service", (0, "eu_reverse_charge", "AE")),
        (DE, TaxParty("FR"), "service", (200_000, "eu_destination", "S")),
        (DE, TaxParty("FR", "DE123456789"), "service", (200_000, "eu_destination", "S")),
        (DE, TaxParty("GR", "EL123456789"), "service", (0, "eu_reverse_charge", "AE")),
        (DE, TaxParty("GR", "GR123456789"), "service", (240_000, "eu_destination", "S")),
        (TaxParty("DE", taxpayer="exempt"), DE, "service", (0, "eu_small_enterprise", "E")),
        (DE, US, "service", (0, "eu_export", "O")),
        (DE, TaxParty("US", "US123"), "service", (0, "eu_export", "O")),
        (US, CN, "service", (0, "no_tax_configured", "O")),
        # Nothing shows that the title is abroad: no identifier of there, and an organization registered elsewhere.
        (CN, TaxParty("US", registered_in="CN"), "software", (130_000, "cn_software_unevidenced", "S")),
        (
            TaxParty("CN", taxpayer="small_scale"),
            TaxParty("US", registered_in="HK"),
            "service",
            (10_000, "cn_small_scale_unevidenced", "S"),
        ),
        (CN, TaxParty("US", "12-3456789", registered_in="CN"), "service", (0, "cn_export", "Z")),
        (CN, TaxParty("US", registered_in="US"), "service", (0, "cn_export", "Z")),
        (DE, TaxParty("US", registered_in="DE"), "service", (190_000, "eu_domestic_unevidenced", "S")),
        (DE, TaxParty("FR", registered_in="DE"), "service", (190_000, "eu_domestic_unevidenced", "S")),
        (DE, TaxParty("FR", registered_in="FR"), "service", (200_000, "eu_destination", "S")),
        # Monaco is France's territory for VAT, and its identifiers begin with FR.
        (DE, TaxParty("MC", registered_in="FR"), "service", (200_000, "eu_destination", "S")),
        (DE, TaxParty("FR", registered_in="MC"), "service", (200_000, "eu_destination", "S")),
        (DE, TaxParty("MC", "FR14000000000", registered_in="DE"), "service", (0, "eu_reverse_charge", "AE")),
        (TaxParty("FR"), TaxParty("MC"), "service", (200_000, "eu_domestic", "S")),
        (TaxParty("MC"), TaxParty("FR"), "service", (200_000, "eu_domestic", "S")),
        (TaxParty("MC"), TaxParty("DE"), "service", (190_000, "eu_destination", "S")),
    ],
)
def test_the_tax_follows_from_the_parties(
    seller: TaxParty,
    buyer: TaxParty,
    category: str,
    decided: tuple[int, str, Category],
    included: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    assert tax_for(seller, buyer, category, TODAY, included=included) == TaxDecision(*decided, included)


def test_a_document_says_why_no_tax_was_charged() -> None:
    assert reason_in_words("eu_reverse_charge") == "Reverse charge, Directive 2006/112/EC art. 196"
    assert reason_in_words("cn_service") == ""


def test_a_buyer_is_told_why_a_title_abroad_bears_the_sellers_tax() -> None:
    note = note_in_words("eu_domestic_unevidenced", "en")
    assert note is not None
    assert "so the seller's domestic rate applies" in note
    assert "按卖方所在地税率计税" in (note_in_words("cn_software_unevidenced", "zh-CN") or "")
    assert note_in_words("cn_software", "en") is note_in_words("eu_export", "zh-CN") is None


@pytest.mark.parametrize(
    ("on", "rate_ppm"), [(date(2022, 12, 31), 30_000), (date(2027, 12, 31), 10_000), (date(2028, 1, 1), 30_000)]
)
def test_a_rate_ends_on_its_last_day(on: date, rate_ppm: int) -> None:
    assert tax_for(TaxParty("CN", taxpayer="small_scale"), CN, "service", on, included=True).rate_ppm == rate_ppm


def test_unknown_categories_and_times_before_the_tables_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        tax_for(CN, CN, "bananas", TODAY, included=True)
    assert (refused.value.code, refused.value.field) == ("tax_category_unknown", "tax_category")
    assert refused.value.params == {"category": "bananas"}
    for seller, buyer in ((CN, CN), (TaxParty("CN", taxpayer="small_scale"), CN), (DE, DE), (DE, TaxParty("FR"))):
        assert tax_for(seller, buyer, "service", FIRST, included=True).rate_ppm
        with pytest.raises(Invalid) as refused:
            tax_for(seller, buyer, "service", FIRST - timedelta(days=1), included=True)
        assert (refused.value.code, refused.value.field) == ("tax_date_unknown", "on")


@pytest.mark.parametrize("country", ["EE", "FI", "LU", "RO", "SK"])
def test_a_changed_rate_has_one_value_on_every_day(country: str) -> None:
    before, after = EU_STANDARD[country]
    assert before.until_on == after.since_on
    for day, rate in ((FIRST, before), (after.since_on - timedelta(days=1), before), (after.since_on, after)):
        assert rate_on(EU_STANDARD[country], day) == rate.rate_ppm
        assert [one for one in (before, after) if one.holds(day)] == [rate]


def test_a_price_with_tax_inside_and_one_without() -> None:
    inside = TaxDecision(60_000, "cn_service", "S", included=True)
    assert line_amounts(4_776_000, 0, inside) == LineAmounts(4_776_000, 0, 4_505_660, 270_340, 4_776_000)
    outside = TaxDecision(60_000, "cn_service", "S", included=False)
    assert line_amounts(100_000, 10_000, outside) == LineAmounts(100_000, 10_000, 90_000, 5_400, 95_400)


@pytest.mark.parametrize(
    ("list_minor", "discount", "code", "field"),
    [
        (-1, 0, "price_out_of_range", "quantity"),
        (LARGEST_MINOR + 1, 0, "price_out_of_range", "quantity"),
        (100, 101, "discount_exceeds_price", "discount"),
        (100, -1, "discount_exceeds_price", "discount"),
    ],
)
def test_impossible_lines_are_refused(list_minor: int, discount: int, code: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        line_amounts(list_minor, discount, TaxDecision(0, "x", "O", included=True))
    assert (refused.value.code, refused.value.field) == (code, field)


def test_the_outermost_lines_are_possible() -> None:
    free = TaxDecision(0, "x", "O", included=True)
    assert line_amounts(LARGEST_MINOR, 0, free).gross_minor == LARGEST_MINOR
    assert line_amounts(0, 0, free) == LineAmounts(0, 0, 0, 0, 0)
    assert line_amounts(100, 100, free) == LineAmounts(100, 100, 0, 0, 0)


@given(AMOUNTS, st.integers(1, 1000), RATES, st.booleans(), st.data())
def test_a_line_adds_up(
    unit: int,
    quantity: int,
    rate_ppm: int,
    included: bool,  # noqa: FBT001 - drawn by hypothesis
    data: st.DataObject,
) -> None:
    discount = data.draw(st.integers(0, unit * quantity))
    line = line_amounts(unit * quantity, discount, TaxDecision(rate_ppm, "x", "S", included=included))
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


@pytest.mark.parametrize(("net", "tax"), [(-1, 0), (0, -1)])
def test_a_line_that_gives_money_away_is_not_split(net: int, tax: int) -> None:
    with pytest.raises(ValueError, match="not negative"):
        split(net, tax, ShareTerms(1, 0, 0, 0))


def test_rates_may_be_nothing_or_the_whole() -> None:
    assert split(100, 6, ShareTerms(1, 0, 0, 0)) == Split(106, 0, 0)
    assert split(100, 6, ShareTerms(1, 600_000, 400_000, 0)) == Split(6, 60, 40)


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
    for refund in (11, -1):
        with pytest.raises(ValueError, match="at most what is left"):
            reverse_split(refund, Split(8, 1, 1))
    assert reverse_split(0, Split(8, 1, 1)) == reverse_split(0, Split(0, 0, 0)) == Split(0, 0, 0)
    for refund in (0, -1, 11):
        with pytest.raises(ValueError, match="at most what is left"):
            allocate_refund(refund, LineLeft(10, 9, 60_000))


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
    line = line_amounts(price, 0, TaxDecision(rate_ppm, "x", "S", included=included))
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


def test_no_other_net_of_a_refund_would_keep_both_documents_nearer_to_the_rate() -> None:
    rate_ppm = 60_000

    def off(gross: int, net: int) -> int:
        return abs((gross - net) * PPM - net * rate_ppm)

    for gross, net in product(range(1, 46), range(46)):
        if net > gross or off(gross, net) > PPM + rate_ppm:
            continue
        for wish in range(1, gross + 1):
            # Neither net nor tax of what is left may become negative.
            possible = range(max(0, net - (gross - wish)), min(net, wish) + 1)
            best = min(max(off(wish, one), off(gross - wish, net - one)) for one in possible)
            part = allocate_refund(wish, LineLeft(gross, net, rate_ppm))
            assert max(off(wish, part.net_minor), off(gross - wish, net - part.net_minor)) == best
