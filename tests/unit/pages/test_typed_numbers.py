"""Numbers as people type them: full-width digits are digits, and what is none is refused with its bounds."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.frame.amounts import typed_amount
from api.pages.frame.prices import parse_amount
from api.pages.frame.site import Form
from api.pages.frame.typed_numbers import find_whole, whole_number
from api.pages.listings.forms import plan_of, text_of
from api.pages.videos.chapter_lines import read_chapters
from kernel.errors import Invalid
from marketplace.catalog.plan_terms import MAX_FIGURE, Feature, checked_plan
from tests.factories_marketplace import per_seat_plan

PLAN = {
    "price_unit": "seat/year",
    "currency": "CNY",
    "price": "１，９９０．５０",
    "min_seats": "５",
    "max_seats": "５００",
}


def wide(figure: str) -> str:
    """As a Chinese keyboard types it."""
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in figure)


@given(st.integers(0, 10**12))
def test_full_width_is_plain(number: int) -> None:
    assert whole_number(wide(str(number)), field="n", most=10**12) == number
    assert Form({"n": wide(str(number))}, {}).number("n", most=10**12) == number
    assert parse_amount(wide(f"¥{number % 10**9:,}.50"), "CNY") == number % 10**9 * 100 + 50
    assert typed_amount(wide(f"{number % 10**9:,}.50"), "CNY", field="n") == number % 10**9 * 100 + 50


@given(st.text(max_size=20))
def test_nothing_else_is_a_number(typed: str) -> None:
    written = unicodedata.normalize("NFKC", typed).strip()
    number = find_whole(typed)
    assert (number is not None) == (written.isascii() and written.isdigit() and len(written) <= 15)


def test_a_plan_and_its_figures_are_typed_either_way() -> None:
    plan = plan_of(Form(PLAN | {"feature_0_zh": "存储", "feature_0_value": " １２ "}, {}), "standard")
    assert (plan.unit_price_minor, plan.min_seats, plan.max_seats, plan.features[0].value) == (199_050, 5, 500, 12)
    assert text_of(Form({"refund_window_days": "３０", "data_kept_days": "30"}, {})).refund_window_days == 30
    assert [one.at_ms for one in read_chapters("０：４２　价格")] == [42_000]


@pytest.mark.parametrize(
    ("field", "typed", "bounds"),
    [
        ("feature_0_value", "1234567890123", (0, MAX_FIGURE)),
        ("feature_0_value", "12 GB", (0, MAX_FIGURE)),
        ("feature_0_value", "-1", (0, MAX_FIGURE)),
        ("min_seats", "0", (1, 1_000_000)),
        ("max_seats", "一", (1, 1_000_000)),
    ],
)
def test_bounds_are_said(field: str, typed: str, bounds: tuple[int, int]) -> None:
    with pytest.raises(Invalid, match="number_out_of_range") as refused:
        plan_of(Form(PLAN | {"feature_0_zh": "存储", field: typed}, {}), "standard")
    assert (refused.value.params["least"], refused.value.params["most"]) == bounds


@pytest.mark.parametrize("value", [-1, MAX_FIGURE + 1])
def test_whoever_writes_a_figure_keeps_its_bounds(value: int) -> None:
    with pytest.raises(Invalid, match="number_out_of_range"):
        checked_plan(per_seat_plan(features=(Feature("storage", "存储", "Storage", value),)))
