"""One corruption for every rule of conversations."""

from __future__ import annotations

from kernel import clock
from tests.service.verify.planting import Planter
from tests.verify_world import World


def conversations_counted(p: Planter, _: World) -> None:
    p.change("UPDATE orders.conversation SET last_number = last_number + 1")


def tickets_clock(p: Planter, _: World) -> None:
    p.change(
        "UPDATE orders.ticket SET first_answered_at = first_answered_at + interval '1 minute' WHERE state <> 'open'"
    )


def response_times_counted(p: Planter, _: World) -> None:
    """An answer that never was, of a seller that nobody asked."""
    seller_id = p.find(
        "SELECT o.id FROM marketplace.organization o LEFT JOIN orders.seller_response_time x ON x.seller_org_id = o.id "
        "WHERE x.seller_org_id IS NULL ORDER BY o.id"
    )
    p.change(
        """INSERT INTO orders.seller_response_time (seller_org_id, counted, in_time, median_s, counted_until)
           VALUES (:id, 1, 1, 5, :now)""",
        id=seller_id,
        now=clock.now(),
    )


def response_times_shown(p: Planter, _: World) -> None:
    seller_id = p.find("SELECT id FROM marketplace.organization WHERE is_seller ORDER BY id")
    said = '{"counted": 900, "in_time": 900, "median_s": 1}'
    p.change(
        "UPDATE marketplace.organization SET response_time = CAST(:said AS jsonb) WHERE id = :id",
        id=seller_id,
        said=said,
    )
