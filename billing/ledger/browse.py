"""The books for a reader: accounts with their balance at any moment, their postings, whole transactions, the trial balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from billing.ledger.models import LedgerAccount, LedgerTransaction, Posting
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.paging import Page, cut, decode, encode, newest_first
from marketplace.parties.models import Organization

READ = "operator.read"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account and what stands on it; debit positive, so what the platform owes is negative."""

    id: UUID
    org_id: UUID
    owner: str
    kind: str
    gateway: str
    currency: str
    balance_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PostingRow:
    """One side of a transaction on an account."""

    id: UUID
    transaction_id: UUID
    kind: str
    business_key: str
    reference: UUID
    """What the fact is about; good for /v1/trace, which leads to the order and the video."""
    amount_minor: int
    currency: str
    effective_at: datetime
    occurred_at: datetime | None
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PostedLeg:
    """One side of a transaction, with its account."""

    account_id: UUID
    org_id: UUID
    owner: str
    account_kind: str
    gateway: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A fact in the books with all its sides."""

    id: UUID
    kind: str
    business_key: str
    reference: UUID
    effective_at: datetime
    occurred_at: datetime | None
    recorded_at: datetime
    legs: tuple[PostedLeg, ...]


@dataclass(frozen=True, slots=True)
class TrialBalanceRow:
    """All accounts of a kind in a currency: what stood there, what was posted, what stands there then. Debit positive."""

    kind: str
    gateway: str
    currency: str
    opening_minor: int
    debit_minor: int
    credit_minor: int
    closing_minor: int


def list_accounts(
    uow: UnitOfWork,
    *,
    kind: str | None = None,
    org_id: UUID | None = None,
    currency: str | None = None,
    at: datetime | None = None,
    cursor: str | None = None,
    limit: int = 20,
) -> Page[AccountRow]:
    """Accounts, the newest first, with what stood on each before `at` (default: what stands there now).

    Raises: Forbidden `permission_missing` without operator.read.
    """
    uow.principal.require(READ)
    statement = _accounts()
    if kind is not None:
        statement = statement.where(LedgerAccount.kind == kind)
    if org_id is not None:
        statement = statement.where(LedgerAccount.org_id == org_id)
    if currency is not None:
        statement = statement.where(LedgerAccount.currency == currency)
    found = uow.session.execute(
        newest_first(statement, LedgerAccount.created_at, LedgerAccount.id, cursor, limit)
    ).all()
    page = cut(found, limit, lambda row: (row[0].created_at, row[0].id))
    balances = balances_at(uow, [account.id for account, _ in page.items], at)
    return Page([_to_account(account, owner, balances) for account, owner in page.items], page.next_cursor)


def get_account(uow: UnitOfWork, account_id: UUID, *, at: datetime | None = None) -> AccountRow:
    """One account. Raises: Forbidden as `list_accounts`, NotFound `ledger_account_not_found`."""
    uow.principal.require(READ)
    found = uow.session.execute(_accounts().where(LedgerAccount.id == account_id)).first()
    if found is None:
        raise NotFound("ledger_account_not_found")
    return _to_account(found[0], found[1], balances_at(uow, [account_id], at))


def balances_at(uow: UnitOfWork, account_ids: Sequence[UUID], at: datetime | None) -> dict[UUID, int]:
    """What stood on accounts before `at`, from the last closed month before it on; None: what stands there."""
    rows = uow.session.execute(
        text("""
            WITH base AS (
                SELECT id, ends_at FROM billing.accounting_period
                WHERE state = 'closed' AND transactions IS NOT NULL AND ends_at <= :at ORDER BY ends_at DESC LIMIT 1
            )
            SELECT account_id, sum(minor)::bigint AS minor FROM (
                SELECT account_id, balance_minor AS minor FROM billing.accounting_period_balance
                WHERE period_id = (SELECT id FROM base) AND account_id = ANY(:ids)
                UNION ALL
                SELECT g.account_id, g.amount_minor
                FROM billing.ledger_account a
                JOIN billing.posting g ON (g.org_id, g.account_id, g.currency) = (a.org_id, a.id, a.currency)
                JOIN billing.ledger_transaction t ON t.id = g.transaction_id
                WHERE a.id = ANY(:ids) AND t.effective_at < :at
                  AND t.effective_at >= coalesce((SELECT ends_at FROM base), '-infinity')
            ) moved GROUP BY account_id
        """),
        {"ids": list(account_ids), "at": at or "infinity"},
    )
    return {row.account_id: row.minor for row in rows}


def list_postings(uow: UnitOfWork, account_id: UUID, *, cursor: str | None = None, limit: int = 20) -> Page[PostingRow]:
    """What was posted to an account, the latest recorded first.

    Raises: Forbidden as `list_accounts`, NotFound `ledger_account_not_found`, Invalid `cursor_invalid`.
    """
    uow.principal.require(READ)
    account = uow.session.get(LedgerAccount, account_id)
    if account is None:
        raise NotFound("ledger_account_not_found")
    statement = (
        select(Posting, LedgerTransaction)
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .where(Posting.org_id == account.org_id, Posting.account_id == account_id, Posting.currency == account.currency)
    )
    if cursor:
        # Identifiers begin with the instant of their making, so that they alone say the order.
        statement = statement.where(Posting.id < decode(cursor)[1])
    rows = uow.session.execute(statement.order_by(Posting.id.desc()).limit(limit + 1)).all()
    items = [
        PostingRow(
            posting.id,
            fact.id,
            fact.kind,
            fact.business_key,
            fact.reference,
            posting.amount_minor,
            posting.currency,
            fact.effective_at,
            fact.occurred_at,
            fact.recorded_at,
        )
        for posting, fact in rows[:limit]
    ]
    return Page(items, encode(items[-1].recorded_at, items[-1].id) if len(rows) > limit else None)


def get_ledger_transaction(uow: UnitOfWork, transaction_id: UUID) -> TransactionView:
    """A fact with all its sides. Raises: Forbidden as `list_accounts`, NotFound `ledger_transaction_not_found`."""
    uow.principal.require(READ)
    fact = uow.session.get(LedgerTransaction, transaction_id)
    if fact is None:
        raise NotFound("ledger_transaction_not_found")
    rows = uow.session.execute(
        select(Posting, LedgerAccount, Organization.display_name)
        .join(LedgerAccount, LedgerAccount.id == Posting.account_id)
        .outerjoin(Organization, Organization.id == Posting.org_id)
        .where(Posting.transaction_id == transaction_id)
        .order_by(Posting.amount_minor.desc(), Posting.id)
    )
    legs = tuple(
        PostedLeg(
            account.id,
            account.org_id,
            name or str(account.org_id),
            account.kind,
            account.gateway,
            posting.amount_minor,
            posting.currency,
        )
        for posting, account, name in rows
    )
    return TransactionView(
        fact.id,
        fact.kind,
        fact.business_key,
        fact.reference,
        fact.effective_at,
        fact.occurred_at,
        fact.recorded_at,
        legs,
    )


_TRIAL_BALANCE = """
    WITH base AS (
        SELECT id, ends_at FROM billing.accounting_period
        WHERE state = 'closed' AND transactions IS NOT NULL AND ends_at <= :since ORDER BY ends_at DESC LIMIT 1
    ), moved AS (
        SELECT account_id, balance_minor AS opening, 0 AS debit, 0 AS credit FROM billing.accounting_period_balance
        WHERE period_id = (SELECT id FROM base)
        UNION ALL
        SELECT g.account_id, coalesce(sum(g.amount_minor) FILTER (WHERE t.effective_at < :since), 0),
               coalesce(sum(g.amount_minor) FILTER (WHERE t.effective_at >= :since AND g.amount_minor > 0), 0),
               coalesce(-sum(g.amount_minor) FILTER (WHERE t.effective_at >= :since AND g.amount_minor < 0), 0)
        FROM billing.ledger_transaction t JOIN billing.posting g ON g.transaction_id = t.id
        WHERE t.effective_at < :until AND t.effective_at >= coalesce((SELECT ends_at FROM base), '-infinity')
        GROUP BY g.account_id
    )
    SELECT a.kind, a.gateway, a.currency::text AS currency, sum(m.opening)::bigint AS opening_minor,
           sum(m.debit)::bigint AS debit_minor, sum(m.credit)::bigint AS credit_minor,
           sum(m.opening + m.debit - m.credit)::bigint AS closing_minor
    FROM moved m JOIN billing.ledger_account a ON a.id = m.account_id
    GROUP BY a.kind, a.gateway, a.currency ORDER BY a.currency, a.kind, a.gateway
