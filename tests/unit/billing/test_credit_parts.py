"""What of refunds goes back as money and what as credit: never more money than the gateway took, and all of it in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from billing.payments.models import PaymentAllocation
from billing.refunds.request_refund import RequestRefund, _credit_minor
from kernel.ids import uuid7


@st.composite
def refunded(draw: st.DrawFn) -> tuple[int, int, list[tuple[int, bool]]]:
    """An order's amount, what credit paid of it, and refunds: how much each, and whether it was agreed to be credit."""
    amount = draw(st.integers(1, 10**9))
    credit = draw(st.integers(0, amount))
    left, parts = amount, []
    for _ in range(draw(st.integers(0, 8))):
        part = draw(st.integers(0, left))
        if part:
            parts.append((part, draw(st.booleans())))
        left -= part
    if left:
        parts.append((left, draw(st.booleans())))
    return amount, credit, parts


@given(refunded())
def test_money_is_never_more_than_was_taken_and_nothing_is_lost(case: tuple[int, int, list[tuple[int, bool]]]) -> None:
    amount, credit, parts = case
    row = PaymentAllocation(amount_minor=amount, credit_minor=credit, reserved_minor=0, credit_back_minor=0)
    money = given_credit = agreed = 0
    for part, as_credit in parts:
        command = RequestRefund(uuid7(), uuid7(), "why", automatic=False, as_credit=as_credit)
        part_credit = _credit_minor(command, row, part)
        assert 0 <= part_credit <= part
        assert not as_credit or part_credit == part
        row.reserved_minor += part
        row.credit_back_minor += part_credit
        money, given_credit = money + part - part_credit, given_credit + part_credit
        agreed += part if as_credit else 0
        assert money <= amount - credit
    assert money + given_credit == amount
    # What nobody agreed to take as credit is money, as far as money paid.
    assert money >= min(amount - credit, amount - agreed)
