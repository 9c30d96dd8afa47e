"""Which orders of a payment a dispute is about, as far as its amount says it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from kernel.money import allocate


@dataclass(frozen=True, slots=True)
class PaidOrder:
    """An order's part of the payment. `left_minor`: what has not gone back, is not on its way, and no other dispute is about."""

    amount_minor: int
    left_minor: int


def allocate_dispute(amount_minor: int, orders: Mapping[UUID, PaidOrder]) -> dict[UUID, int]:
    """What of a disputed amount is about which order; together they are the amount, and none is about nothing.

    First what is left of the orders, in proportion to it: a bank takes what it can still take. What is disputed above that has
    gone back already, and follows the orders of which it had.

    Raises:
        ValueError: more than was paid, or nothing.
    """
    if not 0 < amount_minor <= sum(one.amount_minor for one in orders.values()):
        msg = "a dispute is about more than nothing and at most the payment"
        raise ValueError(msg)
    left = [max(0, min(one.left_minor, one.amount_minor)) for one in orders.values()]
    gone = [one.amount_minor - left_minor for one, left_minor in zip(orders.values(), left, strict=True)]
    here_minor = min(amount_minor, sum(left))
    here = allocate(here_minor, left) if here_minor else [0] * len(left)
    more_minor = amount_minor - here_minor
    more = allocate(more_minor, gone) if more_minor else [0] * len(left)
    parts = {order_id: a + b for order_id, a, b in zip(orders, here, more, strict=True)}
    return {order_id: part_minor for order_id, part_minor in parts.items() if part_minor}
