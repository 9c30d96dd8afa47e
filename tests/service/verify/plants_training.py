"""Corruptions of training, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def training_watched(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.watched_video SET watched_ms = watched_ms + 1")


def training_completed(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.training_member SET completed_at = created_at WHERE completed_at IS NULL")
