"""A disputed amount is exactly its parts, taken first from what is still there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.disputes.allocate_dispute import PaidOrder, allocate_dispute
from kernel.ids import uuid7

ORDERS = st.lists(
    st.integers(1, 10**9).flatmap(
        lambda amount: st.integers(-amount, amount).map(lambda left: PaidOrder(amount, left))
    ),
    min_size=1,
    max_size=6,
)


@given(orders=ORDERS, data=st.data())
def test_parts_are_the_amount_and_take_first_what_is_left(orders: list[PaidOrder], data: st.DataObject) -> None:
    named = {uuid7(): one for one in orders}
    paid_minor = sum(one.amount_minor for one in orders)
    amount_minor = data.draw(st.integers(1, paid_minor))
    parts = allocate_dispute(amount_minor, named)
    assert sum(parts.values()) == amount_minor
    left = {order_id: max(0, one.left_minor) for order_id, one in named.items()}
    for order_id, part_minor in parts.items():
        assert 0 < part_minor <= named[order_id].amount_minor
        if amount_minor <= sum(left.values()):
            assert part_minor <= left[order_id]
        else:
            assert part_minor >= left[order_id]


def test_a_whole_payment_is_all_of_each_order() -> None:
    first, second = uuid7(), uuid7()
    orders = {first: PaidOrder(106_000, 106_000), second: PaidOrder(212_000, 12_000)}
    assert allocate_dispute(318_000, orders) == {first: 106_000, second: 212_000}
    assert allocate_dispute(59_000, orders) == {first: 53_000, second: 6_000}


@pytest.mark.parametrize("amount_minor", [0, -1, 318_001])
def test_more_than_was_paid_or_nothing_is_no_dispute(amount_minor: int) -> None:
    with pytest.raises(ValueError, match="at most the payment"):
        allocate_dispute(amount_minor, {uuid7(): PaidOrder(318_000, 318_000)})
