"""A price in brief and in words: every figure that is shown is one that is charged."""

from __future__ import annotations

import random
from typing import Any

import pytest

from kernel.errors import Invalid
from marketplace.pricing.components import MICRO, PlanPrice
from marketplace.pricing.engine import PriceLine, price_term, price_usage
from marketplace.pricing.shapes import at_unit_price, headline, is_by_seat, parse_price, simple_price
from marketplace.pricing.words import LANGUAGES, line_in_words, price_in_words
from tests.unit.marketplace.test_pricing import calls, plan, seats

TEAM = plan(
    {"kind": "flat", "amount_minor": 398_000},
    seats((50, 19_900), (None, 15_900), minimum=20, included=20),
    {"kind": "setup", "amount_minor": 50_000},
    calls((None, 1), included=10_000, cap_minor=100_000),
)


@pytest.mark.parametrize(
    ("price", "brief"),
    [
        (simple_price("per_seat", "year", "CNY", 19_900, 5, 100), ("per_seat", 19_900, 5, 100, 5)),
        (simple_price("flat", "month", "CNY", 120_000), ("flat", 120_000, 1, 1, 0)),
        (simple_price("one_off", "none", "CNY", 680_000), ("one_off", 680_000, 1, 1, 0)),
        (plan(seats((9, 200), (None, 100))), ("per_seat", 200, 1, 1_000_000, 1)),
        (plan(calls((None, 5))), ("usage", 0, 1, 1, 0)),
        (plan(), ("flat", 0, 1, 1, 0)),
        (plan({"kind": "flat", "amount_minor": 1010}, rounding_off_minor=20), ("mixed", 1008, 1, 1, 0)),
        (TEAM, ("mixed", 398_000, 20, 1_000_000, 20)),
        (plan({"kind": "commitment", "amount_minor": 900}, calls((None, 1))), ("mixed", 900, 1, 1, 0)),
    ],
)
def test_the_headline_is_the_least_that_an_interval_costs(price: PlanPrice, brief: tuple[Any, ...]) -> None:
    found = headline(price)
    assert (found.shape, found.unit_price_minor, found.min_seats, found.max_seats, found.included_seats) == brief


def test_milestones_are_a_price_paid_once() -> None:
    steps = [{"code": "start", "amount_minor": 300}, {"code": "live", "amount_minor": 700}]
    service = plan({"kind": "milestones", "steps": steps}, interval="none", term_months=0)
    assert (headline(service).shape, headline(service).unit_price_minor) == ("one_off", 1000)


@pytest.mark.parametrize("number", range(300))
def test_what_is_written_in_brief_costs_what_it_did(number: int) -> None:
    """A unit price times a quantity, as before there were components."""
    chance = random.Random(number)
    unit, quantity = chance.randrange(10**8), chance.randint(1, 5000)
    assert price_term(simple_price("per_seat", "year", "CNY", unit, 1, 5000), quantity).amount_minor == unit * quantity
    assert price_term(simple_price("flat", "month", "CNY", unit)).amount_minor == unit


@pytest.mark.parametrize("number", range(300))
def test_an_offered_unit_price_is_what_is_charged(number: int) -> None:
    chance = random.Random(number)
    unit, quantity = chance.randrange(10**8), chance.randint(1, 1_000_000)
    price = simple_price("per_seat", "year", "CNY", unit + chance.randrange(1000), 10, 20)
    assert price_term(at_unit_price(price, unit), quantity).amount_minor == unit * quantity


def test_a_price_of_parts_is_not_offered_by_one_figure() -> None:
    with pytest.raises(Invalid, match="offer_price"):
        at_unit_price(TEAM, 1)


