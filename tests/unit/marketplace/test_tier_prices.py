"""Whatever a plan costs and whatever its seller says of a tier: a partner never pays more than others, nor less than nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kernel.errors import Invalid
from kernel.money import PPM
from marketplace.pricing.components import PlanPrice
from marketplace.pricing.engine import price_term, price_usage
from marketplace.pricing.shapes import simple_price
from marketplace.pricing.tier_price import TierFigures, better_at_tier, price_at_tier
from orders.amendments.amendment_price import Agreed
from tests.unit.marketplace.test_pricing import calls, plan, seats

CASES = 200
FIGURE = st.integers(0, 10**7)
OCCASIONS: tuple[Any, ...] = ("new", "renewal")


@st.composite
def mixed(draw: st.DrawFn, dimension: str = "api_calls") -> PlanPrice:
    """A setup fee, a flat fee, seats in two tiers and usage in two, with a rounding off: any of them may cost nothing."""
    bound = draw(st.integers(1, 60))
    usage = calls((draw(st.integers(1, 500)), draw(FIGURE)), (None, draw(FIGURE)), included=draw(st.integers(0, 999)))
    return plan(
        {"kind": "setup", "amount_minor": draw(FIGURE)},
        {"kind": "flat", "amount_minor": draw(FIGURE)},
        seats((bound, draw(FIGURE)), (None, draw(FIGURE)), mode=draw(st.sampled_from(["graduated", "volume"]))),
        usage | {"dimension": dimension, "cap_minor": draw(st.one_of(st.none(), FIGURE))},
        rounding_off_minor=draw(st.integers(0, 500)),
    )


simple = st.builds(
    lambda pricing, unit: simple_price(pricing, "month", "CNY", unit, 1, 500),
    st.sampled_from(["flat", "per_seat"]),
    FIGURE,
)
prices = st.one_of(mixed(), simple)
figures = st.one_of(
    st.builds(TierFigures, discount_ppm=st.integers(1, PPM)),
    st.builds(TierFigures, unit_price_minor=FIGURE, currency=st.sampled_from(["CNY", "EUR"])),
    st.builds(lambda own: TierFigures(price=own.model_dump(mode="json")), mixed()),
)


def number(listed: PlanPrice, wanted: int) -> int:
    return wanted if listed.seats is not None else 1


@settings(max_examples=2 * CASES)
@given(listed=prices, said=figures, wanted=st.integers(1, 400))
def test_nothing_at_a_tier_costs_more_than_at_the_plans_price_nor_less_than_nothing(
    listed: PlanPrice, said: TierFigures, wanted: int
) -> None:
    quantity = number(listed, wanted)
    own = better_at_tier(listed, said, quantity)
    if own is None:
        return
    for occasion in OCCASIONS:
        mine, theirs = (price_term(price, quantity, occasion).amount_minor for price in (own, listed))
        assert 0 <= mine <= theirs
    assert Agreed(own, quantity).exact() <= Agreed(listed, quantity).exact()


@settings(max_examples=CASES)
@given(listed=mixed(), said=figures, used=st.integers(0, 10**6))
def test_nor_does_what_is_used(listed: PlanPrice, said: TierFigures, used: int) -> None:
    own = better_at_tier(listed, said, 20)
    assume(own is not None)
    assert own is not None
    usage = {"api_calls": Fraction(used, 100)}
    assert 0 <= price_usage(own, usage).amount_minor <= price_usage(listed, usage).amount_minor


@settings(max_examples=CASES)
@given(listed=prices, said=figures, wanted=st.integers(1, 400))
def test_the_same_in_is_the_same_out_also_from_what_was_kept(listed: PlanPrice, said: TierFigures, wanted: int) -> None:
    quantity = number(listed, wanted)
    first, again = (better_at_tier(listed, said, quantity) for _ in range(2))
    assert first == again
    if first is None:
        return
    kept = PlanPrice.model_validate(first.model_dump(mode="json"))
    assert [price_term(kept, quantity, one) for one in OCCASIONS] == [
        price_term(first, quantity, one) for one in OCCASIONS
    ]


@settings(max_examples=CASES)
@given(listed=prices, ppm=st.integers(1, PPM), more=st.integers(0, PPM), wanted=st.integers(1, 400))
def test_more_off_is_never_dearer(listed: PlanPrice, ppm: int, more: int, wanted: int) -> None:
    quantity, off = number(listed, wanted), min(PPM, ppm + more)
    less, least = (
        price_at_tier(listed.model_copy(update={"rounding_off_minor": 0}), TierFigures(one)) for one in (ppm, off)
    )
    assert price_term(least, quantity).amount_minor <= price_term(less, quantity).amount_minor


@settings(max_examples=CASES)
@given(listed=mixed(), own=mixed(dimension="storage"))
def test_figures_for_something_else_are_refused_and_the_plans_price_holds(listed: PlanPrice, own: PlanPrice) -> None:
    said = TierFigures(price=own.model_dump(mode="json"))
    with pytest.raises(Invalid, match="tier_price_unfit"):
        price_at_tier(listed, said)
    assert better_at_tier(listed, said, 20) is None


def test_a_lower_first_term_with_dearer_renewals_or_usage_is_no_partners_price() -> None:
    """What a partner gets without choosing it must not be the dearer one in the end."""
    listed = plan(
        {"kind": "setup", "amount_minor": 500_00}, {"kind": "flat", "amount_minor": 100_00}, calls((None, 10))
    )
    dearer_later = plan(
        {"kind": "setup", "amount_minor": 0}, {"kind": "flat", "amount_minor": 120_00}, calls((None, 10))
    )
    dearer_used = plan({"kind": "setup", "amount_minor": 0}, {"kind": "flat", "amount_minor": 90_00}, calls((None, 11)))
    fair = plan({"kind": "setup", "amount_minor": 0}, {"kind": "flat", "amount_minor": 90_00}, calls((None, 10)))
    found = [
        better_at_tier(listed, TierFigures(price=one.model_dump(mode="json")), 1)
        for one in (dearer_later, dearer_used, fair)
    ]
    assert found == [None, None, fair]
