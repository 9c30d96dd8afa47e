"""Connectors of the sample sellers: both are played by one `examples/seller_app` on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from fulfillment.connectors.models import ConnectorRow
from fulfillment.connectors.save_connector import (
    ChangeConnector,
    SaveConnector,
    change_connector,
    open_secrets,
    save_connector,
)
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.outbound import OutboundPolicy
from kernel.principal import Principal, PrincipalKind
from kernel.secrets import SecretBox

NAME = "Sample system"


@dataclass(frozen=True, slots=True)
class SampleConnector:
    """A sample seller's connector. `secret` starts the seller's own program and is shown nowhere."""

    vendor: str
    connector_id: UUID
    secret: str = field(repr=False)


def seed_connectors(
    db: Database, box: SecretBox, policy: OutboundPolicy, seller_app_url: str, sellers: Mapping[str, UUID]
) -> dict[str, SampleConnector]:
    """Make sure each sample seller (vendor's name → organization) has its webhook connector; returns them by vendor.

    Secrets are made once and read back afterwards, so that the seller's program can be started again with them. An
    address that has changed (another port) is put right. Raises Invalid `connector_url_refused` when the policy does
    not permit the address.
    """
    found: dict[str, SampleConnector] = {}
    for vendor, org_id in sellers.items():
        principal = Principal(PrincipalKind.SYSTEM, org_id=org_id, label="sample")
        url = f"{seller_app_url.rstrip('/')}/webhooks/marketplace/{vendor}"

        def seed(uow: UnitOfWork, url: str = url, vendor: str = vendor, org_id: UUID = org_id) -> SampleConnector:
            row = _find(uow, org_id)
            if row is None:
                saved = save_connector(uow, SaveConnector(NAME, "webhook", url), box=box, policy=policy)
                row = uow.session.get_one(ConnectorRow, saved.id)
            elif row.url != url:
                change_connector(uow, ChangeConnector(row.id, url=url), policy=policy)
            return SampleConnector(vendor, row.id, open_secrets(row, box)[0])

        found[vendor] = transact(db, principal, seed)
    return found


def launch_environment(connectors: Mapping[str, SampleConnector]) -> dict[str, str]:
    """Environment of `python -m seller_app` that names the vendors and their secrets; never on its command line."""
    return {"SELLER_SECRETS": ",".join(f"{vendor}={found.secret}" for vendor, found in connectors.items())}


def _find(uow: UnitOfWork, org_id: UUID) -> ConnectorRow | None:
    return uow.session.scalar(
        select(ConnectorRow)
        .where(ConnectorRow.org_id == org_id, ConnectorRow.name == NAME, ConnectorRow.kind == "webhook")
        .order_by(ConnectorRow.created_at)
        .limit(1)
    )
