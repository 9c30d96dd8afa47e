"""One corruption for every rule of groups."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def groups_two_levels(p: Planter, _: World) -> None:
    """Whoever left its headquarters before it became one seems never to have left."""
    p.change("UPDATE marketplace.group_membership SET ended_at = ended_at + interval '1000 days' WHERE state = 'ended'")


def seats_allocated(p: Planter, _: World) -> None:
    p.change("UPDATE fulfillment.seat_allocation SET seats = seats + 1 WHERE ended_at IS NULL")
