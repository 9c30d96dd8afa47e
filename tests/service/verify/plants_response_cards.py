"""Corruptions of cards that sell nothing, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def response_cards_shown(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.response_card SET title = title || ' otherwise' WHERE removed_at IS NULL")


def response_cards_erased(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.card_response SET erase_at = now() - interval '9000 days' WHERE erased_at IS NULL")
