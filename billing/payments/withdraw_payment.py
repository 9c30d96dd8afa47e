"""A payer withdraws a payment that waits for it, so that another way to pay can be chosen."""

from __future__ import annotations

from uuid import UUID

from billing.gateways.call import CHECK, Submission, check_kind, payload_of
from billing.payments.models import UNRESOLVED, Payment
from billing.payments.submit_payment import PaymentOperation
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.outbox import enqueue

_OPERATION = PaymentOperation()


def withdraw_payment(uow: UnitOfWork, payment_id: UUID) -> Submission | None:
    """Let a payment that waits for its payer be withdrawn at the gateway: its time is over now.

    What the payer has done there meanwhile counts: the gateway says how it stands. Returns the question, the caller's to ask;
    who dies before leaves it to a worker.

    Raises: Forbidden `permission_missing` without orders.buy, NotFound `payment_not_found`, Conflict
    `payment_needs_no_action` where it does not wait for its payer. Locks: the payment. Idempotent.
    """
    uow.principal.require("orders.buy")
    payment = _own(uow, payment_id)
    if payment.state != "requires_action":
        raise Conflict("payment_needs_no_action", state=payment.state)
    payment.deadline_at = min(payment.deadline_at, clock.now())
    uow.flush()
    return _question(uow, payment.id)


def ask_now(uow: UnitOfWork, payment_id: UUID) -> Submission | None:
    """Ask the gateway what became of a payment whose payer has come back; None where that is known.

    Raises: NotFound `payment_not_found`. Locks: the payment. Returns as `withdraw_payment`.
    """
    payment = _own(uow, payment_id)
    return _question(uow, payment.id) if payment.state in UNRESOLVED else None


def _own(uow: UnitOfWork, payment_id: UUID) -> Payment:
    payment = lock_row(uow.session, Payment, payment_id)
    if payment is None or (not uow.principal.is_platform and payment.payer_org_id != uow.principal.organization()):
        raise NotFound("payment_not_found")
    return payment


def _question(uow: UnitOfWork, payment_id: UUID) -> Submission | None:
    request = _OPERATION.open(uow, payment_id, first=False)
    if request is None:
        return None
    kind, payload = check_kind(_OPERATION), {**payload_of(_OPERATION, payment_id), CHECK: "payer"}
    job_id = enqueue(uow, kind, payload, dedupe_key=f"{payment_id}:{uuid7()}", leased=True)
    claim = JobClaim(job_id, kind, payload, epoch=1, attempts=1, correlation_id=uow.correlation_id)
    return Submission(claim, request)
