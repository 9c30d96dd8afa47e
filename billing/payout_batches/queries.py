"""Reads of batches of payouts by bank and of what banks reported of them: for the platform alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Select, exists, func, select

from billing.payout_batches.decide_batch import entries_of
from billing.payout_batches.models import PayoutBatch, PayoutBatchEntry, PayoutReport, PayoutReportLine
from billing.payout_batches.transfer_file import BankParty, CreditTransfer, CreditTransferFile, write_transfer_file
from billing.payouts.models import BANK, Payout
from billing.statements.models import Statement
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, cut, newest_first
from kernel.secrets import SecretBox
from kernel.states import state_in
from marketplace.onboarding.models import PayoutAccount
from marketplace.onboarding.save_payout_account import open_account

READ = "operator.payouts"


@dataclass(frozen=True, slots=True)
class PayoutBatchRow:
    """A batch in a list."""

    id: UUID
    currency: str
    state: str
    payouts: int
    control_sum_minor: int
    second_person_above_minor: int
    execution_on: date
    drafted_by: UUID | None
    approved_by: UUID | None
    approved_at: datetime | None
    sent_at: datetime | None
    created_at: datetime

    @property
    def needs_second_person(self) -> bool:
        """Whether who drafted it may not approve it."""
        return self.control_sum_minor > self.second_person_above_minor


@dataclass(frozen=True, slots=True)
class BatchedPayout:
    """A payout of a batch. `stale`: its account was replaced since, so that the batch must not go out."""

    payout_id: UUID
    org_id: UUID
    statement_id: UUID
    statement_number: str
    amount_minor: int
    currency: str
    holder: str
    bank_name: str
    country: str
    account_last4: str
    state: str
    error_code: str | None
    stale: bool


@dataclass(frozen=True, slots=True)
class WaitingPayouts:
    """What waits for a batch in one currency."""

    currency: str
    payouts: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class PayoutReportRow:
    """A file that a bank gave, without its lines."""

    id: UUID
    kind: str
    message_id: str
    file_name: str
    lines: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PayoutReportLineRow:
    """A line of it."""

    position: int
    payout_id: UUID | None
    org_id: UUID | None
    end_to_end_id: str
    says: str
    reason: str
    reference: str
    amount_minor: int | None
    currency: str | None
    outcome: str


def list_waiting(uow: UnitOfWork) -> list[WaitingPayouts]:
    """What waits for a batch, by currency."""
    uow.principal.require(READ)
    batched = exists().where(PayoutBatchEntry.payout_id == Payout.id, PayoutBatchEntry.dropped_at.is_(None))
    rows = uow.session.execute(
        select(Payout.currency, func.count(), func.sum(Payout.amount_minor))
        .where(Payout.gateway == BANK, state_in(Payout.state, "scheduled"), ~batched)
        .group_by(Payout.currency)
        .order_by(Payout.currency)
    )
    return [WaitingPayouts(currency, count, int(minor)) for currency, count, minor in rows]


def list_batches(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[PayoutBatchRow]:
    """Batches, newest first."""
    uow.principal.require(READ)
    statement = newest_first(select(PayoutBatch), PayoutBatch.created_at, PayoutBatch.id, cursor, limit)
    page = cut(uow.session.scalars(statement).all(), limit, lambda row: (row.created_at, row.id))
    return Page([_row(row) for row in page.items], page.next_cursor)


def get_batch(uow: UnitOfWork, batch_id: UUID) -> tuple[PayoutBatchRow, list[BatchedPayout]]:
    """A batch with its payouts in the order of its file. Raises NotFound(`payout_batch_not_found`)."""
    batch = _get(uow, batch_id)
    rows = uow.session.execute(_payouts_of(batch_id, dropped=batch.state == "discarded"))
    payouts = [
        BatchedPayout(
            payout.id,
            payout.org_id,
            payout.statement_id,
            number,
            entry.amount_minor,
            entry.currency,
            account.holder,
            account.bank_name,
            account.country,
            account.account_last4,
            payout.state,
            payout.error_code,
            payout.state == "scheduled" and account.replaced_at is not None,
        )
        for entry, payout, account, number in rows
    ]
    return _row(batch), payouts


def _payouts_of(batch_id: UUID, *, dropped: bool) -> Select[PayoutBatchEntry, Payout, PayoutAccount, str]:
    is_dropped = PayoutBatchEntry.dropped_at
    return (
        select(PayoutBatchEntry, Payout, PayoutAccount, Statement.number)
        .join(Payout, (Payout.org_id == PayoutBatchEntry.org_id) & (Payout.id == PayoutBatchEntry.payout_id))
        .join(PayoutAccount, PayoutAccount.id == PayoutBatchEntry.account_id)
        .join(Statement, (Statement.org_id == Payout.org_id) & (Statement.id == Payout.statement_id))
        .where(PayoutBatchEntry.batch_id == batch_id, is_dropped.is_not(None) if dropped else is_dropped.is_(None))
        .order_by(PayoutBatchEntry.id)
    )


def batch_file(uow: UnitOfWork, batch_id: UUID, box: SecretBox) -> bytes:
    """The file of a batch that was handed over: the same bytes every time.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `payout_batch_not_found`; Conflict
        `payout_batch_not_sent`.
    """
    batch = _get(uow, batch_id)
    if batch.sent_at is None:
        raise Conflict("payout_batch_not_sent")
    entries = entries_of(uow, batch_id)
    rows = uow.session.execute(_payouts_of(batch_id, dropped=False)).all()
    numbers = {payout.id: number for _, payout, _, number in rows}
    accounts = {account.id: account for _, _, account, _ in rows}
    return write_transfer_file(
        CreditTransferFile(
            batch.message_id,
            batch.sent_at,
            batch.execution_on,
            batch.currency,
            BankParty(batch.debtor_name, batch.debtor_country, batch.debtor_account, batch.debtor_bank_code),
            [
                CreditTransfer(
                    entry.payout_id.hex,
                    entry.amount_minor,
                    _party(accounts[entry.account_id], box),
                    numbers[entry.payout_id],
                )
                for entry in entries
            ],
        )
    )


def list_reports(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[PayoutReportRow]:
    """Files that banks gave, newest first."""
    uow.principal.require(READ)
    statement = newest_first(select(PayoutReport), PayoutReport.created_at, PayoutReport.id, cursor, limit)
    page = cut(uow.session.scalars(statement).all(), limit, lambda row: (row.created_at, row.id))
    return Page(_reports(uow, page.items), page.next_cursor)


def get_report(uow: UnitOfWork, report_id: UUID) -> tuple[PayoutReportRow, list[PayoutReportLineRow]]:
    """A file with its lines. Raises NotFound(`payout_report_not_found`)."""
    uow.principal.require(READ)
    row = uow.session.get(PayoutReport, report_id)
    if row is None:
        raise NotFound("payout_report_not_found")
    lines = uow.session.scalars(
        select(PayoutReportLine).where(PayoutReportLine.report_id == report_id).order_by(PayoutReportLine.position)
    )
    names = PayoutReportLineRow.__dataclass_fields__
    found = [PayoutReportLineRow(**{name: getattr(line, name) for name in names}) for line in lines]
    return _reports(uow, [row])[0], found


def _reports(uow: UnitOfWork, rows: Sequence[PayoutReport]) -> list[PayoutReportRow]:
    counted = uow.session.execute(
        select(PayoutReportLine.report_id, func.count())
        .where(PayoutReportLine.report_id.in_([row.id for row in rows]))
        .group_by(PayoutReportLine.report_id)
    )
    counts: dict[UUID, int] = {report_id: lines for report_id, lines in counted}  # noqa: C416 - rows are no pairs to mypy
    return [
        PayoutReportRow(row.id, row.kind, row.message_id, row.file_name, counts.get(row.id, 0), row.created_at)
        for row in rows
    ]


def _get(uow: UnitOfWork, batch_id: UUID) -> PayoutBatch:
    uow.principal.require(READ)
    row = uow.session.get(PayoutBatch, batch_id)
    if row is None:
        raise NotFound("payout_batch_not_found")
    return row


def _party(account: PayoutAccount, box: SecretBox) -> BankParty:
    return BankParty(account.holder, account.country, open_account(account, box), account.bank_code)


def _row(row: PayoutBatch) -> PayoutBatchRow:
    return PayoutBatchRow(**{name: getattr(row, name) for name in PayoutBatchRow.__dataclass_fields__})
