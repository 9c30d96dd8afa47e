"""What a line of a statement was for: by itself where that is certain, else as a person of the platform says.

Every way ends in one function, `_assign`: it takes a part of a line's open amount, once, and books it. A transfer that has
come in full is told of by a notice, and its payment concluded like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from sqlalchemy import func, select

from billing.bank.events import AccountPurchasePaid
from billing.bank.gateway import tell_outcome
from billing.bank.models import (
    AWAITED_TRANSFER,
    BANK_TRANSFER,
    OUTGOING_TRANSFER,
    BankAssignment,
    BankLine,
    BankOutgoing,
    BankTransfer,
)
from billing.bank.remark_code import draw_code
from billing.credit_lines.hold import draw_credit, lock_line, repay
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.ports import GatewayStatus
from billing.ledger.post import Fact, Leg, post
from billing.payments.models import Payment
from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.text import plain_text
from marketplace.parties.models import PLATFORM_ORG_ID

MANAGE = "operator.payouts"
MOST_SHORTFALL_PPM = 20_000
"""Two in a hundred: of a transfer the platform bears no more than what banks on the way keep."""
PPM = 1_000_000
Kind = Literal["payment", "outgoing", "return", "write_off", "shortfall"]


@dataclass(frozen=True, slots=True)
class AssignMoney:
    """`amount_minor` of a line is for a transfer. `bear_shortfall`: what is then missing, the platform bears."""

    line_id: UUID
    transfer_id: UUID
    amount_minor: int
    reason: str
    bear_shortfall: bool = False


@dataclass(frozen=True, slots=True)
class ReturnMoney:
    """`amount_minor` of a line goes back to an account; by default the one it came from."""

    line_id: UUID
    amount_minor: int
    reason: str
    payee_name: str = ""
    payee_account: str = ""


@dataclass(frozen=True, slots=True)
class WriteOffMoney:
    """`amount_minor` of a line is for nothing here: the platform's own gain or cost, such as the bank's fee."""

    line_id: UUID
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True)
class MatchOutgoing:
    """A line is an item of ours that went out, or that came back."""

    line_id: UUID
    outgoing_id: UUID
    reason: str


def assign_money(uow: UnitOfWork, command: AssignMoney) -> BankLine:
    """Say for which transfer money came.

    Raises: NotFound; Invalid `reason_missing`, `bank_amount_exceeds`, `bank_shortfall_too_large`; Conflict
    `bank_transfer_not_awaited`, `bank_line_goes_out`, `bank_currency_differs`, `bank_owed_whole`, a part of a line for a part
    of a purchase on account. Locks: the transfer, then the line.
    """
    reason = _decide(uow, command.reason)
    transfer = lock_row(uow.session, BankTransfer, command.transfer_id)
    line = _locked(uow, command.line_id)
    if transfer is None:
        raise NotFound("not_found")
    if transfer.state != "awaited":
        raise Conflict("bank_transfer_not_awaited", state=transfer.state)
    if line.amount_minor < 0:
        raise Conflict("bank_line_goes_out")
    if transfer.currency != line.currency:
        raise Conflict("bank_currency_differs")
    if not 0 < command.amount_minor <= transfer.missing_minor:
        raise Invalid("bank_amount_exceeds", field="amount")
    short_minor = transfer.missing_minor - command.amount_minor if command.bear_shortfall else 0
    if short_minor * PPM > transfer.amount_minor * MOST_SHORTFALL_PPM:
        raise Invalid("bank_shortfall_too_large", field="amount")
    if transfer.gateway == ON_ACCOUNT and command.amount_minor + short_minor < transfer.missing_minor:
        _keep_for(uow, line, transfer, command.amount_minor, reason)
    else:
        to_transfer(uow, line, transfer, command.amount_minor, reason, short_minor=short_minor)
    audit.record(uow, "bank_line.assigned", subject_id=line.id, transfer_id=str(transfer.id), reason=reason)
    return line


def _keep_for(uow: UnitOfWork, line: BankLine, transfer: BankTransfer, minor: int, reason: str) -> None:
    """A purchase on account is paid as a whole, so that a refund is of what is owed or of what has come, never of both: a line
    that is less is kept for it, until those that are kept are what is missing.
    """
    if not minor == line.open_minor == line.amount_minor:
        raise Conflict("bank_owed_whole")
    line.transfer_id, line.reason = transfer.id, "short"
    uow.flush()
    kept = uow.session.scalars(
        select(BankLine.id).where(
            BankLine.transfer_id == transfer.id,
            BankLine.reason == "short",
            BankLine.open_minor == BankLine.amount_minor,
        )
    ).all()
    lines = lock_rows(uow.session, BankLine, kept)
    if sum(one.open_minor for one in lines) == transfer.missing_minor:
        for one in lines:
            to_transfer(uow, one, transfer, one.open_minor, reason)


def return_money(uow: UnitOfWork, command: ReturnMoney) -> BankOutgoing:
    """Put money that is for nothing here on the list of what is to be sent.

    Raises: NotFound; Invalid `reason_missing`, `bank_amount_exceeds`, `bank_payee_missing`; Conflict `bank_line_goes_out`.
    Locks: the line.
    """
    reason, line, (name, number) = checked_return(uow, command)
    row = BankOutgoing(
        id=uuid7(),
        account_id=line.account_id,
        kind="return",
        idempotency_key=f"return:{uuid7()}",
        remark_code=draw_code(),
        transfer_id=None,
        amount_minor=command.amount_minor,
        currency=line.currency,
        payee_name=name,
        payee_account=number,
        bank_reference="",
        decided_by=uow.principal.accountable_id,
        left_line_id=None,
        back_line_id=None,
        sent_at=None,
        created_at=clock.now(),
    )
    OUTGOING_TRANSFER.begin(uow, row, org_ids=[], reason="return")
    uow.add(row)
    uow.flush()
    _assign(uow, line, "return", command.amount_minor, reason, outgoing_id=row.id)
    audit.record(uow, "bank_line.returned", subject_id=line.id, amount_minor=command.amount_minor, reason=reason)
    return row


def checked_return(uow: UnitOfWork, command: ReturnMoney) -> tuple[str, BankLine, tuple[str, str]]:
    """Why money goes back, its locked line, and to whom: name and account. Raises as `return_money`."""
    reason = _decide(uow, command.reason)
    line = _locked(uow, command.line_id)
    if line.amount_minor < 0:
        raise Conflict("bank_line_goes_out")
    name = plain_text(command.payee_name) or line.counterparty_name
    number = plain_text(command.payee_account) or line.counterparty_account
    if not name or not number:
        raise Invalid("bank_payee_missing", field="payee_account")
    _require_open(line, command.amount_minor)
    return reason, line, (name, number)


def write_off_money(uow: UnitOfWork, command: WriteOffMoney) -> BankLine:
    """Take a part of a line into the platform's own costs or gains.

    Raises: NotFound; Invalid `reason_missing`, `bank_amount_exceeds`. Locks: the line.
    """
    reason = _decide(uow, command.reason)
    line = _locked(uow, command.line_id)
    _assign(uow, line, "write_off", command.amount_minor, reason)
    audit.record(uow, "bank_line.written_off", subject_id=line.id, amount_minor=command.amount_minor, reason=reason)
    return line


def match_outgoing(uow: UnitOfWork, command: MatchOutgoing) -> BankLine:
    """Say which item of ours a line is: one that left, or one that the other bank sent back.

    Raises: NotFound; Invalid `reason_missing`; Conflict `bank_outgoing_differs`, another amount, currency or direction.
    Locks: the item, then the line.
    """
    reason = _decide(uow, command.reason)
    item = lock_row(uow.session, BankOutgoing, command.outgoing_id)
    line = _locked(uow, command.line_id)
    if item is None:
        raise NotFound("not_found")
    if not outgoing_fits(line, item):
        raise Conflict("bank_outgoing_differs")
    to_outgoing(uow, line, item, reason)
    audit.record(uow, "bank_line.matched", subject_id=line.id, outgoing_id=str(item.id), reason=reason)
    return line


def to_transfer(
    uow: UnitOfWork, line: BankLine, transfer: BankTransfer, minor: int, reason: str | None, *, short_minor: int = 0
) -> None:
    """Take a part of a locked line for a locked transfer; of one that is complete its gateway tells."""
    _assign(uow, line, "payment", minor, reason, transfer_id=transfer.id)
    if short_minor:
        # Before the transfer changes: the first booking of its kind opens an account, and writes what is half done by then.
        _assign(uow, line, "shortfall", short_minor, reason, transfer_id=transfer.id)
    transfer.received_minor += minor
    transfer.written_off_minor += short_minor
    if transfer.missing_minor == 0:
        AWAITED_TRANSFER.move(uow, transfer, "received", org_ids=[transfer.payer_org_id], reason=reason)
        transfer.remind_at = None
    if transfer.gateway == ON_ACCOUNT:
        free_credit(uow, transfer, minor + short_minor)
    elif transfer.missing_minor == 0:
        tell_outcome(uow, "payment", transfer.id, GatewayStatus.SUCCEEDED, {"payment_id": str(transfer.payment_id)})
    uow.flush()


def free_credit(uow: UnitOfWork, transfer: BankTransfer, minor: int) -> None:
    """So much of a locked transfer of a purchase on account is owed no longer. Locks: its payer's line of credit.

    Emits: AccountPurchasePaid where nothing of it is owed any more.
    """
    currency = transfer.currency.strip()
    # Its money may be here before its gateway's answer was heard.
    draw_credit(uow, transfer.payment_id)
    lock_line(uow, transfer.payer_org_id, currency)
    # Under the lock: what others ask for at once is seen, too.
    due = select(func.min(BankTransfer.deadline_at)).where(
        BankTransfer.payer_org_id == transfer.payer_org_id,
        BankTransfer.currency == transfer.currency,
        BankTransfer.gateway == ON_ACCOUNT,
        BankTransfer.state == "awaited",
    )
    repay(uow, transfer.payer_org_id, currency, minor, uow.session.scalar(due))
    if transfer.missing_minor == 0:
        payment = uow.session.get_one(Payment, transfer.payment_id)
        emit(
            uow,
            AccountPurchasePaid(
                transfer_id=transfer.id,
                payment_id=payment.id,
                reference=payment.reference,
                payer_org_id=transfer.payer_org_id,
            ),
        )


def outgoing_fits(line: BankLine, item: BankOutgoing) -> bool:
    """Whether a line can be this item: all of it, on its account, on its way out or as it came back."""
    leaves = line.amount_minor < 0
    states = {"to_send", "sent"} if leaves else {"returned"}
    return (
        (item.left_line_id if leaves else item.back_line_id) is None
        and line.open_minor == abs(line.amount_minor) == item.amount_minor
        and (line.currency, line.account_id) == (item.currency, item.account_id)
        and item.state in states
    )


def to_outgoing(uow: UnitOfWork, line: BankLine, item: BankOutgoing, reason: str | None) -> None:
    """A locked line is a locked item. What was still on the list has evidently been sent."""
    _assign(uow, line, "outgoing", item.amount_minor, reason, outgoing_id=item.id)
    if line.amount_minor < 0:
        item.left_line_id = line.id
    else:
        item.back_line_id = line.id
    if item.state == "to_send":
        item.sent_at = clock.now()
        item.bank_reference = line.bank_reference
        move_outgoing(uow, item, "sent", reason or "statement")


def move_outgoing(uow: UnitOfWork, item: BankOutgoing, state: str, reason: str) -> None:
    """Move a locked item; a refund's is told of by its gateway."""
    moved = OUTGOING_TRANSFER.move(uow, item, state, org_ids=[], reason=reason)
    uow.flush()
    if moved and item.kind == "refund":
        says = GatewayStatus.SUCCEEDED if state == "sent" else GatewayStatus.FAILED
        transfer = uow.session.get(BankTransfer, item.transfer_id) if item.transfer_id is not None else None
        tell_outcome(uow, "refund", item.id, says, {}, transfer.gateway if transfer is not None else BANK_TRANSFER)


