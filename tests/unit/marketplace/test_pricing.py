"""The price engine: published examples, rules by example, and a hundred thousand random plans held to what must always be."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from kernel.errors import Invalid
from marketplace.pricing.components import MICRO, Component, Metered, Mode, PerSeat, PlanPrice, Tier
from marketplace.pricing.engine import GRAIN, Priced, instalments, price_term, price_usage, rate
from marketplace.pricing.proration import between, difference, difference_by_year, remaining

CASES = 100_000
START = datetime(2026, 1, 31, tzinfo=UTC)
YEAR = timedelta(days=365)


def plan(*components: dict[str, Any], **fields: Any) -> PlanPrice:
    return PlanPrice.model_validate(
        {"currency": "CNY", "interval": "month", "term_months": 12} | fields | {"components": components}
    )


def seats(*tiers: tuple[int | None, int], mode: str = "graduated", **fields: Any) -> dict[str, Any]:
    """A per-seat component with prices in minor units."""
    return {"kind": "per_seat", "mode": mode, "tiers": _tiers(*tiers)} | fields


def calls(*tiers: tuple[int | None, int], mode: str = "graduated", **fields: Any) -> dict[str, Any]:
    return {"kind": "metered", "dimension": "api_calls", "mode": mode, "tiers": _tiers(*tiers)} | fields


def _tiers(*tiers: tuple[int | None, int]) -> list[dict[str, Any]]:
    return [{"up_to": up_to, "unit_micro": unit_minor * MICRO} for up_to, unit_minor in tiers]


class TestPublishedExamples:
    """DingTalk's marketplace, 规格与价格: prices of new, renewed and upgraded packs in yuan."""

    def test_a_pack_for_a_year_less_its_rounding_off(self) -> None:
        pack = plan({"kind": "flat", "amount_minor": 1010}, rounding_off_minor=20)
        assert price_term(pack).amount_minor == 121_00
        assert price_term(pack, occasion="renewal").amount_minor == 121_00

    def test_seats_for_a_year(self) -> None:
        assert price_term(plan(seats((None, 100))), 10).amount_minor == 10 * 12 * 1_00

    @pytest.mark.parametrize(("more_a_month", "paid"), [(10_00, 89_20), (10_00 * 30, 2676_08), (5_00 * 10, 446_01)])
    def test_an_upgrade_in_the_midst(self, more_a_month: int, paid: int) -> None:
        """With 271.32491003 days left; by exact arithmetic where the document contradicts itself (461.25, 434.12)."""
        left = timedelta(days=271) + timedelta(microseconds=28_072_226_592)
        assert left / timedelta(days=1) == pytest.approx(271.32491003, abs=1e-8)
        assert difference_by_year(10_00, 10_00 + more_a_month, left) == paid


class TestSeats:
    GRADUATED = plan(seats((10, 50_00), (50, 40_00), (None, 30_00)), term_months=1)
    VOLUME = plan(seats((10, 50_00), (50, 40_00), (None, 30_00), mode="volume"), term_months=1)

    @pytest.mark.parametrize(("count", "amount"), [(1, 50_00), (10, 500_00), (11, 540_00), (60, 2400_00)])
    def test_graduated(self, count: int, amount: int) -> None:
        priced = price_term(self.GRADUATED, count)
        assert priced.amount_minor == amount
        assert sum(bracket.amount_minor for bracket in priced.lines[0].brackets) == amount

    @pytest.mark.parametrize(
        ("count", "amount", "charged"),
        [(8, 400_00, "8"), (9, 440_00, "11"), (10, 440_00, "11"), (12, 480_00, "12"), (60, 1800_00, "60")],
    )
    def test_volume_never_costs_more_than_a_larger_number(self, count: int, amount: int, charged: str) -> None:
        priced = price_term(self.VOLUME, count)
        assert (priced.amount_minor, priced.lines[0].charged) == (amount, charged)

    def test_a_larger_number_that_is_not_sold_does_not_count(self) -> None:
        limited = plan(seats((10, 50_00), (None, 40_00), mode="volume", maximum=10), term_months=1)
        assert price_term(limited, 10).amount_minor == 500_00

    def test_included_seats_are_not_charged(self) -> None:
        pack = plan({"kind": "flat", "amount_minor": 100_00}, seats((None, 9_00), included=5), term_months=1)
        assert [price_term(pack, count).amount_minor for count in (1, 5, 6)] == [100_00, 100_00, 109_00]

    def test_packs(self) -> None:
        pack = plan(seats((None, 1_00), minimum=10, step=5, maximum=40))
        assert price_term(pack, 15).amount_minor == 15 * 12_00
        with pytest.raises(Invalid, match="quantity_step"):
            price_term(pack, 12)
        for count in (5, 45, 0):
            with pytest.raises(Invalid, match="quantity_out_of_range"):
                price_term(pack, count)

    def test_what_has_no_seats_is_bought_once(self) -> None:
        with pytest.raises(Invalid, match="quantity_out_of_range"):
            price_term(plan({"kind": "flat", "amount_minor": 1}), 2)


