"""Take a bank's statement file into the books: every line once, all of a file or nothing, each matched where it is certain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from billing.bank.match_line import AskedTransfer, LineMatch, MoneyIn, match_line
from billing.bank.models import BankAccount, BankLine, BankOutgoing, BankStatement, BankTransfer
from billing.bank.remark_code import find_codes
from billing.bank.same_name import name_key
from billing.bank.settle_line import MANAGE, outgoing_fits, to_outgoing, to_transfer
from billing.bank.statements.model import FileFault, FileLine, StatementFile, fingerprints
from billing.bank.statements.read_file import read_statement_file
from billing.ledger.post import Fact, Leg, post
from kernel import audit, clock
from kernel.db.dry_run import dry_run
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.text import plain_text
from marketplace.parties.models import PLATFORM_ORG_ID


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """A file of one of the platform's accounts."""

    account_id: UUID
    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of one line: `matched`, `outgoing`, `known`, or why a person has to look."""

    line: int
    amount_minor: int
    counterparty_name: str
    remark: str
    outcome: str


@dataclass(slots=True)
class ImportReport:
    """What a file says, line by line. With `faults` nothing of it was imported."""

    account_id: UUID
    format: str
    currency: str
    opening_minor: int | None
    closing_minor: int | None
    lines: list[LineReport] = field(default_factory=list)
    faults: list[FileFault] = field(default_factory=list)
    is_known: bool = False
    """The very same file was imported before: nothing was done."""
    is_dry_run: bool = False

    @property
    def new_lines(self) -> int:
        """Lines that were not known."""
        return sum(line.outcome != "known" for line in self.lines)


def try_import(run: Callable[[Callable[[UnitOfWork], None]], None], command: ImportStatement) -> ImportReport:
    """What an import would do: it is done, and taken back as a whole. `run` does a work in a transaction.

    Raises as `import_statement`.
    """
    report = dry_run(run, lambda uow: import_statement(uow, command))
    report.is_dry_run = True
    return report


def import_statement(uow: UnitOfWork, command: ImportStatement) -> ImportReport:
    """Import a file: all of its lines that are not known yet, or, where anything is wrong with it, nothing.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound.
    Locks: the account, so that of two imports the second sees what the first has imported; then transfers and lines.
    Idempotent by: the file's digest, and each line's fingerprint.
    """
    uow.principal.require(MANAGE)
    account = lock_row(uow.session, BankAccount, command.account_id)
    if account is None:
        raise NotFound("not_found")
    found = read_statement_file(
        command.content, account_number=account.account_number, currency=account.currency.strip()
    )
    found.require_days(clock.today())
    report = ImportReport(
        account.id,
        found.format,
        account.currency.strip(),
        found.opening_minor,
        found.closing_minor,
        faults=found.faults,
    )
    digest = hashlib.sha256(command.content).hexdigest()
    seen = select(BankStatement.id).where(BankStatement.account_id == account.id, BankStatement.sha256 == digest)
    if uow.session.scalar(seen) is not None:
        report.is_known = True
        report.lines = [_reported(line, "known") for line in found.lines]
        return report
    if report.faults:
        return report
    prints = fingerprints(found.lines)
    known = set(
        uow.session.scalars(
            select(BankLine.fingerprint).where(BankLine.account_id == account.id, BankLine.fingerprint.in_(prints))
        )
    )
    new = [line for line, one in zip(found.lines, prints, strict=True) if one not in known]
    if not _balance_follows(account, found, new):
        report.faults.append(FileFault(0, "statement_gap", str(account.balance_minor)))
        return report
    statement = _statement(uow, command, account, found, digest, len(new))
    for position, (line, one) in enumerate(zip(found.lines, prints, strict=True), start=1):
        outcome = "known" if one in known else _import_line(uow, account, statement, position, line, one)
        report.lines.append(_reported(line, outcome))
    audit.record(uow, "bank_statement.imported", subject_id=statement.id, lines=len(new), known=len(known))
    return report


def _balance_follows(account: BankAccount, found: StatementFile, new: list[FileLine]) -> bool:
    """Whether what is new leads from the known balance to the file's; the first balance that is told is believed."""
    moved = sum(line.amount_minor for line in new)
    if found.closing_minor is not None and account.opening_minor is None:
        account.opening_minor = found.closing_minor - moved - account.balance_minor
        account.balance_minor += account.opening_minor
    if found.closing_minor is not None and new and account.balance_minor + moved != found.closing_minor:
        return False
    account.balance_minor += moved
    return True


