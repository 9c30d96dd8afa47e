"""Whom of an organization an announcement of a seller's is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.parties.models import Organization
from orders.announcements.events import AnnouncementDelivered
from orders.announcements.models import AnnouncementDelivery
from orders.conversations.models import Conversation
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(AnnouncementDelivered)
def announcement_delivered(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Those who buy, unless their organization wants to be told nothing of the thread."""
    rows = uow.session.execute(
        select(AnnouncementDelivery, Organization.display_name, Conversation.muted_at)
        .join(Organization, Organization.id == AnnouncementDelivery.seller_org_id)
        .join(
            Conversation,
            (Conversation.buyer_org_id == AnnouncementDelivery.buyer_org_id)
            & (Conversation.seller_org_id == AnnouncementDelivery.seller_org_id),
        )
        .where(AnnouncementDelivery.id.in_([event.uuid("announcement_delivery_id") for event in events]))
    )
    found = {row.id: (row, name, muted_at) for row, name, muted_at in rows}
    for event in events:
        row, name, muted_at = found[event.uuid("announcement_delivery_id")]
        if muted_at is None:
            yield NewNotification(
                event.id,
                event.at,
                "announcement_received",
                f"/conversations/{row.seller_org_id}",
                {"seller": name, "what": row.title},
                org_id=row.buyer_org_id,
                permission="orders.buy",
            )
