"""A party asks for an account at a gateway: one row, by whose id the gateway opens one account, whoever else asks meanwhile."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.models import CONNECTED_ACCOUNT, ConnectedAccount
from billing.gateways.accounts import AccountRequest
from kernel import clock
from kernel.db.locks import advisory_xact_lock
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.parties.lookups import get_party

ACCOUNT_LOCK = 4_203
"""Advisory lock per party: it has one account at a gateway."""


def begin_account(uow: UnitOfWork, gateway: str) -> ConnectedAccount:
    """The acting organization's account at the gateway, written down before the gateway is asked to open it.

    Raises: Forbidden `permission_missing` without billing.manage. Locks: the party's accounts. Idempotent by: the
    organization and the gateway.
    """
    uow.principal.require("billing.manage")
    org_id = uow.principal.organization()
    advisory_xact_lock(uow.session, ACCOUNT_LOCK, org_id)
    known = find_account(uow, org_id, gateway)
    if known is not None:
        return known
    now = clock.now()
    row = ConnectedAccount(
        id=uuid7(),
        org_id=org_id,
        gateway=gateway,
        reference=None,
        country=get_party(uow, org_id).country,
        charges_enabled=False,
        payouts_enabled=False,
        capabilities={},
        requirements=[],
        disabled_reason="",
        trouble=None,
        balance={},
        opened_by=uow.principal.accountable_id,
        next_check_at=now,
        created_at=now,
    )
    CONNECTED_ACCOUNT.begin(uow, row, org_ids=[org_id])
    uow.session.add(row)
    uow.flush()
    return row


def find_account(uow: UnitOfWork, org_id: UUID, gateway: str) -> ConnectedAccount | None:
    """The party's account at the gateway that is not closed."""
    return uow.session.scalars(
        select(ConnectedAccount).where(
            ConnectedAccount.org_id == org_id, ConnectedAccount.gateway == gateway, ConnectedAccount.state != "closed"
        )
    ).first()


def account_request(row: ConnectedAccount) -> AccountRequest:
    """What the gateway is asked to open."""
    return AccountRequest(str(row.id), row.country, {"account_id": str(row.id), "org_id": str(row.org_id)})