class TestMixtures:
    def test_a_first_term_asks_for_what_a_renewal_does_not(self) -> None:
        pack = plan(
            {"kind": "setup", "amount_minor": 500_00},
            {"kind": "flat", "amount_minor": 10_00},
            {"kind": "one_off", "amount_minor": 99_00},
        )
        assert price_term(pack).amount_minor == 719_00
        assert price_term(pack, occasion="renewal").amount_minor == 120_00

    def test_milestones_add_up(self) -> None:
        steps = [{"code": "design", "amount_minor": 300_00}, {"code": "live", "amount_minor": 700_00}]
        work = plan({"kind": "milestones", "steps": steps}, interval="none", term_months=0)
        priced = price_term(work)
        assert [(line.code, line.amount_minor) for line in priced.lines] == [("design", 300_00), ("live", 700_00)]

    def test_free(self) -> None:
        assert price_term(plan()) == Priced(currency="CNY", lines=(), amount_minor=0)

    def test_several_years_in_instalments(self) -> None:
        three = plan({"kind": "flat", "amount_minor": 100}, term_months=36, instalments=36, rounding_off_minor=1)
        parts = instalments(three, price_term(three).amount_minor)
        assert (len(parts), sum(parts), max(parts) - min(parts)) == (36, 3599, 1)


class TestUsage:
    def test_prices_finer_than_the_minor_unit(self) -> None:
        """A thousand calls free, then 0.35 cent each."""
        fine = plan(calls((None, 1), included=1000), interval="month", term_months=1)
        cheap = fine.metered["api_calls"].model_copy(update={"tiers": (Tier(up_to=None, unit_micro=350_000),)})
        assert [rate(cheap, count).amount_minor for count in (1000, 1001, 1002, 2000)] == [0, 0, 1, 350]

    def test_graduated_overage_and_cap(self) -> None:
        used = plan(calls((100, 2), (None, 1), cap_minor=250), term_months=1)
        assert [price_usage(used, {"api_calls": n}).amount_minor for n in (0, 100, 140, 150, 900)] == [
            0,
            200,
            240,
            250,
            250,
        ]
        assert price_usage(used, {"api_calls": 900}).lines[0].cap_minor == 250
        assert price_usage(used, {"api_calls": 150}).lines[0].cap_minor is None

    def test_commitment_is_drawn_first(self) -> None:
        committed = plan(
            {"kind": "commitment", "amount_minor": 100_00, "overage_ppm": 800_000}, calls((None, 1_00)), term_months=1
        )
        assert price_term(committed).amount_minor == 100_00
        assert [price_usage(committed, {"api_calls": n}).amount_minor for n in (0, 99, 100, 150)] == [0, 0, 0, 40_00]

    def test_refusals(self) -> None:
        used = plan(calls((None, 1)), term_months=1)
        for usage, code in (
            ({"storage": 1}, "dimension_unknown"),
            ({"api_calls": -1}, "quantity_negative"),
            ({"api_calls": Fraction(1, 10**7)}, "quantity_too_fine"),
        ):
            with pytest.raises(Invalid, match=code):
                price_usage(used, usage)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"components": [seats((10, 1), (10, 2), (None, 1))]}, "tiers_out_of_order"),
        ({"components": [seats((10, 1))]}, "tiers_out_of_order"),
        ({"components": [seats((None, 1), (None, 1))]}, "tiers_out_of_order"),
        ({"components": [seats((None, 1), minimum=5, maximum=4)]}, "seats_invalid"),
        ({"components": [calls((None, 1)), calls((None, 1))]}, "component_twice"),
        ({"components": [{"kind": "flat", "amount_minor": 1}] * 2}, "component_twice"),
        ({"components": [{"kind": "commitment", "amount_minor": 1}]}, "commitment_without_usage"),
        ({"interval": "none"}, "interval_unfit"),
        ({"interval": "year", "term_months": 18}, "interval_unfit"),
        ({"interval": "month", "term_months": 0}, "interval_unfit"),
        ({"interval": "none", "term_months": 0, "components": [seats((None, 1))]}, "interval_unfit"),
        ({"instalments": 5}, "instalments_unfit"),
    ],
)
def test_what_does_not_fit_together_is_refused(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError, match=code):
        PlanPrice.model_validate({"currency": "CNY", "interval": "month", "term_months": 12} | fields)


class TestParts:
    def test_seats_added_pay_for_the_rest_of_the_term(self) -> None:
        assert difference(1200_00, 1500_00, START, START + YEAR, START + YEAR * 0.25) == 225_00

    def test_before_and_after(self) -> None:
        assert remaining(100, START, START + YEAR, START - YEAR) == 100
        assert remaining(100, START, START + YEAR, START + YEAR) == 0

    def test_a_term_has_a_length(self) -> None:
        with pytest.raises(ValueError, match="ends after"):
            remaining(1, START, START, START)


