"""Payment methods that a gateway keeps, as if it had told of them."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.gateways.models import GatewayCustomer
from billing.gateways.ports import GatewayMethod
from billing.payment_methods.keep import KeptFor, note_methods
from billing.payment_methods.models import PaymentMethod
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7

GATEWAY = "stripe"


def keep_methods(uow: UnitOfWork, org_id: UUID, *last_fours: str) -> list[UUID]:
    """Cards that end so are kept for an organization; returns their ids, the first one first."""
    customer = f"cus_{uuid7().hex}"
    uow.add(GatewayCustomer(id=uuid7(), org_id=org_id, gateway=GATEWAY, reference=customer, created_at=clock.now()))
    uow.flush()
    cards = [GatewayMethod(f"pm_{uuid7().hex}", "card", "visa", last_four, 12, 2031) for last_four in last_fours]
    note_methods(uow, KeptFor(org_id, GATEWAY, customer), tuple(reversed(cards)))
    found = select(PaymentMethod.id).where(PaymentMethod.org_id == org_id).order_by(PaymentMethod.id)
    return list(uow.session.scalars(found))
