"""Bank transfer as a gateway: the payer sends the money itself, and a statement tells of it, days later.

Its own books are `bank_transfer` and `bank_outgoing`, written in transactions of its own and found by our idempotency key.
What an imported statement settles is told by a notice, as any gateway would; it is believed by asking here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.bank.draw_transfer import draw_transfer
from billing.bank.models import (
    AWAITED_TRANSFER,
    BANK_TRANSFER,
    OUTGOING_TRANSFER,
    BankAccount,
    BankAssignment,
    BankLine,
    BankOutgoing,
    BankTransfer,
)
from billing.bank.remark_code import draw_code
from billing.bank.same_name import name_key
from billing.bank.sandbox_bank import is_at_sandbox_bank
from billing.gateways.ports import (
    EvidenceRequest,
    GatewayAnswer,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    OwnSubject,
    PaymentGateway,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.webhooks import store_webhook
from billing.payments.models import Payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization

TOKEN: Final = "transfer"  # noqa: S105 - what a payment method is called
"""The only method there is: the same for every payer."""
REMINDERS: Final = (timedelta(days=7), timedelta(days=2))
"""How long before its time is over a payer is told again."""
_SAYS = {
    "awaited": GatewayStatus.REQUIRES_ACTION,
    "received": GatewayStatus.SUCCEEDED,
    "withdrawn": GatewayStatus.FAILED,
    "credited": GatewayStatus.SUCCEEDED,
}
_OUT_SAYS = {
    "to_send": GatewayStatus.PENDING,
    "sent": GatewayStatus.SUCCEEDED,
    "returned": GatewayStatus.FAILED,
    "failed": GatewayStatus.FAILED,
}
_OUT_FAILURES = {"returned": "transfer_returned", "failed": "transfer_failed"}


class BankTransferGateway:
    """See the module. Thread safe; opens its own transactions on `db`.

    `plays`: nothing but the sandbox's money is taken here, so that it asks for transfers to the sandbox's bank alone.
    """

    name: Final = BANK_TRANSFER
    balance: Final = None
    """What the bank says of the account is imported as its statements."""
    accounts: Final = None

    def __init__(self, db: Database, *, plays: bool = False) -> None:
        self._db = db
        self.plays: Final = plays

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Ask the payer for a transfer: draw its code, and say where the page about it is."""
        if request.method_token != TOKEN:
            raise GatewayRefused("invalid_method")
        return transact(self._db, SYSTEM, lambda uow: _answer(_ask_for(uow, request, plays=self.plays)))

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """How the transfer of this key stands."""

        def look(uow: UnitOfWork) -> GatewayAnswer | None:
            found = transfer_by_key(uow, request.key)
            return _answer(found) if found is not None else None

        return transact(self._db, SYSTEM, look)

    def cancel(self, reference: str) -> GatewayAnswer:
        """Wait for it no longer; what has come in full by now has come."""

        def withdraw(uow: UnitOfWork) -> GatewayAnswer:
            found = lock_row(uow.session, BankTransfer, own_id(reference))
            if found is None:
                raise GatewayRefused("reference_unknown")
            if found.state == "awaited":
                AWAITED_TRANSFER.move(uow, found, "withdrawn", org_ids=[found.payer_org_id])
                found.remind_at = None
            return _answer(found)

        return transact(self._db, SYSTEM, withdraw)

    def withdraw(self, reference: str) -> None:
        """As `cancel`, for a payer who would rather pay in another way: it is told of by a notice."""

        def work(uow: UnitOfWork) -> None:
            found = lock_row(uow.session, BankTransfer, own_id(reference))
            if found is not None and found.state == "awaited" and found.gateway == BANK_TRANSFER:
                AWAITED_TRANSFER.move(uow, found, "withdrawn", org_ids=[found.payer_org_id], reason="payer")
                found.remind_at = None
                metadata = {"payment_id": str(found.payment_id)}
                tell_outcome(uow, "payment", found.id, GatewayStatus.FAILED, metadata)

        transact(self._db, SYSTEM, work)

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Put it on the list of what is to be sent, to the account that paid."""
        return transact(self._db, SYSTEM, lambda uow: outgoing_answer(send_back(uow, request)))

    def find_refund(self, request: RefundRequest, reference: str | None) -> GatewayAnswer | None:
        """How the item of this key stands."""

        def look(uow: UnitOfWork) -> GatewayAnswer | None:
            found = outgoing_by_key(uow, request.key)
            return outgoing_answer(found) if found is not None else None

        return transact(self._db, SYSTEM, look)

    def pay_out(self, request: PayoutRequest) -> GatewayAnswer:
        """Sellers are not paid by it."""
        raise GatewayRefused("payouts_not_offered")

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """There is none."""
        return None

    def look_up(self, subject: OwnSubject, reference: str) -> GatewayRecord | None:
        """A bank makes nothing by itself: what leaves the account is a line of the statement."""
        return None

    def submit_evidence(self, request: EvidenceRequest) -> GatewayRecord:
        """A transfer is not disputed."""
        raise GatewayRefused("reference_unknown")

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """Banks post nothing here; statements are imported."""
        raise GatewayRefused("signature_invalid")


def offered_account(uow: UnitOfWork, currency: str, *, plays: bool | None = None) -> BankAccount | None:
    """The account to which this currency is paid, if there is one. `plays`: at the sandbox's bank alone, or at none of it.

    An installation that took the sandbox's money before must not ask for real money at a bank that is none.
    """
    found = uow.session.scalar(select(BankAccount).where(BankAccount.currency == currency, BankAccount.is_offered))
    if found is not None and plays is not None and is_at_sandbox_bank(found.account_number) != plays:
        return None
    return found


def takes_play_money(gateways: Mapping[str, PaymentGateway]) -> bool:
    """Whether transfers here are the sandbox's, to its own bank."""
    found = gateways.get(BANK_TRANSFER)
    return isinstance(found, BankTransferGateway) and found.plays


