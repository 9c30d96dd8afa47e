"""A seller's own figures: a discount leaves what is included, fits the plan, and is compared with it exactly."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from kernel.errors import Invalid
from kernel.money import PPM
from marketplace.pricing.components import MICRO, PlanPrice
from marketplace.pricing.engine import exact_usage, price_term, rate
from marketplace.pricing.offered import compared, discounted, first_terms, is_one_figure, require_fit, with_seat_floor
from marketplace.pricing.shapes import simple_price
from tests.unit.marketplace.test_price_shapes import TEAM
from tests.unit.marketplace.test_pricing import calls, plan, seats

ROUNDS = 2_000


def below(listed: PlanPrice, own: PlanPrice, count: int, floor_ppm: int) -> bool:
    return any(mine * PPM < theirs * floor_ppm for mine, theirs in compared(listed, own, count))


def random_price(chance: random.Random) -> PlanPrice:
    """Flat, seats, setup and usage, of figures that a discount rounds."""

    def figure() -> int:
        return chance.randrange(1, 10**6)

    bound = chance.randrange(1, 50)
    return plan(
        {"kind": "flat", "amount_minor": figure()},
        {"kind": "setup", "amount_minor": figure()},
        seats((bound, figure()), (None, figure()), mode=chance.choice(["graduated", "volume"])),
        calls((100, figure()), (None, figure()), included=chance.randrange(1000), cap_minor=figure()),
        rounding_off_minor=chance.randrange(100),
    )


@pytest.mark.parametrize(
    ("price", "one"),
    [
        (simple_price("per_seat", "year", "CNY", 19_900, 5, 100), True),
        (simple_price("flat", "month", "CNY", 120_000), True),
        (simple_price("one_off", "none", "CNY", 680_000), True),
        (plan({"kind": "flat", "amount_minor": 10}), False),
        (plan(seats((9, 200), (None, 100)), term_months=1), False),
        (plan(seats((None, 100), included=2), term_months=1), False),
        (plan(calls((None, 5)), term_months=1), False),
        (plan(term_months=1), False),
        (TEAM, False),
    ],
)
def test_one_figure_is_a_unit_price_and_nothing_else(price: PlanPrice, *, one: bool) -> None:
    assert is_one_figure(price) is one


def test_a_discount_is_off_every_figure_and_leaves_what_is_included() -> None:
    less = discounted(TEAM, 150_000)
    flat, per_seat, setup, usage = (one.model_dump() for one in less.components)
    assert (flat["amount_minor"], setup["amount_minor"]) == (338_300, 42_500)
    assert [one["unit_micro"] for one in per_seat["tiers"]] == [16_915 * MICRO, 13_515 * MICRO]
    assert (per_seat["included"], per_seat["minimum"]) == (20, 20)
    assert (usage["included"], usage["cap_minor"], usage["tiers"][0]["unit_micro"]) == (10_000, 85_000, 850_000)
    assert price_term(less, 20).amount_minor == price_term(TEAM, 20).amount_minor * 85 // 100


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_discount_is_never_above_its_plan_and_off_by_its_rounding_alone(number: int) -> None:
    chance = random.Random(number)
    price, ppm, count = random_price(chance), chance.randrange(PPM + 1), chance.randrange(1, 200)
    less = discounted(price, ppm)
    require_fit(price, less)
    mine, theirs = first_terms(price, less, count)
    assert 0 <= mine <= theirs or price.rounding_off_minor
    # Half a unit for each seat and interval, each figure and the rounding off.
    assert abs(Fraction(mine) - Fraction(theirs * (PPM - ppm), PPM)) <= Fraction(12 * (200 + 4))
    assert not below(price, price, count, PPM)
    assert not any(theirs and mine > theirs for mine, theirs in compared(price, less, count)[2:])


@pytest.mark.parametrize("number", range(ROUNDS))
def test_what_is_compared_of_usage_bounds_every_quantity(number: int) -> None:
    chance = random.Random(number)
    listed, own = random_price(chance), random_price(chance)
    floor_ppm = chance.randrange(1, PPM + 1)
    if below(listed, own, 20, floor_ppm):
        return
    (mine,), (theirs,) = own.metered.values(), listed.metered.values()
    if mine.cap_minor != theirs.cap_minor:
        return
    for quantity in (Fraction(chance.randrange(10**4)) for _ in range(20)):
        assert exact_usage(mine, quantity) * PPM >= exact_usage(theirs, quantity) * floor_ppm


def test_exact_usage_is_what_is_rated_before_rounding() -> None:
    usage = TEAM.metered["api_calls"]
    for quantity in (0, 10_000, 10_001, 10_050, 10**9):
        assert abs(exact_usage(usage, Fraction(quantity)) - rate(usage, quantity).amount_minor) <= Fraction(1, 2)


def test_more_included_or_a_lower_overage_is_below_a_floor_though_no_price_is() -> None:
    listed = plan({"kind": "commitment", "amount_minor": 900}, calls((None, 100), included=10))
    more = plan({"kind": "commitment", "amount_minor": 900}, calls((None, 100), included=1000))
    cheap = plan({"kind": "commitment", "amount_minor": 900, "overage_ppm": 1}, calls((None, 100), included=10))
    assert not below(listed, listed, 1, PPM)
    assert below(listed, more, 1, 900_000)
    assert below(listed, cheap, 1, 900_000)


def test_a_floor_looks_at_renewals_too() -> None:
    listed = plan({"kind": "flat", "amount_minor": 1_000}, {"kind": "setup", "amount_minor": 100_000}, term_months=1)
    own = plan({"kind": "flat", "amount_minor": 0}, {"kind": "setup", "amount_minor": 100_000}, term_months=1)
    assert below(listed, own, 1, 900_000)


@pytest.mark.parametrize(
    "own",
    [
        plan(seats((None, 1)), currency="USD"),
        plan(seats((None, 1)), interval="year", term_months=12),
        plan(seats((None, 1)), term_months=1),
        plan({"kind": "flat", "amount_minor": 1}),
        plan(seats((None, 1)), calls((None, 1))),
    ],
)
def test_what_is_delivered_stays_the_plans(own: PlanPrice) -> None:
    with pytest.raises(Invalid, match="offer_price_unfit"):
        require_fit(plan(seats((None, 2)), {"kind": "flat", "amount_minor": 9}), own)


def test_the_seats_that_are_offered_are_the_least() -> None:
    packs: dict[str, Any] = {"minimum": 10, "step": 5, "maximum": 100}
    held = with_seat_floor(plan(seats((None, 100), **packs)), 25)
    assert held.seats is not None
    assert [held.seats.is_sold(count) for count in (20, 25, 27, 30)] == [False, True, False, True]
    with pytest.raises(Invalid, match="quantity_step"):
        with_seat_floor(plan(seats((None, 100), **packs)), 26)
    assert with_seat_floor(plan({"kind": "flat", "amount_minor": 1}), 1).seats is None
