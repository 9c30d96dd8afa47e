"""Corruptions of live sessions, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def live_explained(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.live_explanation SET to_ms = from_ms + 10000000 WHERE from_ms = 0")
