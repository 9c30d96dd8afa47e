"""Reads of bank transfers: a payer's own, and the operators' desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from billing.bank.models import BankAccount, BankAssignment, BankLine, BankOutgoing, BankStatement, BankTransfer
from billing.bank.remark_code import find_codes
from billing.credit_lines.models import ON_ACCOUNT
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.paging import Page, cut, newest_first
from kernel.states import state_in

READ = "operator.read"


@dataclass(frozen=True, slots=True)
class TransferView:
    """What a payer is to send. `account_number` is the payment's own where there is a virtual one."""

    id: UUID
    payment_id: UUID
    payer_name: str
    state: str
    is_owed: bool
    """Whether it pays for what was bought on account, and is there already."""
    remark_code: str
    amount_minor: int
    missing_minor: int
    currency: str
    description: str
    holder: str
    bank_name: str
    account_number: str
    bank_code: str
    is_virtual: bool
    deadline_at: datetime
    files: tuple[str, ...]
    """Languages in which the request is drawn."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TransferFile:
    """Where a drawn request lies, and what it is to be called."""

    key: str
    file_name: str


@dataclass(frozen=True, slots=True)
class BankAccountView:
    """An account of the platform, with what stands on it by the statements so far."""

    id: UUID
    code: str
    currency: str
    holder: str
    bank_name: str
    account_number: str
    bank_code: str
    virtual_prefix: str
    term_days: int
    is_offered: bool
    balance_minor: int
    open_lines: int
    last_import_at: datetime | None


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """What a part of a line was for."""

    kind: str
    amount_minor: int
    remark_code: str | None
    """Of the transfer or the outgoing item."""
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class BankLineView:
    """A line of a statement. `seems_for`: the code of the transfer that it seems to be for."""

    id: UUID
    account_id: UUID
    account_code: str
    booked_on: date
    amount_minor: int
    open_minor: int
    currency: str
    counterparty_name: str
    counterparty_account: str
    remark: str
    bank_reference: str
    reason: str | None
    seems_for: str | None
    seems_missing_minor: int | None
    seems_state: str | None
    assignments: tuple[AssignmentView, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OutgoingView:
    """Money to be sent, or sent."""

    id: UUID
    account_code: str
    kind: str
    remark_code: str
    amount_minor: int
    currency: str
    payee_name: str
    payee_account: str
    state: str
    bank_reference: str
    sent_at: datetime | None
    created_at: datetime


def find_transfer(uow: UnitOfWork, payment_id: UUID) -> TransferView:
    """What was asked for by a payment of the acting organization. Raises NotFound."""
    row = uow.session.execute(
        select(BankTransfer, BankAccount)
        .join(BankAccount, BankAccount.id == BankTransfer.account_id)
        .where(BankTransfer.payment_id == payment_id, _own(uow))
    ).first()
    if row is None:
        raise NotFound("not_found")
    transfer, account = row
    return TransferView(
        id=transfer.id,
        payment_id=transfer.payment_id,
        payer_name=transfer.payer_name,
        state=transfer.state,
        is_owed=transfer.gateway == ON_ACCOUNT,
        remark_code=transfer.remark_code,
        amount_minor=transfer.amount_minor,
        missing_minor=transfer.missing_minor,
        currency=transfer.currency.strip(),
        description=transfer.description,
        holder=account.holder,
        bank_name=account.bank_name,
        account_number=transfer.virtual_account or account.account_number,
        bank_code=account.bank_code,
        is_virtual=transfer.virtual_account is not None,
        deadline_at=transfer.deadline_at,
        files=tuple(sorted(transfer.files)),
        created_at=transfer.created_at,
    )


def find_transfer_file(uow: UnitOfWork, payment_id: UUID, language: str) -> TransferFile:
    """Where the drawn request lies. Raises NotFound; Conflict `transfer_file_not_ready` before it is drawn."""
    found = uow.session.scalar(select(BankTransfer).where(BankTransfer.payment_id == payment_id, _own(uow)))
    if found is None:
        raise NotFound("not_found")
    if language not in found.files:
        raise Conflict("transfer_file_not_ready")
    return TransferFile(found.files[language]["key"], f"payment-{found.remark_code}.{language}.pdf")


def _own(uow: UnitOfWork) -> Any:
    return BankTransfer.payer_org_id == uow.principal.organization()


def transfer_by_code(uow: UnitOfWork, written: str) -> UUID:
    """The transfer that a person means by a code, however it is written. Raises NotFound `bank_code_unknown`."""
    found = uow.session.scalar(select(BankTransfer.id).where(BankTransfer.remark_code.in_(find_codes(written))))
    if found is None:
        raise NotFound("bank_code_unknown")
    return found


def outgoing_by_code(uow: UnitOfWork, written: str) -> UUID:
    """The outgoing item that a person means by a code. Raises NotFound `bank_code_unknown`."""
    found = uow.session.scalar(select(BankOutgoing.id).where(BankOutgoing.remark_code.in_(find_codes(written))))
    if found is None:
        raise NotFound("bank_code_unknown")
    return found


def list_accounts(uow: UnitOfWork) -> list[BankAccountView]:
    """The platform's accounts by their code. Raises Forbidden without operator.read."""
    uow.principal.require(READ)
    waiting = (
        select(func.count())
        .where(BankLine.account_id == BankAccount.id, BankLine.open_minor > 0)
        .correlate(BankAccount)
        .scalar_subquery()
    )
    last = (
        select(func.max(BankStatement.created_at))
        .where(BankStatement.account_id == BankAccount.id)
        .correlate(BankAccount)
        .scalar_subquery()
    )
    rows = uow.session.execute(select(BankAccount, waiting, last).order_by(BankAccount.code))
    return [account_view(row, open_lines, at) for row, open_lines, at in rows]


