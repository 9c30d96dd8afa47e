"""Corruptions of group robots and announcements, each named after the rule that must find it."""

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


def announcements_delivered(p: Planter, world: World) -> None:
    """It went to an organization that had opted out."""
    p.change(
        """INSERT INTO orders.announcement_opt_out (buyer_org_id, seller_org_id, person_id, created_at)
           SELECT buyer_org_id, seller_org_id, :person, ended_at - interval '1 day'
           FROM orders.announcement_delivery WHERE state = 'delivered'""",
        person=world.buyer.owner.person(),
    )


def announcements_counted(p: Planter, _: World) -> None:
    p.change("UPDATE orders.announcement SET recipients = recipients + 1")
