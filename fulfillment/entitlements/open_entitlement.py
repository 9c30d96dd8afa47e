"""Begin a delivery: an entitlement that is pending, and the run that provisions it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.entitlements.models import Entitlement
from fulfillment.runs.conclude import give_up
from fulfillment.runs.start_run import start_run
from fulfillment.runs.states import ENTITLEMENT
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class OpenEntitlement:
    """`reference` is what is being delivered (an order line); `context` is told to the seller's system as it is."""

    reference: UUID
    buyer_org_id: UUID
    seller_org_id: UUID
    listing_id: UUID
    plan_id: UUID
    connector_id: UUID | None
    title: str
    title_en: str
    seats: int
    term_months: int
    time_zone: str
    deadline_at: datetime
    context: dict[str, Any]


def open_entitlement(uow: UnitOfWork, command: OpenEntitlement) -> UUID:
    """Open the entitlement of a reference and start provisioning. Returns its id.

    A connector that is not the seller's (the plan names a wrong one) fails the delivery at once instead of leaving a
    paid order without an end.

    Emits: DeliveryFailed in that case. Idempotent by the reference: a second call returns the first entitlement and
    starts nothing.
    """
    known = uow.session.scalar(select(Entitlement.id).where(Entitlement.reference == command.reference))
    if known is not None:
        return known
    known_connector = _own_connector(uow, command)
    row = Entitlement(
        id=uuid7(),
        buyer_org_id=command.buyer_org_id,
        seller_org_id=command.seller_org_id,
        reference=command.reference,
        listing_id=command.listing_id,
        plan_id=command.plan_id,
        connector_id=known_connector,
        title=command.title,
        title_en=command.title_en,
        seats=command.seats,
        seats_used=0,
        term_months=command.term_months,
        time_zone=command.time_zone,
        context=command.context,
    )
    ENTITLEMENT.begin(uow, row, org_ids=[row.buyer_org_id, row.seller_org_id])
    uow.session.add(row)
    uow.flush()
    run = start_run(uow, row, "provision", deadline_at=command.deadline_at)
    if known_connector != command.connector_id:
        give_up(uow, run, row, state="failed", reason="connector_unknown")
    return row.id


def _own_connector(uow: UnitOfWork, command: OpenEntitlement) -> UUID | None:
    return uow.session.scalar(
        select(ConnectorRow.id).where(
            ConnectorRow.id == command.connector_id, ConnectorRow.org_id == command.seller_org_id
        )
    )
