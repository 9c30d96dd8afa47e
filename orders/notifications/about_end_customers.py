"""What an end customer and its dealer are told: that it was asked, what was answered, what it may use now, that it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from fulfillment.entitlements.allocation_events import EndCustomerSupplied
from fulfillment.entitlements.allocation_models import SeatAllocation
from fulfillment.entitlements.models import Entitlement
from fulfillment.seat_allocations.allocate import ASSIGN
from kernel.db.uow import UnitOfWork
from marketplace.end_customers.agree import PERMISSION
from marketplace.end_customers.events import EndCustomerAsked, EndCustomerConfirmed, EndCustomerEnded
from marketplace.end_customers.models import EndCustomer
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of

ADDRESS = "/end-customers"


@notifies_of(EndCustomerAsked)
def end_customer_asked(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever buys for the organization that was asked."""
    for event, row in _with_rows(uow, events):
        yield _notification(event, row, "end_customer_asked", to_dealer=False)


@notifies_of(EndCustomerConfirmed)
def end_customer_confirmed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The dealer."""
    for event, row in _with_rows(uow, events):
        yield _notification(event, row, "end_customer_confirmed", to_dealer=True)


@notifies_of(EndCustomerEnded)
def end_customer_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that did not end it; of one that was never confirmed, that nothing comes of it."""
    for event, row in _with_rows(uow, events):
        by_dealer = bool(event.payload["by_dealer"])
        ended = "end_customer_ended_by_dealer" if by_dealer else "end_customer_ended_by_customer"
        yield _notification(
            event, row, ended if event.payload["was_active"] else "end_customer_refused", to_dealer=not by_dealer
        )


@notifies_of(EndCustomerSupplied)
def end_customer_supplied(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever gives seats to members of the end customer."""
    rows = uow.session.execute(
        select(Entitlement, Organization.display_name, SeatAllocation.id)
        .join(Organization, Organization.id == Entitlement.buyer_org_id)
        .join(SeatAllocation, SeatAllocation.entitlement_id == Entitlement.id)
        .where(Entitlement.id.in_([event.uuid("entitlement_id") for event in events]))
    )
    found = {one.id: (one, dealer, allocation_id) for one, dealer, allocation_id in rows}
    for event in events:
        one, dealer, allocation_id = found[event.uuid("entitlement_id")]
        yield NewNotification(
            event.id,
            event.at,
            "end_customer_supplied",
            f"/allocated-seats/{allocation_id}",
            {"what": one.title, "what_en": one.title_en, "who": dealer},
            org_id=event.uuid("end_customer_org_id"),
            permission=ASSIGN,
        )


def _notification(event: RecordedEvent, row: EndCustomer, kind: str, *, to_dealer: bool) -> NewNotification:
    return NewNotification(
        event.id,
        event.at,
        kind,
        ADDRESS,
        {"who": row.name if to_dealer else row.dealer_name},
        org_id=event.uuid("dealer_org_id" if to_dealer else "org_id"),
        permission=PERMISSION,
    )


def _with_rows(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, EndCustomer]]:
    ids = [event.uuid("end_customer_id") for event in events]
    found = {row.id: row for row in uow.session.scalars(select(EndCustomer).where(EndCustomer.id.in_(ids)))}
    for event in events:
        yield event, found[event.uuid("end_customer_id")]
