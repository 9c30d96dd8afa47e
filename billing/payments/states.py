"""The life of a payment. `unknown`: only the gateway can tell; it blocks any other payment of the purchase."""

from __future__ import annotations

from kernel.states import Machine, edges

PAYMENT = Machine(
    "payment",
    initial="processing",
    edges=edges(
        processing="requires_action unknown succeeded failed",
        requires_action="processing unknown succeeded failed",
        unknown="processing requires_action succeeded failed",
        succeeded="",
        failed="",
    ),
)
FINAL = ("succeeded", "failed")
