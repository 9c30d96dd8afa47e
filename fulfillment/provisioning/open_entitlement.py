"""Begin a delivery: an entitlement that is pending, and the run that provisions it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.entitlements.give_back_seats import give_end_customer
from fulfillment.entitlements.models import ENTITLEMENT, Entitlement
from fulfillment.runs.conclude import give_up
from fulfillment.runs.start_run import start_run
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7


@dataclass(frozen=True, slots=True)
class EndCustomerOf:
    """The organization that uses what is delivered, by what it agreed to; `agrees`: it does so still."""

    id: UUID
    org_id: UUID
    agrees: bool


@dataclass(frozen=True, slots=True)
class OpenEntitlement:
    """`reference` is what is being delivered (an order line) of `group_reference` (the order).

    `context` is told to the seller's system as it is.
    """

    reference: UUID
    group_reference: UUID
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
    trial_days: int = 0
    first_term: tuple[datetime, datetime] | None = None
    """From when until when the first term was paid for, where that is no whole one."""
    data_kept_days: int | None = None
    """After its end; None where nothing was said of it."""
    end_customer: EndCustomerOf | None = None
    """For whom a dealer ordered it."""
    waits: bool = False
    """Whether the seller's system is called only once the seller has taken the order on."""


_KNOWN = Read(
    select(
        select(Entitlement.id)
        .where(Entitlement.reference == bindparam("reference", type_=Uuid))
        .scalar_subquery()
        .label("entitlement_id"),
        select(ConnectorRow.id)
        .where(
            ConnectorRow.id == bindparam("connector_id", type_=Uuid),
            ConnectorRow.org_id == bindparam("seller_org_id", type_=Uuid),
        )
        .scalar_subquery()
        .label("connector_id"),
    )
)


def open_entitlement(uow: UnitOfWork, command: OpenEntitlement) -> UUID:
    """Open the entitlement of a reference and start provisioning. Returns its id.

    A connector that is not the seller's (the plan names a wrong one) fails the delivery at once instead of leaving a
    paid order without an end; so does an end customer that does not agree any more: nobody gets what it did not ask for.

    Emits: DeliveryFailed in that case. Idempotent by the reference: a second call returns the first entitlement and
    starts nothing.
    """
    found = uow.find(
        _KNOWN,
        reference=command.reference,
        connector_id=command.connector_id,
        seller_org_id=command.seller_org_id,
    )
    if found.entitlement_id is not None:
        return found.entitlement_id  # type: ignore[no-any-return]
    known_connector: UUID | None = found.connector_id
    row = Entitlement(
        id=uuid7(),
        buyer_org_id=command.buyer_org_id,
        seller_org_id=command.seller_org_id,
        reference=command.reference,
        group_reference=command.group_reference,
        listing_id=command.listing_id,
        plan_id=command.plan_id,
        connector_id=known_connector,
        title=command.title,
        title_en=command.title_en,
        seats=command.seats,
        seats_used=0,
        term_months=command.term_months,
        trial_days=command.trial_days,
        first_paid_from=command.first_term[0] if command.first_term else None,
        first_ends_at=command.first_term[1] if command.first_term else None,
        data_kept_days=command.data_kept_days,
        time_zone=command.time_zone,
        context=command.context,
        end_customer_id=command.end_customer.id if command.end_customer else None,
        end_customer_org_id=command.end_customer.org_id if command.end_customer else None,
    )
    ENTITLEMENT.begin(uow, row, org_ids=[row.buyer_org_id, row.seller_org_id])
    uow.add(row)
    if command.end_customer is not None:
        uow.flush()
        give_end_customer(uow, row, row.seats)
    run = start_run(uow, row, "provision", deadline_at=command.deadline_at, waits=command.waits)
    if known_connector != command.connector_id:
        give_up(uow, run, row, state="failed", reason="connector_unknown")
    elif command.end_customer is not None and not command.end_customer.agrees:
        give_up(uow, run, row, state="failed", reason="end_customer_over")
    return row.id