def account_view(row: BankAccount, open_lines: int = 0, last_import_at: datetime | None = None) -> BankAccountView:
    """A stored account as a frozen value."""
    counted: dict[str, Any] = {
        "open_lines": open_lines,
        "last_import_at": last_import_at,
        "currency": row.currency.strip(),
    }
    names = BankAccountView.__dataclass_fields__.keys() - counted.keys()
    return BankAccountView(**{name: getattr(row, name) for name in names}, **counted)


def account_by_code(uow: UnitOfWork, code: str) -> UUID:
    """The account of that code. Raises NotFound."""
    found = uow.session.scalar(select(BankAccount.id).where(BankAccount.code == code))
    if found is None:
        raise NotFound("not_found")
    return found


def list_lines(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[BankLineView]:
    """Lines of statements, newest first; `open`: those of which something waits for a person. Raises Forbidden."""
    uow.principal.require(READ)
    statement = select(BankLine)
    if state == "open":
        statement = statement.where(BankLine.open_minor > 0)
    rows = uow.session.scalars(newest_first(statement, BankLine.created_at, BankLine.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page(_line_views(uow, page.items), page.next_cursor)


def get_line(uow: UnitOfWork, line_id: UUID) -> BankLineView:
    """One line with all its parts. Raises NotFound, Forbidden."""
    uow.principal.require(READ)
    row = uow.session.get(BankLine, line_id)
    if row is None:
        raise NotFound("not_found")
    return _line_views(uow, [row])[0]


def count_open_lines(uow: UnitOfWork) -> tuple[int, datetime | None]:
    """How many lines wait for a person, and since when the oldest does."""
    count, oldest_at = uow.session.execute(
        select(func.count(), func.min(BankLine.created_at)).where(BankLine.open_minor > 0)
    ).one()
    return count, oldest_at


def list_outgoing(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[OutgoingView]:
    """Outgoing items, newest first. Raises Forbidden."""
    uow.principal.require(READ)
    statement = select(BankOutgoing)
    if state is not None:
        statement = statement.where(BankOutgoing.state == state)
    rows = uow.session.scalars(newest_first(statement, BankOutgoing.created_at, BankOutgoing.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    codes = _codes(uow)
    return Page([outgoing_view(row, codes[row.account_id]) for row in page.items], page.next_cursor)


def outgoing_view(row: BankOutgoing, account_code: str) -> OutgoingView:
    """A stored item as a frozen value."""
    said: dict[str, Any] = {"account_code": account_code, "currency": row.currency.strip()}
    return OutgoingView(
        **{name: getattr(row, name) for name in OutgoingView.__dataclass_fields__.keys() - said.keys()}, **said
    )


def shown_outgoing(uow: UnitOfWork, row: BankOutgoing) -> OutgoingView:
    """An item as a list shows it."""
    return outgoing_view(row, _codes(uow)[row.account_id])


def to_send(uow: UnitOfWork) -> list[OutgoingView]:
    """The worklist: everything that is to be sent, the oldest first. Raises Forbidden."""
    uow.principal.require(READ)
    codes = _codes(uow)
    rows = uow.session.scalars(
        select(BankOutgoing).where(state_in(BankOutgoing.state, "to_send")).order_by(BankOutgoing.created_at)
    )
    return [outgoing_view(row, codes[row.account_id]) for row in rows]


def _codes(uow: UnitOfWork) -> dict[UUID, str]:
    return {row.id: row.code for row in uow.session.execute(select(BankAccount.id, BankAccount.code))}


def _line_views(uow: UnitOfWork, rows: Sequence[BankLine]) -> list[BankLineView]:
    codes = _codes(uow)
    ids = [row.id for row in rows]
    parts: dict[UUID, list[AssignmentView]] = {}
    found = uow.session.execute(
        select(BankAssignment, func.coalesce(BankTransfer.remark_code, BankOutgoing.remark_code))
        .join(BankTransfer, BankTransfer.id == BankAssignment.transfer_id, isouter=True)
        .join(BankOutgoing, BankOutgoing.id == BankAssignment.outgoing_id, isouter=True)
        .where(BankAssignment.line_id.in_(ids))
        .order_by(BankAssignment.id)
    )
    for one, code in found:
        parts.setdefault(one.line_id, []).append(
            AssignmentView(one.kind, one.amount_minor, code, one.reason, one.created_at)
        )
    meant = [row.transfer_id for row in rows if row.transfer_id is not None]
    seems = {row.id: row for row in uow.session.scalars(select(BankTransfer).where(BankTransfer.id.in_(meant)))}
    return [_line_view(row, codes, parts.get(row.id, []), seems.get(row.transfer_id or row.id)) for row in rows]


def _line_view(
    row: BankLine, codes: dict[UUID, str], parts: list[AssignmentView], seems: BankTransfer | None
) -> BankLineView:
    return BankLineView(
        id=row.id,
        account_id=row.account_id,
        account_code=codes[row.account_id],
        booked_on=row.booked_on,
        amount_minor=row.amount_minor,
        open_minor=row.open_minor,
        currency=row.currency.strip(),
        counterparty_name=row.counterparty_name,
        counterparty_account=row.counterparty_account,
        remark=row.remark,
        bank_reference=row.bank_reference,
        reason=row.reason,
        seems_for=seems.remark_code if seems else None,
        seems_missing_minor=seems.missing_minor if seems else None,
        seems_state=seems.state if seems else None,
        assignments=tuple(parts),
        created_at=row.created_at,
    )
