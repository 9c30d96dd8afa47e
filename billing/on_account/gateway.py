"""Payment on account as a gateway: a buyer with a line of credit owes the money, and sends it later by bank transfer.

It succeeds at once where the payment's hold stands, so that delivery begins by the same conclusion as of any payment. What is
owed is a transfer that is awaited, with a code and a day on which it is due; statements, matching and the desk are the bank's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.bank.gateway import (
    expect_transfer,
    offered_account,
    outgoing_answer,
    outgoing_by_key,
    own_id,
    reference_of,
    send_back,
    transfer_by_key,
)
from billing.bank.models import AWAITED_TRANSFER, BankTransfer, TransferCredit
from billing.bank.settle_line import free_credit
from billing.credit_lines.hold import lock_line, note_due, refusal_of
from billing.credit_lines.models import ON_ACCOUNT, CreditHold
from billing.gateways.ports import (
    EvidenceRequest,
    GatewayAnswer,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    OwnSubject,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.on_account.steps import first_step_at
from billing.payments.models import Payment
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.ids import uuid7
from kernel.money import Money
from kernel.principal import SYSTEM

TOKEN: Final = "terms"  # noqa: S105 - what a payment method is called
"""The only method there is: the terms of the payer's line."""


class OnAccountGateway:
    """See the module. Thread safe; opens its own transactions on `db`. `plays`: as of `BankTransferGateway`."""

    name: Final = ON_ACCOUNT
    balance: Final = None
    """What is owed are rows of ours."""
    accounts: Final = None

    def __init__(self, db: Database, *, plays: bool = False) -> None:
        self._db = db
        self._plays = plays

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Write down that the payer owes it, and until when. Refused where nothing is held for it, with the reason."""
        if request.method_token != TOKEN:
            raise GatewayRefused("invalid_method")
        return transact(self._db, SYSTEM, lambda uow: _answer(_owe(uow, request, plays=self._plays)))

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """What is owed by this key."""

        def look(uow: UnitOfWork) -> GatewayAnswer | None:
            found = transfer_by_key(uow, request.key)
            return _answer(found) if found is not None else None

        return transact(self._db, SYSTEM, look)

    def cancel(self, reference: str) -> GatewayAnswer:
        """What is owed is not called off: it is refunded."""
        return transact(self._db, SYSTEM, lambda uow: _answer(_named(uow, reference)))

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Before it is paid less is owed, at once; after that it is sent back to the account that paid."""
        return transact(self._db, SYSTEM, lambda uow: _refund(uow, request))

    def find_refund(self, request: RefundRequest, reference: str | None) -> GatewayAnswer | None:
        """How the refund of this key stands."""
        return transact(self._db, SYSTEM, lambda uow: _refunded(uow, request.key))

    def pay_out(self, request: PayoutRequest) -> GatewayAnswer:
        """Sellers are not paid by it."""
        raise GatewayRefused("payouts_not_offered")

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """There is none."""
        return None

    def look_up(self, subject: OwnSubject, reference: str) -> GatewayRecord | None:
        """It makes nothing by itself."""
        return None

    def submit_evidence(self, request: EvidenceRequest) -> GatewayRecord:
        """What is owed is not disputed at a bank."""
        raise GatewayRefused("reference_unknown")

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """Nobody posts notices of it, but this market of what became of a refund (`billing.bank.gateway.tell_outcome`)."""
        raise GatewayRefused("signature_invalid")


def _owe(uow: UnitOfWork, request: PaymentRequest, *, plays: bool) -> BankTransfer:
    found = transfer_by_key(uow, request.key)
    if found is not None:
        if Money(found.amount_minor, found.currency.strip()) != request.amount:
            raise GatewayRefused("idempotency_key_reused")
        return found
    payment = uow.session.get(Payment, UUID(request.metadata["payment_id"]))
    account = offered_account(uow, request.amount.currency, plays=plays)
    if payment is None or account is None:
        raise GatewayRefused("bank_transfer_unavailable")
    line = lock_line(uow, payment.payer_org_id, request.amount.currency)
    hold = uow.session.scalar(select(CreditHold).where(CreditHold.payment_id == payment.id, CreditHold.state == "held"))
    if line is None or hold is None:
        raise GatewayRefused(refusal_of(line, request.amount.amount_minor) or "credit_limit_exceeded")
    due_at = payment.created_at + timedelta(days=hold.term_days)
    remind_at = first_step_at(due_at, payment.created_at)
    row = expect_transfer(uow, request, payment, account, deadline_at=due_at, remind_at=remind_at)
    note_due(line, row.deadline_at)
    return row


def _refund(uow: UnitOfWork, request: RefundRequest) -> GatewayAnswer:
    transfer = lock_row(uow.session, BankTransfer, own_id(request.payment_reference))
    before = _refunded(uow, request.key)
    if before is not None:
        return before
    if transfer is None or transfer.currency.strip() != request.amount.currency:
        raise GatewayRefused("payment_not_refundable")
    if transfer.state != "awaited":
        return outgoing_answer(send_back(uow, request))
    amount_minor = request.amount.amount_minor
    if amount_minor > transfer.missing_minor:
        raise GatewayRefused("refund_exceeds_payment")
    row = TransferCredit(
        id=uuid7(),
        transfer_id=transfer.id,
        idempotency_key=request.key,
        amount_minor=amount_minor,
        currency=transfer.currency,
        created_at=clock.now(),
    )
    uow.add(row)
    transfer.credited_minor += amount_minor
    if transfer.missing_minor == 0:
        AWAITED_TRANSFER.move(uow, transfer, "credited", org_ids=[transfer.payer_org_id], reason="refunded")
        transfer.remind_at = None
    free_credit(uow, transfer, amount_minor)
    return _credited(row)


def _refunded(uow: UnitOfWork, key: str) -> GatewayAnswer | None:
    credited = uow.session.scalar(select(TransferCredit).where(TransferCredit.idempotency_key == key))
    if credited is not None:
        return _credited(credited)
    item = outgoing_by_key(uow, key)
    return outgoing_answer(item) if item is not None else None


def _credited(row: TransferCredit) -> GatewayAnswer:
    amount = Money(row.amount_minor, row.currency.strip())
    return GatewayAnswer(status=GatewayStatus.SUCCEEDED, reference=reference_of(row.id), amount=amount)


def _named(uow: UnitOfWork, reference: str) -> BankTransfer:
    found = uow.session.get(BankTransfer, own_id(reference))
    if found is None:
        raise GatewayRefused("reference_unknown")
    return found


def _answer(row: BankTransfer) -> GatewayAnswer:
    amount = Money(row.amount_minor, row.currency.strip())
    return GatewayAnswer(status=GatewayStatus.SUCCEEDED, reference=reference_of(row.id), amount=amount)