"""


def trial_balance(uow: UnitOfWork, *, since: datetime | None, until: datetime) -> list[TrialBalanceRow]:
    """What stood on accounts at `since`, was posted until `until` (excluded), and stands there then.

    Without `since` it is as of `until`: all that was ever posted counts as movement. It begins with the last closed month
    before, so that a later one costs no more than an early one. The closing column adds up to zero in each currency.

    Raises: Forbidden `permission_missing` without operator.read; Invalid `books_range_invalid`, `since` is not before `until`.
    """
    uow.principal.require(READ)
    if since is not None and since >= until:
        raise Invalid("books_range_invalid", field="until")
    uow.session.execute(text("SET LOCAL enable_seqscan = on"))
    rows = uow.session.execute(text(_TRIAL_BALANCE), {"since": since or "-infinity", "until": until})
    return [TrialBalanceRow(**row._mapping) for row in rows]  # noqa: SLF001 - the documented way to a row's columns


def _accounts() -> Any:
    return select(LedgerAccount, func.coalesce(Organization.display_name, "")).outerjoin(
        Organization, Organization.id == LedgerAccount.org_id
    )


def _to_account(account: LedgerAccount, owner: str, balances: dict[UUID, int]) -> AccountRow:
    return AccountRow(
        account.id,
        account.org_id,
        owner or str(account.org_id),
        account.kind,
        account.gateway,
        account.currency,
        balances.get(account.id, 0),
        account.created_at,
    )
