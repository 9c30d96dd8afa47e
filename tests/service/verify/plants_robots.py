"""Corruptions of group robots, each named after the rule that must find it."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from tests.service.verify.planting import Planter
from tests.verify_world import World


def robots_due(p: Planter, _: World) -> None:
    p.change(
        """UPDATE marketplace.robot_message SET state = 'pending', ended_at = NULL, next_attempt_at = :at
           WHERE id = (SELECT id FROM marketplace.robot_message WHERE state = 'sent' LIMIT 1)""",
        at=clock.now() - timedelta(hours=1),
    )
    p.change("UPDATE marketplace.group_robot SET rests_until = NULL")


def robots_posted(p: Planter, world: World) -> None:
    """What a robot of the seller's posted was the buyer's people's to know."""
    p.change(
        "UPDATE marketplace.notification SET org_id = :buyer WHERE event_id IN (SELECT event_id FROM marketplace.robot_message)",
        buyer=world.buyer.id,
    )
