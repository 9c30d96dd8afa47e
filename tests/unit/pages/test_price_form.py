"""The form of a price can make every price, fills with exactly what is stored, and refuses at the field that is wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest

from api.pages.frame.site import Form
from api.pages.listings.price_form import metered_rows, milestone_rows, price_of, price_values, tier_rows
from kernel.errors import Invalid
from marketplace.pricing.components import MICRO, MONTHS_OF, PlanPrice
from marketplace.pricing.engine import price_term

SEATS = {
    "seats_minimum": "20",
    "seats_included": "20",
    "seats_tier_0_to": "50",
    "seats_tier_0_price": "199",
    "seats_tier_2_price": "¥159.00",
}
CALLS = {"metered_0_code": "api_calls", "metered_0_tier_0_price": "0.0035"}


def form(**values: str) -> Form:
    return Form({"price_interval": "month", "price_term_months": "1", "price_instalments": "1"} | values, {})


def _tiers(chance: random.Random, grain: int) -> list[dict[str, Any]]:
    bounds = sorted({chance.randrange(1, 10**6) for _ in range(chance.randrange(5))})
    return [
        {
            "up_to": bound,
            "unit_micro": chance.choice((0, chance.randrange(10**9), chance.randrange(10**15))) // grain * grain,
            "flat_minor": chance.choice((0, chance.randrange(10**6))),
        }
        for bound in (*bounds, None)
    ]


def any_price(chance: random.Random) -> PlanPrice:
    """Any mixture of components, in any order."""
    mode = chance.choice(("graduated", "volume"))
    once: list[dict[str, Any]] = [
        {"kind": "setup", "amount_minor": chance.randrange(10**6)},
        {"kind": "one_off", "amount_minor": chance.randrange(10**6)},
        {"kind": "milestones", "steps": [{"code": f"m{n}", "amount_minor": n} for n in range(chance.randint(1, 5))]},
    ]
    recurring: list[dict[str, Any]] = [
        {"kind": "flat", "amount_minor": chance.randrange(10**8)},
        {"kind": "per_seat", "mode": mode, "tiers": _tiers(chance, MICRO), "step": chance.randint(1, 10)}
        | {"minimum": chance.randint(1, 9), "maximum": chance.randint(9, 10**6), "included": chance.choice((0, 20))},
        {"kind": "commitment", "amount_minor": chance.randrange(10**8), "overage_ppm": chance.randrange(10**7)},
        *(
            {"kind": "metered", "dimension": f"d{n}", "mode": mode, "tiers": _tiers(chance, 1)}
            | {"included": chance.choice((0, 10**6)), "cap_minor": chance.choice((None, 0, 10**5))}
            | {name: chance.choice(("", "接口调用")) for name in ("name", "name_en", "unit", "unit_en")}
            for n in range(4)
        ),
    ]
    interval = chance.choice(("none", "month", "quarter", "year"))
    pool = once if interval == "none" else [*once, *recurring]
    parts = chance.sample(pool, chance.randrange(len(pool) + 1))
    if not any(part["kind"] == "metered" for part in parts):
        parts = [part for part in parts if part["kind"] != "commitment"]
    term = MONTHS_OF[interval] * chance.randint(1, 5)
    return PlanPrice.model_validate(
        {
            "currency": chance.choice(("CNY", "JPY", "KWD")),
            "interval": interval,
            "term_months": term,
            "instalments": chance.choice([n for n in range(1, term + 1) if term % n == 0] or [1]),
            "rounding_off_minor": chance.choice((0, 50)),
            "components": parts,
        }
    )


@pytest.mark.parametrize("number", range(500))
def test_what_is_stored_fills_the_form_and_comes_back_the_same(number: int) -> None:
    price = any_price(random.Random(number))
    values = price_values(price)
    again = price_of(Form(values, {}), price.currency)
    assert again == price
    assert price_values(again) == values


def test_rows_may_be_blank_in_between() -> None:
    price = price_of(form(price_flat="3980", **SEATS), "CNY")
    assert price_term(price, 90).amount_minor == 398_000 + 50 * 19_900 + 20 * 15_900
    assert price.seats is not None
    assert (price.seats.minimum, price.seats.maximum, price.seats.step) == (20, 1_000_000, 1)


def test_a_call_may_cost_less_than_a_cent() -> None:
    price = price_of(form(**CALLS), "CNY")
    assert price.metered["api_calls"].tiers[0].unit_micro == 350_000


def test_each_section_has_blank_rows_to_go_on() -> None:
    assert (tier_rows(SEATS, "seats"), milestone_rows({}), metered_rows({}), metered_rows(CALLS)) == (5, 2, 1, 2)


@pytest.mark.parametrize(
    ("typed", "code", "name"),
    [
        ({"price_flat": "many"}, "price_invalid", "price_flat"),
        ({"price_setup": "1.005"}, "price_invalid", "price_setup"),
        ({"price_flat": "10000000000"}, "price_invalid", "price_flat"),
        ({"price_rounding_off": "-1"}, "price_invalid", "price_rounding_off"),
        ({"price_interval": "day"}, "price_invalid", "price_interval"),
        ({"price_interval": "year", "price_term_months": "18"}, "interval_unfit", "price_term_months"),
        ({"price_term_months": "x"}, "number_out_of_range", "price_term_months"),
        ({"price_term_months": "61"}, "number_out_of_range", "price_term_months"),
        ({"price_term_months": "12", "price_instalments": "5"}, "instalments_unfit", "price_instalments"),
        (SEATS | {"price_interval": "none"}, "interval_unfit", "price_interval"),
        (SEATS | {"seats_maximum": "19"}, "seats_invalid", "seats_maximum"),
        (SEATS | {"seats_step": "0"}, "number_out_of_range", "seats_step"),
        (SEATS | {"seats_tier_2_to": "50"}, "tiers_out_of_order", "seats_tier_2_to"),
        (SEATS | {"seats_tier_2_price": "0.001"}, "price_invalid", "seats_tier_2_price"),
        (SEATS | {"seats_tier_2_price": ""} | {"seats_tier_2_flat": "1"}, "unit_price_invalid", "seats_tier_2_price"),
        (SEATS | {"seats_tier_0_flat": "x"}, "price_invalid", "seats_tier_0_flat"),
        (SEATS | {"seats_mode": "magic"}, "price_invalid", "seats_mode"),
        ({"seats_minimum": "5"}, "price_invalid", "seats_tier_0_price"),
        (CALLS | {"metered_0_code": "API"}, "price_code_invalid", "metered_0_code"),
        (CALLS | {"metered_0_cap": "x"}, "price_invalid", "metered_0_cap"),
        (CALLS | {"metered_2_code": "api_calls", "metered_2_tier_0_price": "1"}, "component_twice", "metered_2_code"),
        (CALLS | {"metered_0_tier_1_price": "1"}, "tiers_out_of_order", "metered_0_tier_1_to"),
        (CALLS | {"metered_0_name": "调" * 81}, "price_name_invalid", "metered_0_name"),
        (CALLS | {"metered_0_unit_en": "c" * 31}, "price_name_invalid", "metered_0_unit_en"),
        ({"metered_1_name": "调用"}, "price_invalid", "metered_1_tier_0_price"),
        ({"commitment_amount": "100"}, "commitment_without_usage", "commitment_amount"),
        (CALLS | {"commitment_amount": "1", "commitment_rate": "1001"}, "price_rate_invalid", "commitment_rate"),
        (CALLS | {"commitment_rate": "80"}, "price_invalid", "commitment_amount"),
        ({"milestone_3_code": "go", "milestone_3_amount": ""}, "price_invalid", "milestone_3_amount"),
        ({"milestone_3_code": "Go", "milestone_3_amount": "1"}, "price_code_invalid", "milestone_3_code"),
        (
            {"milestone_0_code": "go", "milestone_0_amount": "1", "milestone_4_code": "go", "milestone_4_amount": "2"},
            "milestone_named_twice",
            "milestone_4_code",
        ),
    ],
)
def test_a_refusal_is_about_the_field_that_is_wrong(typed: dict[str, str], code: str, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        price_of(form(**typed), "CNY")
    assert (refused.value.code, refused.value.field) == (code, name)
