"""Send back money that came for nothing here: at once up to a limit, above it once a second person agrees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from billing.bank.models import RETURNED_TRANSFER, BankAssignment, BankReturn
from billing.bank.settle_line import MANAGE, ReturnMoney, checked_return, return_money
from billing.second_person import agreeing_person, limit_minor
from kernel import audit, clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.paging import Page, cut, newest_first

READ = "operator.read"


@dataclass(frozen=True, slots=True)
class BankReturnView:
    """A return that a second person decides about, or has decided about."""

    id: UUID
    line_id: UUID
    amount_minor: int
    currency: str
    payee_name: str
    payee_account: str
    reason: str
    state: str
    asked_by: UUID | None
    decided_by: UUID | None
    decided_at: datetime | None
    outgoing_id: UUID | None
    created_at: datetime


def ask_return(uow: UnitOfWork, command: ReturnMoney, second_person_above: int) -> BankReturn | None:
    """Put money onto the list of what is to be sent; above the limit, with what of the line went back before, it waits for a
    second person instead. Returns what waits; None when it is on the list.

    `second_person_above` in whole units of the line's currency.

    Raises: as `return_money`; Conflict `bank_return_waiting`, another of the line waits.
    Locks: the line.
    """
    reason, line, (name, number) = checked_return(uow, command)
    before = select(func.coalesce(func.sum(BankAssignment.amount_minor), 0)).where(
        BankAssignment.line_id == line.id, BankAssignment.kind == "return"
    )
    currency = line.currency.strip()
    above_minor = limit_minor(second_person_above, currency)
    if command.amount_minor + int(uow.session.scalar(before) or 0) <= above_minor:
        return_money(uow, command)
        return None
    row = BankReturn(
        id=uuid7(),
        line_id=line.id,
        amount_minor=command.amount_minor,
        currency=currency,
        payee_name=name,
        payee_account=number,
        reason=reason,
        second_person_above_minor=above_minor,
        asked_by=uow.principal.accountable_id,
        created_at=clock.now(),
    )
    RETURNED_TRANSFER.begin(uow, row, org_ids=[])
    uow.session.add(row)
    uow.flush()
    audit.record(uow, "bank_return.asked", subject_id=row.id, amount_minor=row.amount_minor, reason=reason)
    return row


def approve_return(uow: UnitOfWork, return_id: UUID) -> BankReturn:
    """Agree that money goes back: from now on it is on the list of what is to be sent.

    Raises:
        Forbidden: `permission_missing` without operator.payouts; `person_required` for keys.
        NotFound: `bank_return_not_found`.
        Conflict: `bank_return_second_person`, whoever asked for it; `bank_return_decided`, it was withdrawn.
        Invalid: `bank_amount_exceeds`: less is open by now.

    Locks: the return, then its line.
    Idempotent by: its state.
    """
    uow.principal.require(MANAGE)
    uow.principal.person()
    row = _locked(uow, return_id)
    if row.state == "approved":
        return row
    person_id = agreeing_person(
        # It waits because of all that went back of the line: of itself it may be less than the limit.
        uow,
        row.amount_minor,
        above_minor=0,
        involved={row.asked_by},
        refusal="bank_return_second_person",
    )
    command = ReturnMoney(row.line_id, row.amount_minor, row.reason, row.payee_name, row.payee_account)
    if not RETURNED_TRANSFER.allows(row.state, "approved"):
        raise Conflict("bank_return_decided")
    row.outgoing_id = return_money(uow, command).id
    row.decided_by, row.decided_at = person_id, clock.now()
    RETURNED_TRANSFER.move(uow, row, "approved", org_ids=[])
    uow.flush()
    return row


def withdraw_return(uow: UnitOfWork, return_id: UUID) -> BankReturn:
    """Do not send it back, as its asker or anybody else decides: its line is as it was.

    Raises: Forbidden `permission_missing` without operator.payouts. NotFound `bank_return_not_found`. Conflict
        `bank_return_decided`: it was approved.
    Locks: the return. Idempotent by: its state.
    """
    uow.principal.require(MANAGE)
    row = _locked(uow, return_id)
    if row.state == "approved":
        raise Conflict("bank_return_decided")
    if row.state != "withdrawn":
        row.decided_by, row.decided_at = uow.principal.accountable_id, clock.now()
        RETURNED_TRANSFER.move(uow, row, "withdrawn", org_ids=[])
        uow.flush()
    return row


def list_returns(
    uow: UnitOfWork, *, state: str | None = None, cursor: str | None = None, limit: int = 20
) -> Page[BankReturnView]:
    """Returns above the limit, newest first. Raises Forbidden `permission_missing` without operator.read."""
    uow.principal.require(READ)
    statement = select(BankReturn)
    if state is not None:
        statement = statement.where(BankReturn.state == state)
    rows = uow.session.scalars(newest_first(statement, BankReturn.created_at, BankReturn.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([return_view(row) for row in page.items], page.next_cursor)


def return_view(row: BankReturn) -> BankReturnView:
    """A stored return as it is read."""
    return BankReturnView(**{name: getattr(row, name) for name in BankReturnView.__dataclass_fields__})


def _locked(uow: UnitOfWork, return_id: UUID) -> BankReturn:
    row = lock_row(uow.session, BankReturn, return_id)
    if row is None:
        raise NotFound("bank_return_not_found")
    return row
