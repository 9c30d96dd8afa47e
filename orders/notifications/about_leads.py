"""What sellers are told of who asks them, and buyers of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.catalog.models import Listing, ListingVersion
from marketplace.leads.events import LeadArrived, LeadAssigned, LeadMessageSent
from marketplace.leads.models import Lead
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(LeadArrived)
def lead_arrived(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever takes care of the seller's leads sees the new one."""
    for event, lead, params in _leads(uow, events):
        yield _to_seller(event, "lead_arrived", lead, params)


@notifies_of(LeadMessageSent)
def lead_message_sent(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The other side learns that somebody wrote: of the buyer, who asked."""
    for event, lead, params in _leads(uow, events):
        if event.payload["side"] == "buyer":
            yield _to_seller(event, "lead_written", lead, params)
            continue
        yield NewNotification(
            event.id,
            event.at,
            "request_answered",
            f"/requests/{lead.id}",
            params,
            org_id=lead.buyer_org_id,
            person_id=lead.asked_by,
        )


@notifies_of(LeadAssigned)
def lead_assigned(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Who is to take care of a request learns of it, unless they took it themselves."""
    for event, lead, params in _leads(uow, events):
        if event.payload["person_id"] != event.payload["by"]:
            yield NewNotification(
                event.id,
                event.at,
                "lead_assigned",
                f"/seller/leads/{lead.id}",
                params,
                org_id=lead.seller_org_id,
                person_id=event.uuid("person_id"),
            )


def _to_seller(event: RecordedEvent, kind: str, lead: Lead, params: dict[str, str]) -> NewNotification:
    return NewNotification(
        event.id,
        event.at,
        kind,
        f"/seller/leads/{lead.id}",
        params,
        org_id=lead.seller_org_id,
        permission="leads.manage",
    )


def _leads(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[tuple[RecordedEvent, Lead, dict[str, str]]]:
    rows = uow.session.execute(
        select(Lead, ListingVersion, Organization.display_name)
        .join(Listing, Listing.id == Lead.listing_id)
        .join(ListingVersion, ListingVersion.id == Listing.current_version_id)
        .join(Organization, Organization.id == Lead.seller_org_id)
        .where(Lead.id.in_([event.uuid("lead_id") for event in events]))
    )
    found = {lead.id: (lead, version, seller) for lead, version, seller in rows}
    for event in events:
        lead, version, seller = found[event.uuid("lead_id")]
        what = {"what": version.title or version.title_en, "what_en": version.title_en or version.title}
        yield event, lead, {**what, "buyer": lead.buyer_name, "seller": seller}
