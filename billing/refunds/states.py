"""The life of a refund. `unknown` means that only the gateway can tell; the amount stays reserved meanwhile."""

from __future__ import annotations

from kernel.states import Machine, edges

REFUND = Machine(
    "refund",
    initial="requested",
    edges=edges(
        requested="processing failed",
        processing="unknown succeeded failed",
        unknown="processing succeeded failed",
        succeeded="",
        failed="",
    ),
)
