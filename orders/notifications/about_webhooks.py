"""What the people who look after an organization's systems are told: that one of them takes nothing any more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.notifications.notify import NewNotification
from marketplace.webhooks.events import WebhookDisabled
from marketplace.webhooks.models import WebhookEndpoint
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(WebhookDisabled)
def webhook_disabled(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """Whoever may switch it on again learns that nothing is sent there."""
    wanted = select(WebhookEndpoint).where(WebhookEndpoint.id.in_([event.uuid("endpoint_id") for event in events]))
    found = {row.id: row for row in uow.session.scalars(wanted)}
    for event in events:
        row = found[event.uuid("endpoint_id")]
        yield NewNotification(
            event.id,
            event.at,
            "webhook_disabled" if event.payload["disabled_for"] == "failures" else "webhook_gone",
            f"/webhooks/{row.id}",
            {"what": row.name},
            org_id=row.org_id,
            permission="webhooks.manage",
        )
