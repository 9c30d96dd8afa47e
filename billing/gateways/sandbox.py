"""The sandbox gateway: deterministic, without network, asynchronous like the real ones. It moves no money.

It is a counterpart with books of its own (`billing.sandbox_operation`), written in its own transactions and found by
our idempotency key. What happens is chosen by the method token of a payment, or the destination of a payout; every
token is described in `docs/sandbox.md`. Each change is told by a notice as well, before, beside or after the answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, select

from billing.gateways.models import SandboxOperation
from billing.gateways.ports import (
    EvidenceRequest,
    GatewayAnswer,
    GatewayRecord,
    GatewayRefused,
    GatewayStatus,
    GatewayWebhook,
    KeyReused,
    NotReached,
    OutcomeUnknown,
    OwnSubject,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
)
from billing.gateways.sandbox_balance import SandboxBalance, fee_of
from billing.gateways.sandbox_disputes import record_of, take_evidence
from billing.gateways.sandbox_scripts import (
    DISPUTE_SCRIPTS,
    OK,
    ONCE,
    PAYOUT_SCRIPTS,
    REFUND_SCRIPTS,
    Script,
    disputed_minor,
    payment_script,
)
from billing.gateways.webhooks import store_webhook
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.statements import Read
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.money import Money
from kernel.principal import SYSTEM

NAME: Final = "sandbox"
SETTLE: Final = "billing.sandbox.settle"
_PREFIX: Final = {"payment": "sbx_pay_", "refund": "sbx_ref_", "payout": "sbx_out_", "dispute": "sbx_dis_"}

Kind = Literal["payment", "refund", "payout", "dispute"]


@dataclass(frozen=True, slots=True)
class _Order:
    """An operation as asked for."""

    kind: Kind
    key: str
    token: str
    amount: Money
    parent: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)
    fee_minor: int = 0

    @property
    def is_its_own(self) -> bool:
        """Whether nobody asked for it: there is no answer to wait for."""
        return not self.metadata and self.kind in {"refund", "dispute"}

    def digest(self) -> str:
        """What must be equal when a key is used again."""
        content = [self.kind, self.token, self.amount.amount_minor, self.amount.currency, self.parent]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


class SandboxGateway:
    """See the module. Thread safe; opens its own transactions on `db`. `fee_ppm`: what it keeps of a payment."""

    name: Final = NAME

    def __init__(self, db: Database, *, fee_ppm: int = 0) -> None:
        self._db = db
        self._fee_ppm = fee_ppm
        self.balance: Final = SandboxBalance(db)
        self.accounts: Final = None

    def submit(self, request: PaymentRequest) -> GatewayAnswer:
        """Take the money as the method token says."""
        token = request.method_token
        if token == "sbx_unreachable":  # noqa: S105 - a documented test token
            raise NotReached
        if token == "sbx_request_lost" and self._lose_once(request.key, request.amount):  # noqa: S105 - (same)
            raise OutcomeUnknown
        script = payment_script(token)
        if script is None:
            raise GatewayRefused("invalid_method")
        fee_minor = fee_of(request.amount, self._fee_ppm)
        order = _Order("payment", request.key, token, request.amount, None, request.metadata, fee_minor)
        return self._do(order, script)

    def find_payment(self, request: PaymentRequest, reference: str | None) -> GatewayAnswer | None:
        """The payment of this key."""
        return self._find(request.key)

    def cancel(self, reference: str) -> GatewayAnswer:
        """Withdraw a payment that still waits for its payer."""
        return self._resolve(reference, GatewayStatus.FAILED, "cancelled")

    def authenticate(self, reference: str, *, approve: bool) -> GatewayAnswer:
        """What a bank's authentication page would do: the payer confirms, or refuses."""
        if approve:
            return self._resolve(reference, GatewayStatus.SUCCEEDED, None)
        return self._resolve(reference, GatewayStatus.FAILED, "authentication_failed")

    def decide(self, reference: str, status: GatewayStatus) -> None:
        """What a bank would decide of an open dispute: succeeded, we keep the money; failed, the payer does."""

        def work(uow: UnitOfWork) -> None:
            operation = _locked(uow, reference)
            if operation.kind == "dispute" and operation.state == "pending":
                _change(uow, operation, status, operation.error_code)

        transact(self._db, SYSTEM, work)

    def refund(self, request: RefundRequest) -> GatewayAnswer:
        """Give money back as the token of the refunded payment says."""
        return transact(self._db, SYSTEM, lambda uow: self._refund(uow, request)).received()

    def find_refund(self, request: RefundRequest, reference: str | None) -> GatewayAnswer | None:
        """The refund of this key."""
        return self._find(request.key)

    def pay_out(self, request: PayoutRequest) -> GatewayAnswer:
        """Send money as the destination says; any other destination than the documented ones succeeds."""
        script = PAYOUT_SCRIPTS.get(request.destination, OK)
        order = _Order("payout", request.key, request.destination, request.amount, None, request.metadata)
        return self._do(order, script)

    def find_payout(self, request: PayoutRequest, reference: str | None) -> GatewayAnswer | None:
        """The payout of this key."""
        return self._find(request.key)

    def look_up(self, subject: OwnSubject, reference: str) -> GatewayRecord | None:
        """A refund made by hand, or a dispute."""

        def look(uow: UnitOfWork) -> GatewayRecord | None:
            operation: SandboxOperation | None = uow.find(_BY_REFERENCE, reference=reference)
            if operation is None or operation.kind != subject:
                return None
            _settle_if_due(uow, operation)
            return record_of(operation)

        return transact(self._db, SYSTEM, look)

    def submit_evidence(self, request: EvidenceRequest) -> GatewayRecord:
        """Take evidence once; a bank that reads a documented word in it decides after two seconds."""

        def work(uow: UnitOfWork) -> GatewayRecord:
            operation = _locked(uow, request.reference)
            _settle_if_due(uow, operation)
            if take_evidence(operation, request):
                payload: Payload = {"operation_id": str(operation.id)}
                key = f"{operation.id}:evidence"
                enqueue(uow, SETTLE, payload, dedupe_key=key, run_at=operation.settles_at)
            return record_of(operation)

        return transact(self._db, SYSTEM, work)

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> GatewayWebhook:
        """The sandbox delivers inside the house; nobody outside can speak for it."""
        raise GatewayRefused("signature_invalid")

    def _do(self, order: _Order, script: Script) -> GatewayAnswer:
        return transact(self._db, SYSTEM, lambda uow: _record(uow, order, script)).received()

    def _refund(self, uow: UnitOfWork, request: RefundRequest) -> _SandboxAnswer:
        parent = _locked(uow, request.payment_reference)
        order = _Order("refund", request.key, parent.method_token, request.amount, parent.reference, request.metadata)
        known = uow.find(_BY_KEY, key=request.key)
        token = parent.method_token
        if token in ONCE and not uow.fetch(_REFUNDS_OF, reference=parent.reference, key=request.key):
            token = ONCE[token]
        script = REFUND_SCRIPTS.get(token, OK)
        if known is None and script.status is not GatewayStatus.FAILED:
            if parent.state != "succeeded" or parent.currency != request.amount.currency:
                raise GatewayRefused("payment_not_refundable")
            if parent.refunded_minor + request.amount.amount_minor > parent.amount_minor:
                raise GatewayRefused("refund_exceeds_payment")
            parent.refunded_minor += request.amount.amount_minor
        return _record(uow, order, script)

    def _find(self, key: str) -> GatewayAnswer | None:
        def look(uow: UnitOfWork) -> GatewayAnswer | None:
            operation: SandboxOperation | None = uow.find(_BY_KEY, key=key)
            if operation is None:
                return None
            _settle_if_due(uow, operation)
            return _answer(operation)

        return transact(self._db, SYSTEM, look)

    def _resolve(self, reference: str, status: GatewayStatus, error_code: str | None) -> GatewayAnswer:
        def work(uow: UnitOfWork) -> GatewayAnswer:
            operation = _locked(uow, reference)
            if operation.state == "requires_action":
                _change(uow, operation, status, error_code)
            return _answer(operation)

        return transact(self._db, SYSTEM, work)

    def _lose_once(self, key: str, amount: Money) -> bool:
        """Whether this is the first request of the key; remembered apart, as the gateway never got the request."""
        order, lost = (
            _Order("payment", f"lost:{key}", "sbx_request_lost", amount, None),
            Script(GatewayStatus.FAILED, "lost"),
        )
        return transact(self._db, SYSTEM, lambda uow: uow.add_if_absent(_new(order, lost), "idempotency_key"))


