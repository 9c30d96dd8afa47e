"""Reads of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from billing.ledger.models import LedgerAccount, LedgerTransaction, Posting
from billing.ledger.post import AccountKind
from kernel.db.uow import UnitOfWork


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One posting with the account it stands on. Debit positive."""

    org_id: UUID
    account: str
    gateway: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A fact in the books as its reader may see it."""

    id: UUID
    business_key: str
    kind: str
    reference: UUID
    effective_at: datetime
    recorded_at: datetime
    postings: tuple[PostingRow, ...]


def balance_minor(uow: UnitOfWork, org_id: UUID, kind: AccountKind, currency: str, gateway: str = "") -> int:
    """What stands on an account: debit positive, so what the platform owes somebody is negative."""
    total = uow.session.scalar(
        select(func.coalesce(func.sum(Posting.amount_minor), 0))
        .join(
            LedgerAccount,
            (LedgerAccount.org_id == Posting.org_id)
            & (LedgerAccount.id == Posting.account_id)
            & (LedgerAccount.currency == Posting.currency),
        )
        .where(
            LedgerAccount.org_id == org_id,
            LedgerAccount.kind == kind,
            LedgerAccount.currency == currency,
            LedgerAccount.gateway == gateway,
        )
    )
    return int(total or 0)


def owed_minor(uow: UnitOfWork, org_id: UUID, currency: str) -> tuple[int, int]:
    """What the platform owes a party, positive: (pending, available)."""
    pending = -balance_minor(uow, org_id, "party_pending", currency)
    return pending, -balance_minor(uow, org_id, "party_available", currency)


def transactions_of(uow: UnitOfWork, reference: UUID) -> list[TransactionRow]:
    """The facts about one payment, charge, refund, share or payout, oldest first; postings the reader may see only."""
    principal = uow.principal
    statement = select(LedgerTransaction).where(LedgerTransaction.reference == reference)
    if not principal.is_platform:
        statement = statement.where(LedgerTransaction.org_ids.contains([principal.organization()]))
    facts = list(uow.session.scalars(statement.order_by(LedgerTransaction.recorded_at, LedgerTransaction.id)))
    return [
        TransactionRow(
            fact.id,
            fact.business_key,
            fact.kind,
            fact.reference,
            fact.effective_at,
            fact.recorded_at,
            _postings(uow, fact.id),
        )
        for fact in facts
    ]


def _postings(uow: UnitOfWork, transaction_id: UUID) -> tuple[PostingRow, ...]:
    statement = (
        select(Posting, LedgerAccount.kind, LedgerAccount.gateway)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .where(Posting.transaction_id == transaction_id)
        .order_by(Posting.id)
    )
    if not uow.principal.is_platform:
        statement = statement.where(Posting.org_id == uow.principal.organization())
    return tuple(
        PostingRow(posting.org_id, kind, gateway, posting.amount_minor, posting.currency)
        for posting, kind, gateway in uow.session.execute(statement)
    )