def transfer_page(payment_id: UUID) -> str:
    """Where the payer reads what to send."""
    return f"/payments/{payment_id}/transfer"


def reference_of(row_id: UUID) -> str:
    """What a row is called in payments, refunds and notices."""
    return f"bank_{row_id.hex}"


def tell_outcome(
    uow: UnitOfWork,
    what: str,
    row_id: UUID,
    says: GatewayStatus,
    metadata: Mapping[str, str],
    gateway: str = BANK_TRANSFER,
) -> None:
    """Leave a notice, as a gateway elsewhere would post one; whoever reads it asks here. Idempotent by: row and outcome."""
    reference = reference_of(row_id)
    notice = GatewayWebhook(
        event_id=f"{reference}:{says.value}",
        kind=f"{what}.{says.value}",
        reference=reference,
        body={"metadata": dict(metadata)},
        says=says,
    )
    store_webhook(uow, gateway, notice)


def next_reminder(deadline_at: datetime, after: datetime) -> datetime | None:
    """When a payer is told again, after this instant."""
    due = (deadline_at - before for before in REMINDERS)
    return next((at for at in due if at > after), None)


def own_id(reference: str) -> UUID:
    """The row that is called so (`reference_of`). Raises GatewayRefused `reference_unknown`."""
    try:
        return UUID(reference.removeprefix("bank_"))
    except ValueError as error:
        raise GatewayRefused("reference_unknown") from error


def transfer_by_key(uow: UnitOfWork, key: str) -> BankTransfer | None:
    """The transfer that was asked for by this key."""
    return uow.session.scalar(select(BankTransfer).where(BankTransfer.idempotency_key == key))


def outgoing_by_key(uow: UnitOfWork, key: str) -> BankOutgoing | None:
    """What is to be sent by this key."""
    return uow.session.scalar(select(BankOutgoing).where(BankOutgoing.idempotency_key == key))


def _ask_for(uow: UnitOfWork, request: PaymentRequest, *, plays: bool) -> BankTransfer:
    found = transfer_by_key(uow, request.key)
    if found is not None:
        if Money(found.amount_minor, found.currency) != request.amount:
            raise GatewayRefused("idempotency_key_reused")
        return found
    payment = uow.session.get(Payment, UUID(request.metadata["payment_id"]))
    account = offered_account(uow, request.amount.currency, plays=plays)
    if payment is None or account is None:
        raise GatewayRefused("bank_transfer_unavailable")
    deadline_at = payment.deadline_at
    remind_at = next_reminder(deadline_at, clock.now())
    return expect_transfer(uow, request, payment, account, deadline_at=deadline_at, remind_at=remind_at)


