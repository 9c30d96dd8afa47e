"""The writes of test clocks: made, given another key, moved, deleted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kernel import clock

if TYPE_CHECKING:
    from tests.conformance.test_writes import World


def move_clocks(world: World) -> None:
    """Pressed by a developer of the seller."""
    ask, seller = world.walk.ask, world.seller
    made = ask("POST /v1/test-clocks", seller, {"name": "Renewals"})
    one = {"clock_id": made["id"]}
    ask("POST /v1/test-clocks/{clock_id}/keys", seller, **one)
    ask("POST /v1/test-clocks/{clock_id}/advance", seller, {"to": (clock.now() + timedelta(days=1)).isoformat()}, **one)
    world.stage.run()
    ask("DELETE /v1/test-clocks/{clock_id}", seller, **one)
    world.stage.run()