@pytest.mark.parametrize("number", range(500))
def test_every_price_can_be_said(number: int) -> None:
    """In both languages, a sentence for each component and for each line, and the amount that is charged is in it."""
    price = _any_price(random.Random(number))
    low = headline(price).min_seats
    for language in LANGUAGES:
        assert len(price_in_words(price, language)) >= max(1, len(price.components))
        for line in price_term(price, low).lines + price_usage(price, {}).lines:
            said = line_in_words(line, price.interval, price.currency, language)
            assert said.strip()
            assert "{" not in said


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"interval": "quarter"}, "interval_unfit", "price"),
        ({"instalments": 3}, "instalments_unfit", "price"),
        (
            {"components": [{"kind": "flat", "amount_minor": -1}]},
            "price_invalid",
            "price.components.0.flat.amount_minor",
        ),
        ({"components": [{"kind": "flat", "amount_minor": 1}] * 2}, "component_twice", "price"),
        ({"components": [{"kind": "commitment", "amount_minor": 1}]}, "commitment_without_usage", "price"),
        ({"components": [{"kind": "magic"}]}, "price_invalid", "price.components.0"),
        (
            {"components": [seats((9, 1), (9, 1), (None, 1))]},
            "tiers_out_of_order",
            "price.components.0.per_seat",
        ),
        ({"components": [seats((None, 1), minimum=3, maximum=2)]}, "seats_invalid", "price.components.0.per_seat"),
        (
            {"components": [seats((None, 1)) | {"tiers": [{"up_to": None, "unit_micro": MICRO + 1}]}]},
            "price_invalid",
            "price.components.0.per_seat.tiers.0.unit_micro",
        ),
        (
            {"components": [calls((None, 1)) | {"dimension": "API calls"}]},
            "price_code_invalid",
            "price.components.0.metered.dimension",
        ),
        (
            {"components": [calls((None, 1)) | {"name": "two\nlines"}]},
            "price_name_invalid",
            "price.components.0.metered.name",
        ),
        (
            {"components": [calls((None, 1)) | {"unit": "x" * 31}]},
            "price_name_invalid",
            "price.components.0.metered.unit",
        ),
    ],
)
def test_what_cannot_be_a_price_is_refused_by_name(change: dict[str, Any], code: str, field: str) -> None:
    written: dict[str, Any] = {"currency": "CNY", "interval": "month", "term_months": 10, "components": []}
    with pytest.raises(Invalid) as refused:
        parse_price(written | change)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_what_is_metered_is_called_by_its_name_and_what_was_sold_before_by_its_code() -> None:
    old = parse_price(
        {"currency": "CNY", "interval": "month", "term_months": 1, "components": [calls((None, 35), included=300)]}
    )
    words = {"name": "接口调用", "name_en": "API calls", "unit": "次", "unit_en": "calls"}
    (metered,) = old.metered.values()
    new = old.model_copy(update={"components": (metered.model_copy(update=words),)})
    said = {language: price_in_words(new, language)[0] for language in LANGUAGES}
    assert said["zh-CN"].startswith("用量 接口调用：每月含 300 次，超出部分每次 ")
    assert said["en"].startswith("Usage API calls: 300 calls a month included, then ")
    assert "api_calls" in price_in_words(old, "zh-CN")[0]
    once, again = price_usage(old, {"api_calls": 420}), price_usage(new, {"api_calls": 420})
    assert again.amount_minor == once.amount_minor
    assert [one.model_copy(update={"name": "", "name_en": ""}) for one in again.lines] == list(once.lines)
    assert line_in_words(again.lines[0], "month", "CNY", "zh-CN").startswith("用量 接口调用 420（含 300）")
    kept = again.lines[0].model_dump(mode="json", exclude={"name", "name_en"})
    assert line_in_words(PriceLine.model_validate(kept), "month", "CNY", "en").startswith("Usage api_calls 420")


def test_a_seat_costs_whole_minor_units() -> None:
    tiers = [{"up_to": None, "unit_micro": MICRO + 1}]
    with pytest.raises(Invalid, match="price_invalid"):
        parse_price(
            {
                "currency": "CNY",
                "interval": "month",
                "term_months": 1,
                "components": [{"kind": "per_seat", "tiers": tiers}],
            }
        )


def _any_price(chance: random.Random) -> PlanPrice:
    bounds = sorted({chance.randrange(1, 300) for _ in range(chance.randrange(4))})
    tiers = [(bound, chance.randrange(1, 10**6)) for bound in (*bounds, None)]
    mode = chance.choice(("graduated", "volume"))
    parts = [
        {"kind": "flat", "amount_minor": chance.randrange(10**8)},
        {"kind": "setup", "amount_minor": chance.randrange(10**6)},
        {"kind": "one_off", "amount_minor": chance.randrange(10**6)},
        seats(*tiers, mode=mode, included=chance.choice((0, 5, 20)), step=chance.choice((1, 5))),
        calls(*tiers, mode=mode, included=chance.choice((0, 1000)), cap_minor=chance.choice((None, 10**5))),
        {"kind": "milestones", "steps": [{"code": "live", "amount_minor": chance.randrange(10**6)}]},
    ]
    return plan(
        *chance.sample(parts, chance.randrange(len(parts) + 1)),
        interval=chance.choice(("month", "quarter", "year")),
        instalments=chance.choice((1, 4)),
        rounding_off_minor=chance.choice((0, 50)),
        currency=chance.choice(("CNY", "JPY", "KWD")),
    )


def test_a_quantity_of_seats_is_known_from_the_price() -> None:
    assert is_by_seat("per_seat", None)
    assert is_by_seat("mixed", TEAM.model_dump(mode="json"))
    assert not is_by_seat("mixed", plan({"kind": "flat", "amount_minor": 1}).model_dump(mode="json"))
