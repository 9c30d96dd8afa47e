"""Reads of accounts at gateways: a party's own, and for operators those that hold money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.connected_accounts.models import ConnectedAccount
from kernel.db.uow import UnitOfWork
from kernel.states import state_in


@dataclass(frozen=True, slots=True)
class ConnectedAccountView:
    """An account as its owner and the operator see it; see `ConnectedAccount`."""

    id: UUID
    org_id: UUID
    gateway: str
    reference: str | None
    country: str
    state: str
    is_payable: bool
    charges_enabled: bool
    payouts_enabled: bool
    capabilities: Mapping[str, Any]
    requirements: tuple[str, ...]
    disabled_reason: str
    trouble: str | None
    balance: Mapping[str, int]
    asked_at: datetime | None
    created_at: datetime


def list_accounts(uow: UnitOfWork) -> list[ConnectedAccountView]:
    """The acting organization's, the newest of each gateway last."""
    statement = (
        select(ConnectedAccount)
        .where(ConnectedAccount.org_id == uow.principal.organization())
        .order_by(ConnectedAccount.gateway, ConnectedAccount.created_at)
    )
    return [to_account_view(row) for row in uow.session.scalars(statement)]


def list_held_accounts(uow: UnitOfWork) -> list[ConnectedAccountView]:
    """Accounts that nothing may be sent to, the longest first, a hundred of them. Raises: Forbidden `permission_missing` without
    operator.payouts.
    """
    uow.principal.require("operator.payouts")
    statement = (
        select(ConnectedAccount)
        .where(state_in(ConnectedAccount.state, "restricted", "onboarding", "opening"))
        .order_by(ConnectedAccount.created_at)
        .limit(100)
    )
    return [to_account_view(row) for row in uow.session.scalars(statement)]


def to_account_view(row: ConnectedAccount) -> ConnectedAccountView:
    """A stored account as a frozen value."""
    names = set(ConnectedAccountView.__dataclass_fields__) - {"requirements"}
    values = {name: getattr(row, name) for name in names}
    return ConnectedAccountView(requirements=tuple(row.requirements), **values)