@dataclass(frozen=True, slots=True)
class _SandboxAnswer:
    """An answer, and whether it reaches the caller."""

    answer: GatewayAnswer
    lost: bool

    def received(self) -> GatewayAnswer:
        if self.lost:
            raise OutcomeUnknown
        return self.answer


_BY_KEY = Read(select(SandboxOperation).where(SandboxOperation.idempotency_key == bindparam("key")).with_for_update())
_REFUNDS_OF = Read(
    select(SandboxOperation.id).where(
        SandboxOperation.parent_reference == bindparam("reference"),
        SandboxOperation.kind == "refund",
        SandboxOperation.idempotency_key != bindparam("key"),
    )
)
_BY_REFERENCE = Read(
    select(SandboxOperation).where(SandboxOperation.reference == bindparam("reference")).with_for_update()
)


def _record(uow: UnitOfWork, order: _Order, script: Script) -> _SandboxAnswer:
    """Do an operation once per key; the same key again answers how the first one stands."""
    operation = _new(order, script)
    created = uow.add_if_absent(operation, "idempotency_key")
    if not created:
        operation = uow.find(_BY_KEY, key=order.key)
    if operation.request_hash != order.digest():
        raise KeyReused
    if created:
        answered = (
            script.after is None
            and not script.answer_lost
            and script.status is not GatewayStatus.REQUIRES_ACTION
            and not order.is_its_own
        )
        _store_webhook(uow, operation, beside_answer=answered)
        if script.after is not None:
            payload: Payload = {"operation_id": str(operation.id)}
            enqueue(uow, SETTLE, payload, dedupe_key=str(operation.id), run_at=operation.settles_at)
    else:
        _settle_if_due(uow, operation)
    return _SandboxAnswer(_answer(operation), lost=script.answer_lost and created)


