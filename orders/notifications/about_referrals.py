"""What an organization is told of those that it brought."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.referrals.events import OrganizationReferred
from marketplace.referrals.models import Referral
from marketplace.referrals.refer import PERMISSION
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(OrganizationReferred)
def organization_referred(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever looks after suppliers: an organization has registered by the link."""
    asked = [one.uuid("referral_id") for one in events]
    rows = uow.session.scalars(select(Referral).where(Referral.id.in_(asked)))
    names = {row.id: row.referred_name for row in rows}
    for event in events:
        yield NewNotification(
            event.id,
            event.at,
            "organization_referred",
            "/referrals",
            {"who": names[event.uuid("referral_id")]},
            org_id=event.uuid("referrer_org_id"),
            permission=PERMISSION,
        )
