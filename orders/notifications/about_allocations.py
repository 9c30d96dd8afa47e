"""What a subsidiary, or an end customer, and its members are told of seats that another organization bought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.allocation_events import AllocatedSeatAssigned, AllocationEnded, SeatsAllocated
from fulfillment.entitlements.models import Entitlement
from fulfillment.seat_allocations.allocate import ASSIGN
from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(SeatsAllocated)
def seats_allocated(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may give them to members."""
    for event, words in _with_words(uow, events):
        yield NewNotification(
            event.id,
            event.at,
            "end_customer_seats_changed" if words.pop("by_dealer") else "seats_allocated",
            f"/allocated-seats/{event.payload['allocation_id']}",
            {**words, "number": event.payload["seats"]},
            org_id=event.uuid("member_org_id"),
            permission=ASSIGN,
        )


@notifies_of(AllocationEnded)
def allocation_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may give seats, and each member that held one."""
    for event, words in _with_words(uow, events):
        address, org_id = f"/allocated-seats/{event.payload['allocation_id']}", event.uuid("member_org_id")
        kind = "end_customer_use_ended" if words.pop("by_dealer") else "allocation_ended"
        yield NewNotification(event.id, event.at, kind, address, {**words}, org_id=org_id, permission=ASSIGN)
        for person_id in event.payload["person_ids"]:
            yield NewNotification(
                event.id,
                event.at,
                "allocated_seat_ended",
                address,
                {**words},
                org_id=org_id,
                person_id=UUID(person_id),
            )


@notifies_of(AllocatedSeatAssigned)
def allocated_seat_assigned(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The member: it is its headquarters' product, or its dealer's, of which it may know nothing yet."""
    for event, words in _with_words(uow, events):
        del words["by_dealer"]
        yield NewNotification(
            event.id,
            event.at,
            "allocated_seat_given",
            f"/allocated-seats/{event.payload['allocation_id']}",
            {**words},
            org_id=event.uuid("member_org_id"),
            person_id=event.uuid("person_id"),
        )


def _with_words(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, dict[str, Any]]]:
    ids = {event.uuid("entitlement_id") for event in events}
    rows = uow.session.execute(
        select(
            Entitlement.id,
            Entitlement.title,
            Entitlement.title_en,
            Entitlement.end_customer_id,
            Organization.display_name,
        )
        .join(Organization, Organization.id == Entitlement.buyer_org_id)
        .where(Entitlement.id.in_(ids))
    )
    found = {
        row.id: {
            "what": row.title,
            "what_en": row.title_en,
            "who": row.display_name,
            "by_dealer": row.end_customer_id is not None,
        }
        for row in rows
    }
    for event in events:
        yield event, dict(found[event.uuid("entitlement_id")])
