"""One corruption for every rule of conversations."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def conversations_counted(p: Planter, _: World) -> None:
    p.change("UPDATE orders.conversation SET last_number = last_number + 1")


def tickets_clock(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.ticket SET first_answered_at = first_answered_at + interval '1 minute' WHERE state <> 'open'"
    )
