"""One corruption for every rule of milestones."""

from __future__ import annotations

from datetime import timedelta

from kernel import clock
from tests.service.verify.planting import Planter
from tests.verify_world import World


def milestones_parts(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.milestone SET tax_minor = tax_minor + 1, gross_minor = gross_minor + 1 WHERE state = 'open'"
    )


def milestones_released(p: Planter, _: World) -> None:
    p.change(
        """UPDATE billing.share SET delivered_at = :at, releasable_at = :at + make_interval(hours => 24 * hold_days::int)
           WHERE part_reference IN (SELECT id FROM orders.milestone WHERE state = 'open')""",
        at=clock.now(),
    )


def milestones_refunded(p: Planter, _: World) -> None:
    milestone_id = p.find("SELECT id FROM orders.milestone WHERE state = 'open'")
    p.change(
        "UPDATE orders.milestone SET state = 'cancelled', deadline_at = NULL, notice_at = NULL WHERE id = :id",
        id=milestone_id,
    )
    p.remember("milestone", milestone_id, "open", "cancelled")


def milestones_timely(p: Planter, _: World) -> None:
    p.change("UPDATE orders.milestone SET deadline_at = :at WHERE state = 'open'", at=clock.now() - timedelta(days=1))
