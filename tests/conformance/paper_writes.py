"""What is written about papers of a buyer: a month is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.paper_stage import last_month

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def papers(world: World) -> None:
    """A month that is over is closed."""
    world.walk.ask("POST /v1/buyer-statements", world.buyer, {"month": f"{last_month(world.stage):%Y-%m}"})
