"""The life of a statement after its close. Its amounts never change; only whether it has been paid."""

from __future__ import annotations

from kernel.states import Machine, edges

STATEMENT = Machine(
    "statement",
    initial="closed",
    edges=edges(
        closed="paying carried",
        paying="paid closed",
        paid="",
        carried="",
    ),
)
