"""The life of a payout. `unknown`: only the gateway can tell; the money stays reserved meanwhile."""

from __future__ import annotations

from kernel.states import Machine, edges

PAYOUT = Machine(
    "payout",
    initial="scheduled",
    edges=edges(
        scheduled="sent failed",
        sent="unknown paid failed",
        unknown="sent paid failed",
        paid="",
        failed="",
    ),
)
