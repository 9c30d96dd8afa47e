"""One corruption for every rule of what is counted."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def analytics_touchpoints(p: Planter, _: World) -> None:
    """A view that nobody had."""
    counted = p.find("SELECT id FROM marketplace.touchpoint_day ORDER BY id")
    p.change("UPDATE marketplace.touchpoint_day SET views = views + 1 WHERE id = :id", id=counted)