class _Draw:
    """Random plans: any mixture, small and huge numbers, prices at which rounding matters."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def amount(self) -> int:
        return self.random.choice((0, 1, self.random.randrange(100), self.random.randrange(10**9)))

    def tiers(self) -> tuple[Tier, ...]:
        bounds = sorted({self.random.randrange(1, 300) for _ in range(self.random.randrange(5))})
        return tuple(
            Tier.model_construct(
                up_to=bound,
                unit_micro=self.random.choice((0, 350_000, self.random.randrange(10**12))),
                flat_minor=self.random.choice((0, 0, self.random.randrange(10**6))),
            )
            for bound in (*bounds, None)
        )

    def per_seat(self) -> PerSeat:
        return PerSeat.model_construct(
            kind="per_seat", mode=self.mode(), tiers=self.tiers(), minimum=1, maximum=400, step=1, included=self.few()
        )

    def metered(self) -> Metered:
        cap = self.random.choice((None, None, self.amount()))
        return Metered.model_construct(
            kind="metered",
            dimension="calls",
            name=self.name(),
            unit=self.name(),
            mode=self.mode(),
            tiers=self.tiers(),
            included=self.few(),
            cap_minor=cap,
        )

    def name(self) -> str:
        return self.random.choice(("", "调用"))

    def mode(self) -> Mode:
        return "graduated" if self.random.random() < 0.5 else "volume"

    def few(self) -> int:
        return self.random.choice((0, 0, self.random.randrange(20)))

    def quantity(self) -> Fraction:
        return self.random.choice((Fraction(self.random.randrange(400)), self.random.randrange(400 * 10**6) * GRAIN))


def _exact(component: Component, units: Fraction) -> Fraction:
    """What graduated tiers come to, unit by unit as a person would reckon."""
    assert isinstance(component, PerSeat | Metered)
    total, above = Fraction(0), 0
    for tier in component.tiers:
        within = max(Fraction(0), min(units, Fraction(tier.up_to or 10**18)) - above)
        total += within * tier.unit_micro / MICRO + (tier.flat_minor if within else 0)
        above = tier.up_to or above
    return total


def _half_up(exact: Fraction) -> int:
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _holds_for_seats(draw: _Draw) -> None:
    per_seat, months = draw.per_seat(), draw.random.choice((1, 3, 12, 36))
    price = PlanPrice.model_construct(
        currency="CNY",
        interval="month",
        term_months=months,
        instalments=draw.random.choice((1, months)),
        rounding_off_minor=draw.few(),
        components=(per_seat,),
    )
    low, high = sorted((draw.random.randrange(1, 400), draw.random.randrange(1, 400)))
    fewer, more = price_term(price, low), price_term(price, high)
    assert 0 <= fewer.amount_minor <= more.amount_minor
    for priced, count in ((fewer, low), (more, high)):
        (line,) = priced.lines
        assert sum(bracket.amount_minor for bracket in line.brackets) - line.rounding_off_minor == line.amount_minor
        assert all(bracket.amount_minor >= 0 for bracket in line.brackets)
        if per_seat.mode == "graduated":
            exact = _exact(per_seat, Fraction(max(0, count - per_seat.included))) * months
            assert line.amount_minor + line.rounding_off_minor == _half_up(exact)
    parts = instalments(price, more.amount_minor)
    assert sum(parts) == more.amount_minor
    assert max(parts) - min(parts) <= 1
    _holds_for_parts(draw, more.amount_minor)


def _holds_for_usage(draw: _Draw) -> None:
    metered = draw.metered()
    less, more = sorted((draw.quantity(), draw.quantity()))
    low, high = rate(metered, less), rate(metered, more)
    bare = metered.model_copy(update={"name": "", "unit": ""})
    assert rate(bare, more) == high.model_copy(update={"name": ""}), "a name decides no amount"
    assert 0 <= low.amount_minor <= high.amount_minor
    if metered.cap_minor is not None:
        assert high.amount_minor <= metered.cap_minor
    elif metered.mode == "graduated":
        assert high.amount_minor == _half_up(_exact(metered, max(Fraction(0), more - metered.included)))
        assert sum(bracket.amount_minor for bracket in high.brackets) == high.amount_minor


def _holds_for_parts(draw: _Draw, amount: int) -> None:
    seconds = draw.random.randrange(1, 10**8)
    end = START + timedelta(seconds=seconds)
    cuts = sorted(START + timedelta(microseconds=draw.random.randrange(seconds * 10**6)) for _ in range(3))
    bounds = [START, *cuts, end]
    parts = [between(amount, START, end, a, b) for a, b in pairwise(bounds)]
    assert sum(parts) == amount
    assert min(parts) >= 0


def test_whatever_a_plan_looks_like() -> None:
    """No negative amount, more never costs less, graduated is the sum of its brackets, parts add up to the whole."""
    for seed in range(CASES // 2):
        draw = _Draw(seed)
        try:
            _holds_for_seats(draw)
            _holds_for_usage(draw)
        except AssertionError as error:
            error.add_note(f"seed {seed}")
            raise
