"""The sandbox gateway: deterministic, without network, asynchronous like the real ones. It moves no money.

It is a counterpart with books of its own (`billing.sandbox_operation`), written in its own transactions and found by
our idempotency key. What happens is chosen by the method token of a payment, or the destination of a payout; every
token is described in `docs/sandbox.md`. Each change is told by a notice as well, before, beside or after the answer.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing.payments.models import SandboxOperation
from billing.payments.notices import receive_notice
from billing.payments.ports import (
    Answer,
    Notice,
    NotReached,
    OutcomeUnknown,
    PaymentRequest,
    PayoutRequest,
    RefundRequest,
    Refused,
    Standing,
)
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import Database, UnitOfWork, transact
from kernel.ids import uuid7
from kernel.jobs.kinds import Payload, job
from kernel.jobs.outbox import enqueue
from kernel.money import Money
from kernel.principal import SYSTEM

NAME: Final = "sandbox"
SETTLE: Final = "billing.sandbox.settle"
_PREFIX: Final = {"payment": "sbx_pay_", "refund": "sbx_ref_", "payout": "sbx_out_"}
_DELAY: Final = timedelta(seconds=2)
_LONGEST_DELAY_S: Final = 86_400

Kind = Literal["payment", "refund", "payout"]


@dataclass(frozen=True, slots=True)
class Course:
    """What a token makes happen."""

    standing: Standing
    error_code: str | None = None
    becomes: Standing | None = None
    after: timedelta | None = None
    answer_lost: bool = False
    """The operation is done, and the caller never hears of it."""


_OK: Final = Course(Standing.SUCCEEDED)
_LATER: Final = Course(Standing.PENDING, becomes=Standing.SUCCEEDED, after=_DELAY)
_LOST: Final = Course(Standing.SUCCEEDED, answer_lost=True)

_PAYMENT_COURSES: Final[Mapping[str, Course]] = {
    "sbx_ok": _OK,
    "sbx_declined": Course(Standing.FAILED, "card_declined"),
    "sbx_insufficient": Course(Standing.FAILED, "insufficient_funds"),
    "sbx_requires_action": Course(Standing.REQUIRES_ACTION),
    "sbx_delayed": _LATER,
    "sbx_delayed_fail": Course(Standing.PENDING, "card_declined", becomes=Standing.FAILED, after=_DELAY),
    "sbx_timeout": _LOST,
    "sbx_refund_fails": _OK,
    "sbx_refund_delayed": _OK,
    "sbx_refund_timeout": _OK,
}
"""Besides these: `sbx_delayed_<seconds>`; `sbx_request_lost` and `sbx_unreachable`, which never get into the books."""

_REFUND_COURSES: Final[Mapping[str, Course]] = {
    "sbx_refund_fails": Course(Standing.FAILED, "refund_rejected"),
    "sbx_refund_delayed": _LATER,
    "sbx_refund_timeout": _LOST,
}
_PAYOUT_COURSES: Final[Mapping[str, Course]] = {
    "sbx_acct_closed": Course(Standing.FAILED, "account_closed"),
    "sbx_acct_delayed": _LATER,
    "sbx_acct_timeout": _LOST,
}


@dataclass(frozen=True, slots=True)
class _Order:
    """An operation as asked for."""

    kind: Kind
    key: str
    token: str
    amount: Money
    parent: str | None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """What must be equal when a key is used again."""
        content = [self.kind, self.token, self.amount.amount_minor, self.amount.currency, self.parent]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


class SandboxGateway:
    """See the module. Thread safe; opens its own transactions on `db`."""

    name: Final = NAME

    def __init__(self, db: Database) -> None:
        self._db = db

    def submit(self, request: PaymentRequest) -> Answer:
        """Take the money as the method token says."""
        token = request.method_token
        if token == "sbx_unreachable":  # noqa: S105 - a documented test token
            raise NotReached
        if token == "sbx_request_lost" and self._lose_once(request.key, request.amount):  # noqa: S105 - (same)
            raise OutcomeUnknown
        course = _payment_course(token)
        if course is None:
            raise Refused("invalid_method")
        order = _Order("payment", request.key, token, request.amount, None, request.metadata)
        return self._do(order, course)

    def find_payment(self, request: PaymentRequest, reference: str | None) -> Answer | None:
        """The payment of this key."""
        return self._find(request.key)

    def cancel(self, reference: str) -> Answer:
        """Withdraw a payment that still waits for its payer."""
        return self._resolve(reference, Standing.FAILED, "cancelled")

    def authenticate(self, reference: str, *, approve: bool) -> Answer:
        """What a bank's authentication page would do: the payer confirms, or refuses."""
        if approve:
            return self._resolve(reference, Standing.SUCCEEDED, None)
        return self._resolve(reference, Standing.FAILED, "authentication_failed")

    def refund(self, request: RefundRequest) -> Answer:
        """Give money back as the token of the refunded payment says."""
        return transact(self._db, SYSTEM, lambda uow: self._refund(uow, request)).heard()

    def find_refund(self, request: RefundRequest, reference: str | None) -> Answer | None:
        """The refund of this key."""
        return self._find(request.key)

    def pay_out(self, request: PayoutRequest) -> Answer:
        """Send money as the destination says; any other destination than the documented ones succeeds."""
        course = _PAYOUT_COURSES.get(request.destination, _OK)
        order = _Order("payout", request.key, request.destination, request.amount, None, request.metadata)
        return self._do(order, course)

    def find_payout(self, request: PayoutRequest, reference: str | None) -> Answer | None:
        """The payout of this key."""
        return self._find(request.key)

    def read_notice(self, body: bytes, headers: Mapping[str, str], received_at: datetime) -> Notice:
        """The sandbox delivers inside the house; nobody outside can speak for it."""
        raise Refused("signature_invalid")

    def _do(self, order: _Order, course: Course) -> Answer:
        return transact(self._db, SYSTEM, lambda uow: _record(uow, order, course)).heard()

    def _refund(self, uow: UnitOfWork, request: RefundRequest) -> _Heard:
        parent = _locked(uow, request.payment_reference)
        order = _Order("refund", request.key, parent.method_token, request.amount, parent.reference, request.metadata)
        known = uow.session.scalar(select(SandboxOperation.id).where(SandboxOperation.idempotency_key == request.key))
        course = _REFUND_COURSES.get(parent.method_token, _OK)
        if known is None and course.standing is not Standing.FAILED:
            if parent.state != "succeeded" or parent.currency != request.amount.currency:
                raise Refused("payment_not_refundable")
            if parent.refunded_minor + request.amount.amount_minor > parent.amount_minor:
                raise Refused("refund_exceeds_payment")
            parent.refunded_minor += request.amount.amount_minor
        return _record(uow, order, course)

    def _find(self, key: str) -> Answer | None:
        def look(uow: UnitOfWork) -> Answer | None:
            found = uow.session.scalar(select(SandboxOperation.id).where(SandboxOperation.idempotency_key == key))
            operation = lock_row(uow.session, SandboxOperation, found) if found else None
            if operation is None:
                return None
            _settle_if_due(uow, operation)
            return _answer(operation)

        return transact(self._db, SYSTEM, look)

    def _resolve(self, reference: str, standing: Standing, error_code: str | None) -> Answer:
        def work(uow: UnitOfWork) -> Answer:
            operation = _locked(uow, reference)
            if operation.state == "requires_action":
                _change(uow, operation, standing, error_code)
            return _answer(operation)

        return transact(self._db, SYSTEM, work)

    def _lose_once(self, key: str, amount: Money) -> bool:
        """Whether this is the first request of the key; remembered apart, as the gateway never got the request."""
        order = _Order("payment", f"lost:{key}", "sbx_request_lost", amount, None)
        return transact(self._db, SYSTEM, lambda uow: _insert(uow, order, Course(Standing.FAILED, "lost")) is not None)