def _statement(
    uow: UnitOfWork, command: ImportStatement, account: BankAccount, found: StatementFile, digest: str, new: int
) -> BankStatement:
    row = BankStatement(
        id=uuid7(),
        account_id=account.id,
        file_name=plain_text(command.file_name)[:200] or "-",
        sha256=digest,
        format=found.format,
        currency=account.currency,
        opening_minor=found.opening_minor,
        closing_minor=found.closing_minor,
        new_lines=new,
        known_lines=len(found.lines) - new,
        imported_by=uow.principal.accountable_id,
        created_at=clock.now(),
    )
    uow.add(row)
    uow.flush()
    return row


def _reported(line: FileLine, outcome: str) -> LineReport:
    return LineReport(line.line, line.amount_minor, line.counterparty_name, line.remark, outcome)


def _import_line(
    uow: UnitOfWork, account: BankAccount, statement: BankStatement, position: int, line: FileLine, fingerprint: str
) -> str:
    """Write one line, book it as money of which nobody knows what it is for, and say what it is for where that is certain."""
    row = BankLine(
        id=uuid7(),
        account_id=account.id,
        statement_id=statement.id,
        position=position,
        fingerprint=fingerprint,
        booked_on=line.booked_on,
        amount_minor=line.amount_minor,
        currency=line.currency,
        counterparty_name=plain_text(line.counterparty_name),
        counterparty_account=plain_text(line.counterparty_account),
        remark=plain_text(line.remark),
        bank_reference=plain_text(line.bank_reference),
        virtual_account=plain_text(line.virtual_account),
        open_minor=abs(line.amount_minor),
        reason=None,
        transfer_id=None,
        created_at=clock.now(),
    )
    uow.add(row)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", row.amount_minor, f"bank:{account.code}"),
        Leg(PLATFORM_ORG_ID, "suspense", -row.amount_minor),
    ]
    post(uow, Fact(f"bank_line:{row.id}", "bank_line", row.id, row.currency, clock.now(), legs))
    return _settle_outgoing(uow, row) if row.amount_minor < 0 else _settle_incoming(uow, row)


def _settle_outgoing(uow: UnitOfWork, row: BankLine) -> str:
    codes = find_codes(row.remark)
    named = uow.session.scalars(select(BankOutgoing.id).where(BankOutgoing.remark_code.in_(codes))).all()
    items = lock_rows(uow.session, BankOutgoing, named)
    if len(items) == 1 and outgoing_fits(row, items[0]):
        to_outgoing(uow, row, items[0], None)
        return "outgoing"
    row.reason = "outgoing_differs" if items else "debit"
    return row.reason


def _settle_incoming(uow: UnitOfWork, row: BankLine) -> str:
    transfers = {one.id: one for one in _candidates(uow, row)}
    money = MoneyIn(row.amount_minor, row.counterparty_name, row.remark, row.virtual_account)
    found = match_line(money, [_asked(uow, one) for one in transfers.values()])
    row.transfer_id = found.transfer_id
    if not found.parts:
        row.reason = found.reason
        return found.reason or "unknown_payer"
    return _take(uow, row, found, transfers)


def _take(uow: UnitOfWork, row: BankLine, found: LineMatch, transfers: dict[UUID, BankTransfer]) -> str:
    earlier = {
        line.id: line
        for line in lock_rows(uow.session, BankLine, [part.line_id for part in found.parts if part.line_id is not None])
    }
    for part in found.parts:
        line = earlier[part.line_id] if part.line_id is not None else row
        to_transfer(uow, line, transfers[part.transfer_id], part.amount_minor, None)
    return "matched"


def _candidates(uow: UnitOfWork, row: BankLine) -> list[BankTransfer]:
    """Every transfer of the account that the line may be for, locked: what is decided stays so until the end."""
    key = name_key(row.counterparty_name)
    named: list[ColumnElement[bool]] = [BankTransfer.remark_code.in_(find_codes(row.remark))]
    if row.virtual_account:
        named.append(BankTransfer.virtual_account == row.virtual_account)
    ids = set(
        uow.session.scalars(select(BankTransfer.id).where(BankTransfer.account_id == row.account_id, or_(*named)))
    )
    if key and not ids:
        of_payer = select(BankTransfer.id).where(
            BankTransfer.payer_key == key, BankTransfer.state == "awaited", BankTransfer.account_id == row.account_id
        )
        ids = set(uow.session.scalars(of_payer.limit(50)))
    return lock_rows(uow.session, BankTransfer, ids)


def _asked(uow: UnitOfWork, transfer: BankTransfer) -> AskedTransfer:
    waiting = uow.session.execute(
        select(BankLine.id, BankLine.open_minor)
        .where(
            BankLine.transfer_id == transfer.id,
            BankLine.reason == "short",
            BankLine.open_minor == BankLine.amount_minor,
        )
        .order_by(BankLine.id)
    )
    return AskedTransfer(
        transfer.id,
        transfer.remark_code,
        transfer.virtual_account,
        transfer.payer_key,
        transfer.state,
        transfer.missing_minor,
        tuple((line.id, line.open_minor) for line in waiting),
    )
