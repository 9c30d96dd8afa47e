"""What needs an approver, over all amounts; and amounts as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.frame.amounts import typed_amount
from kernel.errors import Invalid
from orders.checkout.approval_reasons import measure

minor = st.integers(0, 10**12)
limits = st.none() | minor


@given(st.lists(minor, max_size=30), minor, limits)
def test_what_goes_by_itself_never_comes_to_more_than_the_months_limit(
    amounts: list[int], max_month: int, max_order: int | None
) -> None:
    spent = 0
    for gross in amounts:
        reasons = measure(gross, may_buy=True, max_order_minor=max_order, max_month_minor=max_month, spent_minor=spent)
        if not reasons:
            assert max_order is None or gross <= max_order
            spent += gross
        assert spent <= max_month


@given(minor, limits, limits, minor)
def test_nothing_waits_that_no_limit_holds(
    gross: int, max_order: int | None, max_month: int | None, spent: int
) -> None:
    reasons = measure(gross, may_buy=True, max_order_minor=max_order, max_month_minor=max_month, spent_minor=spent)
    above = {
        code
        for code, limit, amount in (("order_limit", max_order, gross), ("month_limit", max_month, spent + gross))
        if limit is not None and amount > limit
    }
    assert {one.code for one in reasons} == above
    asking = measure(gross, may_buy=False, max_order_minor=max_order, max_month_minor=max_month, spent_minor=spent)
    assert {one.code for one in asking} == above | {"may_not_buy"}


@pytest.mark.parametrize(
    ("text", "currency", "amount_minor"),
    [
        ("", "CNY", None),
        ("50000", "CNY", 5_000_000),
        ("50,000.5", "CNY", 5_000_050),
        (" 1 200.05 ", "CNY", 120_005),
        ("５００", "CNY", 50_000),
        ("0", "CNY", 0),
        ("1200", "JPY", 1_200),
        ("1.005", "KWD", 1_005),
    ],
)
def test_an_amount_as_it_is_typed(text: str, currency: str, amount_minor: int | None) -> None:
    assert typed_amount(text, currency, field="max_order") == amount_minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [("-1", "CNY"), ("1.005", "CNY"), ("1.5", "JPY"), ("1e9", "CNY"), ("5,00", "CNY"), ("٣", "CNY"), ("9" * 20, "CNY")],
)
def test_what_is_no_amount_is_refused_at_its_field(text: str, currency: str) -> None:
    with pytest.raises(Invalid, match="amount_invalid") as refused:
        typed_amount(text, currency, field="max_order")
    assert refused.value.field == "max_order"
