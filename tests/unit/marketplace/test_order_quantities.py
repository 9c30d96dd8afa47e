"""In what numbers partners order: exactly those that plan and terms both allow, and the nearest of them are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Invalid
from marketplace.pricing.order_quantities import Quantities, narrowed, quantities_of, require_quantity
from marketplace.pricing.shapes import simple_price
from marketplace.pricing.tier_price import TierFigures, partner_quantities

SMALL = st.integers(1, 30)
sold = st.builds(lambda least, step, more: Quantities(least, step, least + more), SMALL, SMALL, st.integers(1, 300))


@given(plan=sold, minimum=SMALL, step=SMALL)
def test_what_is_left_is_what_meets_both(plan: Quantities, minimum: int, step: int) -> None:
    both = [one for one in range(1, plan.most + 1) if plan.has(one) and Quantities(minimum, step, plan.most).has(one)]
    left = narrowed(plan, minimum, step)
    assert both == ([] if left is None else [one for one in range(1, plan.most + 1) if left.has(one)])


@given(plan=sold, wanted=st.integers(-5, 400))
def test_the_nearest_are_the_nearest(plan: Quantities, wanted: int) -> None:
    allowed = [one for one in range(1, plan.most + 1) if plan.has(one)]
    below, above = [one for one in allowed if one <= wanted], [one for one in allowed if one >= wanted]
    assert set(plan.nearest(wanted)) == {*below[-1:], *above[:1]}
    assert plan.has(wanted) == (plan.nearest(wanted) == (wanted,))


def test_what_is_bought_once_has_no_numbers() -> None:
    flat = simple_price("flat", "month", "CNY", 100)
    assert narrowed(quantities_of(flat), 10, 5) == Quantities(1, 1, 1)


def test_a_refusal_names_the_nearest_numbers() -> None:
    ordered = Quantities(10, 5, 100)
    require_quantity(ordered, 15)
    for quantity, code, nearest in ((3, "partner_minimum", "10"), (13, "partner_step", "10 / 15")):
        with pytest.raises(Invalid) as refused:
            require_quantity(ordered, quantity)
        assert (refused.value.code, refused.value.params["nearest"]) == (code, nearest)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (TierFigures(300_000, min_quantity=10, quantity_step=5), Quantities(10, 5, 500)),
        (TierFigures(300_000), Quantities(1, 1, 500)),
        # The plan is no dearer by now, so that nobody orders at these terms.
        (TierFigures(None, 9_999, "CNY", min_quantity=10, quantity_step=5), Quantities(1, 1, 500)),
        (TierFigures(300_000, min_quantity=501), Quantities(1, 1, 500)),
    ],
)
def test_terms_hold_where_their_price_does(figures: TierFigures, expected: Quantities) -> None:
    assert partner_quantities(simple_price("per_seat", "month", "CNY", 1_000, 1, 500), figures) == expected
