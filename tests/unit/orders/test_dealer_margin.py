"""Whatever is off, and in however many instalments it is paid: the margin is the plan's price less all that the dealer pays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.checkout.in_instalments import in_instalments
from orders.order.dealer_margin import DealerMargin, margin_at_list
from tests.unit.orders.test_in_instalments import PARTS, line

SOLD: dict[str, Any] = {"end_customer": {"name": "x"}, "tier": {"list_minor": 1_000}}


@given(
    bought=st.integers(0, 10**12),
    off_ppm=st.integers(0, 1_000_000),
    more=st.integers(0, 10**12),
    parts=PARTS,
    rate_ppm=st.integers(0, 300_000),
    included=st.booleans(),
)
def test_paid_and_margin_are_the_plans_price(
    bought: int,
    off_ppm: int,
    more: int,
    parts: int,
    rate_ppm: int,
    included: bool,  # noqa: FBT001 - a case
) -> None:
    off = bought * off_ppm // 1_000_000
    whole = line(bought, off, parts, rate_ppm, included=included)
    paid = in_instalments(whole)
    plan = SOLD | {"tier": {"list_minor": bought + more}, "instalments": [one.model_dump() for one in paid.instalments]}
    margin = margin_at_list(plan, paid.list_minor, paid.discount_minor)
    assert margin is not None
    assert margin.paid_minor == whole.list_minor - whole.discount_minor
    assert margin.minor == more + off
    assert 0 <= margin.ppm <= 1_000_000


@pytest.mark.parametrize(
    "changes", [{"end_customer": None}, {"tier": None}, {"tier": {"list_minor": None}}, {"end_customer": {}}]
)
def test_what_is_compared_with_nothing_has_none(changes: dict[str, Any]) -> None:
    assert margin_at_list(SOLD, 700, 0) == DealerMargin(1_000, 700)
    assert margin_at_list(SOLD | changes, 700, 0) is None
    assert margin_at_list({}, 700, 0) is None


@pytest.mark.parametrize(("listed", "paid", "ppm"), [(3, 2, 333_333), (3, 1, 666_667), (0, 0, 0), (200, 201, -5_000)])
def test_its_share_is_rounded_half_up(listed: int, paid: int, ppm: int) -> None:
    assert DealerMargin(listed, paid).ppm == ppm