def expect_transfer(
    uow: UnitOfWork,
    request: PaymentRequest,
    payment: Payment,
    account: BankAccount,
    *,
    deadline_at: datetime,
    remind_at: datetime | None,
) -> BankTransfer:
    """Ask a payer for a transfer by the deadline, and let the request be drawn. Idempotent by the request's key."""
    name = uow.session.scalars(select(Organization.legal_name).where(Organization.id == payment.payer_org_id)).one()
    row = BankTransfer(
        id=uuid7(),
        payer_org_id=payment.payer_org_id,
        payment_id=payment.id,
        gateway=payment.gateway,
        account_id=account.id,
        idempotency_key=request.key,
        remark_code=draw_code(),
        virtual_account=_virtual(account, payment.id),
        payer_name=name,
        payer_key=name_key(name),
        description=request.description,
        amount_minor=request.amount.amount_minor,
        currency=request.amount.currency,
        received_minor=0,
        written_off_minor=0,
        credited_minor=0,
        deadline_at=deadline_at,
        state="awaited",
        remind_at=remind_at,
        files={},
        created_at=clock.now(),
    )
    if uow.add_if_absent(row, "idempotency_key"):
        draw_transfer(uow, row.id)
        AWAITED_TRANSFER.begin(uow, row, org_ids=[row.payer_org_id])
        return row
    return uow.session.scalars(select(BankTransfer).where(BankTransfer.idempotency_key == request.key)).one()


def _virtual(account: BankAccount, payment_id: UUID) -> str | None:
    """The number of a payment's own account: the bank's prefix and twelve digits of the payment."""
    return f"{account.virtual_prefix}{payment_id.int % 10**12:012d}" if account.virtual_prefix else None


def send_back(uow: UnitOfWork, request: RefundRequest) -> BankOutgoing:
    """Put a refund of what has come on the list of what is to be sent. Locks: its transfer. Idempotent by the request's key.

    Raises: GatewayRefused `payment_not_refundable`, `refund_exceeds_payment`.
    """
    found = outgoing_by_key(uow, request.key)
    if found is not None:
        return found
    transfer = lock_row(uow.session, BankTransfer, own_id(request.payment_reference))
    if transfer is None or transfer.state != "received" or transfer.currency != request.amount.currency:
        raise GatewayRefused("payment_not_refundable")
    # Under the lock of its transfer: no more goes back than came.
    sent = uow.session.scalars(
        select(BankOutgoing.amount_minor).where(
            BankOutgoing.transfer_id == transfer.id,
            BankOutgoing.kind == "refund",
            BankOutgoing.state.in_(("to_send", "sent")),
        )
    )
    if sum(sent) + request.amount.amount_minor > transfer.amount_minor - transfer.credited_minor:
        raise GatewayRefused("refund_exceeds_payment")
    name, number = _payer_account(uow, transfer)
    row = BankOutgoing(
        id=uuid7(),
        account_id=transfer.account_id,
        kind="refund",
        idempotency_key=request.key,
        remark_code=draw_code(),
        transfer_id=transfer.id,
        amount_minor=request.amount.amount_minor,
        currency=transfer.currency,
        payee_name=name,
        payee_account=number,
        bank_reference="",
        state="to_send",
        decided_by=None,
        left_line_id=None,
        back_line_id=None,
        sent_at=None,
        created_at=clock.now(),
    )
    if uow.add_if_absent(row, "idempotency_key"):
        OUTGOING_TRANSFER.begin(uow, row, org_ids=[])
        return row
    return uow.session.scalars(select(BankOutgoing).where(BankOutgoing.idempotency_key == request.key)).one()


def _payer_account(uow: UnitOfWork, transfer: BankTransfer) -> tuple[str, str]:
    """From where the money came, as the statement says; the name asked for where it does not say."""
    line = uow.session.scalars(
        select(BankLine)
        .join(BankAssignment, BankAssignment.line_id == BankLine.id)
        .where(BankAssignment.transfer_id == transfer.id, BankAssignment.kind == "payment")
        .order_by(BankAssignment.amount_minor.desc(), BankAssignment.id)
        .limit(1)
    ).first()
    if line is None:
        return transfer.payer_name, ""
    return line.counterparty_name or transfer.payer_name, line.counterparty_account


def _answer(row: BankTransfer) -> GatewayAnswer:
    waits = row.state == "awaited"
    return GatewayAnswer(
        status=_SAYS[row.state],
        reference=reference_of(row.id),
        amount=Money(row.amount_minor, row.currency),
        error_code="transfer_did_not_come" if row.state == "withdrawn" else None,
        next_action={"kind": "redirect", "url": transfer_page(row.payment_id)} if waits else None,
    )


def outgoing_answer(row: BankOutgoing) -> GatewayAnswer:
    """How an item to be sent stands, as a gateway would say it."""
    return GatewayAnswer(
        status=_OUT_SAYS[row.state],
        reference=reference_of(row.id),
        amount=Money(row.amount_minor, row.currency),
        error_code=_OUT_FAILURES.get(row.state),
    )