def _new(order: _Order, script: Script) -> SandboxOperation:
    now = clock.now()
    operation_id = uuid7()
    return SandboxOperation(
        id=operation_id,
        idempotency_key=order.key,
        request_hash=order.digest(),
        kind=order.kind,
        reference=_PREFIX[order.kind] + operation_id.hex,
        parent_reference=order.parent,
        method_token=order.token,
        amount_minor=order.amount.amount_minor,
        currency=order.amount.currency,
        refunded_minor=0,
        fee_minor=order.fee_minor,
        succeeded_at=now if script.status is GatewayStatus.SUCCEEDED else None,
        state=script.status.value,
        error_code=script.error_code,
        becomes=script.becomes.value if script.becomes else None,
        settles_at=now + script.after if script.after else None,
        metadata_=dict(order.metadata),
        created_at=now,
        changed_at=now,
    )


def _locked(uow: UnitOfWork, reference: str) -> SandboxOperation:
    operation: SandboxOperation | None = uow.find(_BY_REFERENCE, reference=reference)
    if operation is None:
        raise GatewayRefused("reference_unknown")
    return operation


def _settle_if_due(uow: UnitOfWork, operation: SandboxOperation) -> None:
    if operation.settles_at is None or operation.settles_at > clock.now():
        return
    operation.settles_at = None
    if operation.becomes is not None:
        _change(uow, operation, GatewayStatus(operation.becomes), operation.error_code)
    elif operation.method_token in DISPUTE_SCRIPTS:
        _make_by_itself(uow, operation, "dispute", DISPUTE_SCRIPTS[operation.method_token])
    else:
        operation.refunded_minor = operation.amount_minor
        _make_by_itself(uow, operation, "refund", OK)


def _make_by_itself(uow: UnitOfWork, payment: SandboxOperation, kind: Kind, script: Script) -> None:
    """What a bank, or somebody at the dashboard, would do to a payment."""
    minor = disputed_minor(payment.method_token, payment.amount_minor) if kind == "dispute" else payment.amount_minor
    amount = Money(minor, payment.currency)
    _record(uow, _Order(kind, f"{kind}:{payment.reference}", payment.method_token, amount, payment.reference), script)


def _change(uow: UnitOfWork, operation: SandboxOperation, status: GatewayStatus, error_code: str | None) -> None:
    if operation.kind == "refund" and operation.state == "succeeded":
        _locked(uow, operation.parent_reference or "").refunded_minor -= operation.amount_minor
    operation.state = status.value
    operation.error_code = error_code
    operation.changed_at = clock.now()
    if status is GatewayStatus.SUCCEEDED:
        operation.succeeded_at = operation.changed_at
    _store_webhook(uow, operation)


def _store_webhook(uow: UnitOfWork, operation: SandboxOperation, *, beside_answer: bool = False) -> None:
    """What a real gateway would post to our webhook address."""
    notice = GatewayWebhook(
        event_id=f"{operation.reference}:{operation.state}",
        kind=f"{operation.kind}.{operation.state}",
        reference=operation.reference,
        body={"metadata": operation.metadata_, "amount": operation.amount_minor, "currency": operation.currency},
        subject=operation.kind if operation.kind in {"refund", "dispute"} else "",
        says=GatewayStatus(operation.state) if operation.state in {"succeeded", "failed"} else None,
    )
    store_webhook(uow, NAME, notice, beside_answer=beside_answer)


def _answer(operation: SandboxOperation) -> GatewayAnswer:
    status = GatewayStatus(operation.state)
    waits = status is GatewayStatus.REQUIRES_ACTION
    return GatewayAnswer(
        status=status,
        reference=operation.reference,
        amount=Money(operation.amount_minor, operation.currency),
        error_code=operation.error_code if status is GatewayStatus.FAILED else None,
        next_action={"kind": "redirect", "url": _confirmation_path(operation)} if waits else None,
    )


def _confirmation_path(operation: SandboxOperation) -> str:
    """Where the payer confirms: a page of the market itself, which is the sandbox's bank."""
    return f"/payments/{operation.metadata_.get('payment_id', operation.reference)}/confirm"


def register() -> None:
    """Register the job by which the sandbox finishes what its tokens delayed."""

    @job(SETTLE)
    def settle(uow: UnitOfWork, payload: Payload) -> None:
        operation = lock_row(uow.session, SandboxOperation, UUID(payload["operation_id"]))
        if operation is not None:
            _settle_if_due(uow, operation)