@dataclass(frozen=True, slots=True)
class _Heard:
    """An answer, and whether it reaches the caller."""

    answer: Answer
    lost: bool

    def heard(self) -> Answer:
        if self.lost:
            raise OutcomeUnknown
        return self.answer


def _payment_course(token: str) -> Course | None:
    if token == "sbx_request_lost":  # noqa: S105 - a documented test token
        return _OK
    delayed = re.fullmatch(r"sbx_delayed_(\d{1,5})", token)
    if delayed:
        after = timedelta(seconds=min(int(delayed[1]), _LONGEST_DELAY_S))
        return Course(Standing.PENDING, becomes=Standing.SUCCEEDED, after=after)
    return _PAYMENT_COURSES.get(token)


def _record(uow: UnitOfWork, order: _Order, course: Course) -> _Heard:
    """Do an operation once per key; the same key again answers how the first one stands."""
    created = _insert(uow, order, course)
    operation = uow.session.scalars(
        select(SandboxOperation)
        .where(SandboxOperation.idempotency_key == order.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    if operation.request_hash != order.digest():
        raise Refused("idempotency_key_reused")
    if created is not None:
        _tell(uow, operation)
        if course.after is not None:
            payload: Payload = {"operation_id": str(operation.id)}
            enqueue(uow, SETTLE, payload, dedupe_key=str(operation.id), run_at=operation.settles_at)
    else:
        _settle_if_due(uow, operation)
    return _Heard(_answer(operation), lost=course.answer_lost and created is not None)


def _insert(uow: UnitOfWork, order: _Order, course: Course) -> UUID | None:
    now = clock.now()
    operation_id = uuid7()
    return uow.session.scalar(
        insert(SandboxOperation)
        .values(
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
            state=course.standing.value,
            error_code=course.error_code,
            becomes=course.becomes.value if course.becomes else None,
            settles_at=now + course.after if course.after else None,
            metadata_=dict(order.metadata),
            created_at=now,
            changed_at=now,
        )
        .on_conflict_do_nothing(index_elements=["idempotency_key"])
        .returning(SandboxOperation.id)
    )


def _locked(uow: UnitOfWork, reference: str) -> SandboxOperation:
    operation_id = uow.session.scalar(select(SandboxOperation.id).where(SandboxOperation.reference == reference))
    operation = lock_row(uow.session, SandboxOperation, operation_id) if operation_id else None
    if operation is None:
        raise Refused("reference_unknown")
    return operation


def _settle_if_due(uow: UnitOfWork, operation: SandboxOperation) -> None:
    due = operation.settles_at is not None and operation.settles_at <= clock.now()
    if operation.state == "pending" and operation.becomes is not None and due:
        _change(uow, operation, Standing(operation.becomes), operation.error_code)


def _change(uow: UnitOfWork, operation: SandboxOperation, standing: Standing, error_code: str | None) -> None:
    operation.state = standing.value
    operation.error_code = error_code
    operation.changed_at = clock.now()
    uow.flush()
    _tell(uow, operation)


def _tell(uow: UnitOfWork, operation: SandboxOperation) -> None:
    """What a real gateway would post to our webhook address."""
    notice = Notice(
        event_id=f"{operation.reference}:{operation.state}",
        kind=f"{operation.kind}.{operation.state}",
        reference=operation.reference,
        body={"metadata": operation.metadata_, "amount": operation.amount_minor, "currency": operation.currency},
    )
    receive_notice(uow, NAME, notice)


def _answer(operation: SandboxOperation) -> Answer:
    standing = Standing(operation.state)
    waits = standing is Standing.REQUIRES_ACTION
    return Answer(
        standing=standing,
        reference=operation.reference,
        amount=Money(operation.amount_minor, operation.currency),
        error_code=operation.error_code if standing is Standing.FAILED else None,
        next_action={"kind": "sandbox_authentication", "reference": operation.reference} if waits else None,
    )


def register() -> None:
    """Register the job by which the sandbox finishes what its tokens delayed."""

    @job(SETTLE)
    def settle(uow: UnitOfWork, payload: Payload) -> None:
        operation = lock_row(uow.session, SandboxOperation, UUID(payload["operation_id"]))
        if operation is not None:
            _settle_if_due(uow, operation)
