"""Reads of the ledger."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, func, select

from billing.ledger.models import LedgerAccount, Posting
from billing.ledger.post import AccountKind
from kernel.db.uow import UnitOfWork


def balance_minor(uow: UnitOfWork, org_id: UUID, kind: AccountKind, currency: str, gateway: str = "") -> int:
    """What stands on an account: debit positive, so what the platform owes somebody is negative."""
    return int(uow.session.scalars(balance_of(org_id, kind, currency, gateway)).one())


def balance_of(org_id: UUID, kind: AccountKind, currency: str, gateway: str = "") -> Select[int]:
    """The query behind `balance_minor`, for use in a larger one."""
    return (
        select(func.coalesce(func.sum(Posting.amount_minor), 0))
        .join(LedgerAccount)
        .where(
            LedgerAccount.org_id == org_id,
            LedgerAccount.kind == kind,
            LedgerAccount.currency == currency,
            LedgerAccount.gateway == gateway,
        )
    )


def owed_minor(uow: UnitOfWork, org_id: UUID, currency: str) -> tuple[int, int]:
    """What the platform owes a party, positive: (pending, available)."""
    pending = -balance_minor(uow, org_id, "party_pending", currency)
    return pending, -balance_minor(uow, org_id, "party_available", currency)
