"""One corruption for every rule of kept payment methods."""

from __future__ import annotations

from datetime import datetime, timedelta

from kernel import clock
from kernel.ids import uuid7
from tests.service.verify.planting import Planter
from tests.verify_world import World


def payment_methods_default(p: Planter, world: World) -> None:
    _customer(p, world)
    _method(p, world, is_default=False)


def payment_methods_payer(p: Planter, world: World) -> None:
    _method(p, world, is_default=True)


def payment_methods_forgotten(p: Planter, world: World) -> None:
    _customer(p, world)
    _method(p, world, is_default=False, removed_at=clock.now() - timedelta(days=400))


def _customer(p: Planter, world: World) -> None:
    p.change(
        """INSERT INTO billing.gateway_customer (id, org_id, gateway, reference, created_at)
           VALUES (:id, :org_id, 'stripe', 'cus_1', :at)""",
        id=uuid7(),
        org_id=world.buyer.id,
        at=clock.now(),
    )


def _method(p: Planter, world: World, *, is_default: bool, removed_at: datetime | None = None) -> None:
    p.change(
        """INSERT INTO billing.payment_method
           (id, org_id, gateway, token, kind, brand, last_four, is_default, created_at, removed_at)
           VALUES (:id, :org_id, 'stripe', 'pm_1', 'card', 'visa', '4242', :is_default, :at, :removed_at)""",
        id=uuid7(),
        org_id=world.buyer.id,
        is_default=is_default,
        at=clock.now(),
        removed_at=removed_at,
    )
