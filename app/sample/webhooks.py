"""The sample seller's endpoint: what happens is told to the same program that its connector calls."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import Database, UnitOfWork, transact
from kernel.outbound import OutboundPolicy
from kernel.principal import Principal, PrincipalKind
from kernel.secrets import SecretBox
from marketplace.webhooks.event_types import TEST, event_types
from marketplace.webhooks.models import WebhookEndpoint
from marketplace.webhooks.save_endpoint import (
    ChangeEndpoint,
    SaveEndpoint,
    change_endpoint,
    save_endpoint,
    seal_secret,
)
from orders.outgoing_events import catalogue

CATALOGUE = catalogue
"""Imported for what it registers."""
NAME = "Sample system"


def seed_endpoint(
    db: Database, box: SecretBox, policy: OutboundPolicy, seller_app_url: str, vendor: str, org_id: UUID, secret: str
) -> None:
    """Make sure the sample seller's system is told what happens, signed with the secret that it knows already.

    An address that has changed (another port) is put right; an endpoint that somebody removed or renamed stays so.
    Raises Invalid `webhook_url_refused` when the policy does not permit the address.
    """
    url = f"{seller_app_url.rstrip('/')}/events/{vendor}"
    principal = Principal(PrincipalKind.SYSTEM, org_id=org_id, label="sample")
    types = [one.name for one in event_types().values() if one.name != TEST and "seller" in one.samples]
    types += [one.name for one in event_types().values() if one.name != TEST and "party" in one.samples]

    def seed(uow: UnitOfWork) -> None:
        found = select(WebhookEndpoint).where(WebhookEndpoint.org_id == org_id, WebhookEndpoint.name == NAME)
        row = uow.session.scalars(found.order_by(WebhookEndpoint.created_at).limit(1)).one_or_none()
        if row is None:
            saved = save_endpoint(uow, SaveEndpoint(NAME, url, types), box=box, policy=policy)
            row = uow.session.get_one(WebhookEndpoint, saved.id)
            row.secret_sealed = seal_secret(row.id, secret, box)
        elif row.url != url and row.state != "removed":
            change_endpoint(uow, ChangeEndpoint(row.id, url=url), policy=policy)
        uow.flush()

    transact(db, principal, seed)
