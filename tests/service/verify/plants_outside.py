"""Corruptions of approval outside, each named after the rule that must find it."""

from __future__ import annotations

from tests.service.verify.planting import Planter
from tests.verify_world import World


def approval_apps_counted(p: Planter, world: World) -> None:
    person_id = world.seller.owner.person()
    p.change("UPDATE orders.outside_answer SET person_id = :person WHERE outcome = 'counted'", person=person_id)


def approval_apps_waiting(p: Planter, world: World) -> None:
    p.change(
        """
        UPDATE orders.outside_approval SET purchase_id = (
            SELECT p.id FROM orders.purchase p WHERE p.buyer_org_id = :buyer AND p.state = 'paid'
              AND NOT EXISTS (SELECT FROM orders.outside_approval o WHERE o.purchase_id = p.id) LIMIT 1)
        WHERE id = (SELECT id FROM orders.outside_approval WHERE state = 'asked' AND buyer_org_id = :buyer LIMIT 1)
        """,
        buyer=world.buyer.id,
    )
