"""One corruption for every rule of instalments."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from tests.service.verify.planting import Planter
from tests.verify_world import World


def instalments_whole(p: Planter, _: World) -> None:
    p.change(
        """UPDATE orders.instalment SET net_minor = net_minor - 1, gross_minor = gross_minor - 1
           WHERE id = (SELECT id FROM orders.instalment WHERE state = 'scheduled' LIMIT 1)"""
    )


def instalments_charged(p: Planter, _: World) -> None:
    instalment_id = p.find("SELECT id FROM orders.instalment WHERE state = 'asked'")
    p.change("UPDATE orders.instalment SET state = 'paid' WHERE id = :id", id=instalment_id)
    p.remember("instalment", instalment_id, "asked", "paid")


def instalments_ended(p: Planter, _: World) -> None:
    instalment_id = p.find(
        """SELECT i.id FROM orders.instalment i JOIN orders.subscription s ON s.id = i.subscription_id
           WHERE s.state = 'ended' AND i.state = 'cancelled'"""
    )
    p.change(
        "UPDATE orders.instalment SET state = 'scheduled', next_step_at = :at WHERE id = :id",
        id=instalment_id,
        at=clock.now() + timedelta(days=1),
    )
    p.forget("instalment", instalment_id, "scheduled", "cancelled")
