"""Transition tables of the agreement."""

from __future__ import annotations

from kernel.states import Machine, edges

ORDER = Machine(
    "order",
    initial="pending_payment pending_approval",
    edges=edges(
        pending_approval="pending_payment rejected expired cancelled",
        pending_payment="paid expired cancelled",
        paid="fulfilling",
        fulfilling="active delivery_failed",
        active="completed refunded",
        completed="refunded",
        delivery_failed="refunded",
        refunded="",
        rejected="",
        expired="",
        cancelled="",
    ),
)

PURCHASE = Machine(
    "purchase",
    initial="pending_payment pending_approval",
    edges=edges(
        pending_approval="pending_payment rejected expired cancelled",
        pending_payment="paid expired cancelled",
        paid="",
        rejected="",
        expired="",
        cancelled="",
    ),
)

SUBSCRIPTION = Machine("subscription", initial="active", edges=edges(active="ended", ended=""))
