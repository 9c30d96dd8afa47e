"""Whether money may be sent to an account of a gateway: it is the party's, and the gateway allows it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.models import ConnectedAccount
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid


def why_held(uow: UnitOfWork, org_id: UUID, gateway: str, destination: str) -> str | None:
    """Why nothing may be sent there now: `foreign`, or the account's state. None: it may, or it is no account opened here."""
    row = uow.session.scalars(
        select(ConnectedAccount).where(ConnectedAccount.gateway == gateway, ConnectedAccount.reference == destination)
    ).first()
    if row is None:
        return None
    if row.org_id != org_id:
        return "foreign"
    return None if row.is_payable else row.state


def refuse_held(uow: UnitOfWork, org_id: UUID, gateway: str, destination: str) -> None:
    """Let nothing be sent where it may not be; the money stays the party's.

    Raises:
        Invalid: `payout_account_foreign`, another party's account.
        Conflict: `gateway_account_held`, the gateway has restricted or closed it, or its owner has not finished.
    """
    why = why_held(uow, org_id, gateway, destination)
    if why == "foreign":
        raise Invalid("payout_account_foreign", field="destination")
    if why is not None:
        raise Conflict("gateway_account_held", state=why)
