"""What a service costs, milestone by milestone: whatever the amounts, the parts add up to the whole, for every party."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billing.shares.split import ShareTerms, reverse_split, split
from billing.tax.decision import TaxDecision
from billing.tax.line_amounts import line_amounts
from kernel.money import PPM
from orders.milestones.split_line import split_line

RATES = st.sampled_from([0, 10_000, 30_000, 60_000, 130_000, 190_000, 255_000])
WEIGHTS = st.lists(st.integers(0, 10**10), min_size=1, max_size=20)


@st.composite
def terms(draw: st.DrawFn) -> ShareTerms:
    commission = draw(st.integers(0, PPM))
    return ShareTerms(1, commission, draw(st.integers(0, PPM - commission)), 7)


@given(st.integers(0, 10**11), RATES, st.booleans(), WEIGHTS)
def test_the_parts_add_up_and_none_is_negative(minor: int, rate: int, included: bool, weights: list[int]) -> None:  # noqa: FBT001 - a generated case
    line = line_amounts(minor, 0, TaxDecision(rate, "cn_service", "S", included=included))
    parts = split_line(line.net_minor, line.tax_minor, rate, weights)
    assert len(parts) == len(weights)
    assert sum(part.gross_minor for part in parts) == line.gross_minor
    assert sum(part.net_minor for part in parts) == line.net_minor
    assert sum(part.tax_minor for part in parts) == line.tax_minor
    for part in parts:
        assert part.net_minor + part.tax_minor == part.gross_minor
        assert min(part.net_minor, part.tax_minor) >= 0
        # Each may stand on a document of its own: off the rate by no more than rounding.
        assert abs(part.tax_minor * PPM - part.net_minor * rate) <= 2 * (PPM + rate)


@given(st.integers(0, 10**11), RATES, WEIGHTS, terms(), st.data())
def test_the_shares_of_all_milestones_add_up_to_the_line_whatever_goes_back(
    net: int, rate: int, weights: list[int], agreed: ShareTerms, data: st.DataObject
) -> None:
    line = line_amounts(net, 0, TaxDecision(rate, "cn_service", "S", included=False))
    released = returned = 0
    for part in split_line(line.net_minor, line.tax_minor, rate, weights):
        shares = split(part.net_minor, part.tax_minor, agreed)
        assert shares.total_minor == part.gross_minor
        assert min(shares.parts()) >= 0
        if data.draw(st.booleans()):
            released += shares.total_minor
        else:
            returned += reverse_split(part.gross_minor, shares).total_minor
    assert released + returned == line.gross_minor


def test_a_milestone_without_a_price_costs_nothing_and_one_of_many_keeps_the_order() -> None:
    parts = split_line(849_057, 50_943, 60_000, [280_000, 0, 460_000, 160_000])
    assert [part.gross_minor for part in parts] == [280_000, 0, 460_000, 160_000]
    assert split_line(0, 0, 60_000, [0, 0])[0].gross_minor == 0
