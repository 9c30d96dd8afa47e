"""Corruptions of live sessions, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def live_explained(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.live_explanation SET to_ms = from_ms + 10000000 WHERE from_ms = 0")


def live_sold(p: Planter, _: World) -> None:
    p.change("UPDATE orders.attribution SET second_ms = second_ms + 100000000 WHERE live_session_id IS NOT NULL")


def live_touched(p: Planter, _: World) -> None:
    # Nobody changes one, the owner included: another is put beside it, which came in too late to be counted.
    p.change(
        """INSERT INTO marketplace.touchpoint
           SELECT (jsonb_populate_record(t, jsonb_build_object(
               'id', gen_random_uuid(), 'second_ms', 100000000, 'received_at', 'infinity'))).*
           FROM marketplace.touchpoint t WHERE live_item_id IS NOT NULL LIMIT 1"""
    )


def live_asked(p: Planter, _: World) -> None:
    p.change("UPDATE marketplace.live_question SET answered_ms = asked_ms + 100000000 WHERE answered_ms IS NOT NULL")