def _decide(uow: UnitOfWork, reason: str) -> str:
    uow.principal.require(MANAGE)
    said = plain_text(reason)
    if not said:
        raise Invalid("reason_missing", field="reason")
    return said


def _locked(uow: UnitOfWork, line_id: UUID) -> BankLine:
    line = lock_row(uow.session, BankLine, line_id)
    if line is None:
        raise NotFound("not_found")
    return line


def _require_open(line: BankLine, minor: int) -> None:
    if not 0 < minor <= line.open_minor:
        raise Invalid("bank_amount_exceeds", field="amount")


def _assign(
    uow: UnitOfWork,
    line: BankLine,
    kind: Kind,
    minor: int,
    reason: str | None,
    *,
    transfer_id: UUID | None = None,
    outgoing_id: UUID | None = None,
) -> None:
    """Write down what a part of a locked line was for, and book it. Raises Invalid `bank_amount_exceeds`."""
    sign = 1 if line.amount_minor > 0 else -1
    if kind != "shortfall":
        _require_open(line, minor)
        line.open_minor -= minor
        if line.open_minor == 0:
            line.reason = None
    row = BankAssignment(
        id=uuid7(),
        line_id=line.id,
        kind=kind,
        amount_minor=minor,
        currency=line.currency,
        transfer_id=transfer_id,
        outgoing_id=outgoing_id,
        reason=reason,
        decided_by=uow.principal.accountable_id if reason else None,
        created_at=clock.now(),
    )
    uow.add(row)
    clearing = _clearing(uow, transfer_id, outgoing_id, -sign * minor)
    own = Leg(PLATFORM_ORG_ID, "gateway_fee", -sign * minor)
    from_suspense = Leg(PLATFORM_ORG_ID, "suspense", sign * minor)
    if kind == "shortfall":
        legs = [clearing, Leg(PLATFORM_ORG_ID, "gateway_fee", minor)]
    elif kind == "write_off":
        legs = [from_suspense, own]
    else:
        legs = [from_suspense, clearing]
    post(uow, Fact(f"bank_assignment:{row.id}", f"bank_{kind}", line.id, line.currency, clock.now(), legs))


def _clearing(uow: UnitOfWork, transfer_id: UUID | None, outgoing_id: UUID | None, minor: int) -> Leg:
    """What a part of a line is set against: what the gateway took, or, of a purchase on account, what its buyer owes."""
    if outgoing_id is not None:
        transfer_id = uow.session.get_one(BankOutgoing, outgoing_id).transfer_id
    transfer = uow.session.get_one(BankTransfer, transfer_id) if transfer_id is not None else None
    if transfer is not None and transfer.gateway == ON_ACCOUNT:
        return Leg(transfer.payer_org_id, "receivable", minor)
    return Leg(PLATFORM_ORG_ID, "gateway_cash", minor, BANK_TRANSFER)
