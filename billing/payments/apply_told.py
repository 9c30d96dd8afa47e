"""Believe a gateway: the one place where a payment takes the state its gateway tells.

The answer to the call, an incoming notice and the janitor's question all end here, in any order and number.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.ledger.post import Fact, Leg, post
from billing.payments.consult import Applied, Told, close_attempt, record_contradiction, wait_before_check
from billing.payments.events import PaymentFailed, PaymentNeedsAction, PaymentSucceeded
from billing.payments.models import Payment, PaymentAttempt
from billing.payments.ports import Answer, Standing
from billing.payments.states import PAYMENT
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.organizations.models import PLATFORM_ORG_ID


def apply_told(uow: UnitOfWork, payment_id: UUID, told: Told) -> Applied:
    """Bring a payment to where the gateway says it is.

    Emits: PaymentSucceeded, PaymentFailed or PaymentNeedsAction, each once.
    Locks: the payment.
    Idempotent by: the payment's state; a late answer never moves it back.
    """
    payment = lock_row(uow.session, Payment, payment_id)
    if payment is None:
        raise NotFound("payment_not_found")
    payment.next_check_at = clock.now() + wait_before_check(payment.checks)
    payment.checks += 1
    for attempt in uow.session.scalars(select(PaymentAttempt).where(PaymentAttempt.payment_id == payment.id)):
        close_attempt(attempt, told)
    if told.answer is not None:
        return _believe(uow, payment, told.answer)
    if PAYMENT.is_final(payment.state):
        return Applied.NOTHING_NEW
    if told.refused is not None:
        return _fail(uow, payment, told.refused)
    if told.unknown:
        return _changed(PAYMENT.move(uow, payment, "unknown", org_ids=[payment.payer_org_id], reason="no_answer"))
    return Applied.NOTHING_NEW


def _believe(uow: UnitOfWork, payment: Payment, answer: Answer) -> Applied:
    if answer.amount != Money(payment.amount_minor, payment.currency):
        return _contradiction(uow, payment, "amount", answer)
    if payment.gateway_reference not in {None, answer.reference}:
        return _contradiction(uow, payment, "reference", answer)
    payment.gateway_reference = answer.reference
    if PAYMENT.is_final(payment.state):
        came_late = answer.standing is Standing.SUCCEEDED and payment.state == "failed"
        return _contradiction(uow, payment, "late_success", answer) if came_late else Applied.NOTHING_NEW
    if answer.standing is Standing.SUCCEEDED:
        return _capture(uow, payment)
    if answer.standing is Standing.FAILED:
        return _fail(uow, payment, answer.error_code or "declined")
    if answer.standing is Standing.REQUIRES_ACTION:
        payment.next_action = dict(answer.next_action or {})
        moved = PAYMENT.move(uow, payment, "requires_action", org_ids=[payment.payer_org_id])
        if moved:
            emit(
                uow,
                PaymentNeedsAction(
                    payment_id=payment.id, reference=payment.reference, payer_org_id=payment.payer_org_id
                ),
            )
        return _changed(moved)
    payment.next_action = None
    return _changed(PAYMENT.move(uow, payment, "processing", org_ids=[payment.payer_org_id]))


def _capture(uow: UnitOfWork, payment: Payment) -> Applied:
    payment.captured_at = clock.now()
    payment.next_action = None
    payment.error_code = None
    PAYMENT.move(uow, payment, "succeeded", org_ids=[payment.payer_org_id])
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", payment.amount_minor, payment.gateway),
        Leg(payment.payer_org_id, "buyer_credit", -payment.amount_minor),
    ]
    post(uow, Fact(f"payment:{payment.id}", "payment", payment.id, payment.currency, payment.captured_at, legs))
    emit(
        uow,
        PaymentSucceeded(
            payment_id=payment.id,
            reference=payment.reference,
            payer_org_id=payment.payer_org_id,
            amount_minor=payment.amount_minor,
            currency=payment.currency,
        ),
    )
    return Applied.CHANGED


def _fail(uow: UnitOfWork, payment: Payment, code: str) -> Applied:
    payment.error_code = code
    payment.next_action = None
    PAYMENT.move(uow, payment, "failed", org_ids=[payment.payer_org_id], reason=code)
    uow.flush()
    emit(
        uow,
        PaymentFailed(payment_id=payment.id, reference=payment.reference, payer_org_id=payment.payer_org_id, code=code),
    )
    return Applied.CHANGED


def _contradiction(uow: UnitOfWork, payment: Payment, differs: str, answer: Answer) -> Applied:
    record_contradiction(uow, "payment", payment.id, answer, differs=differs)
    if not PAYMENT.is_final(payment.state):
        payment.error_code = "answer_contradicts"
        PAYMENT.move(uow, payment, "unknown", org_ids=[payment.payer_org_id], reason=f"contradicts_{differs}")
    return Applied.CONTRADICTS


def _changed(moved: bool) -> Applied:  # noqa: FBT001 - private
    return Applied.CHANGED if moved else Applied.NOTHING_NEW
