"""Apply a gateway's result to a payment: the only writer of its state.

The answer to the call, an incoming notice and the janitor's question all end here, in any order and number.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, func, select

from billing.credit_lines.hold import draw_credit, release_credit_hold
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.ports import GatewayAnswer, GatewayStatus
from billing.gateways.result import ApplyOutcome, GatewayResult, close_attempt, record_mismatch, wait_before_check
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import Fact, Leg, post
from billing.payments.events import (
    PaymentFailed,
    PaymentMethodKept,
    PaymentNeedsAction,
    PaymentReversed,
    PaymentSucceeded,
)
from billing.payments.models import ENDS, PAYMENT, Payment, PaymentAllocation, PaymentAttempt
from billing.payments.money_leg import money_leg
from billing.store_credit.move_credit import CreditPart, release_credit, use_credit
from kernel import clock
from kernel.db.locks import aggregate_key
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.test_clocks.own_time import enter_time_of

_AGGREGATE = Read(
    select(Payment.reference, func.pg_advisory_xact_lock(aggregate_key(Payment.reference))).where(
        Payment.id == bindparam("payment_id")
    )
)
_LOCKED = Read(
    select(Payment, PaymentAttempt)
    .join(PaymentAttempt, PaymentAttempt.payment_id == Payment.id)
    .where(Payment.id == bindparam("payment_id"))
    .with_for_update(of=Payment, key_share=True)
)


def ask_payment(uow: UnitOfWork, payment_id: UUID) -> None:
    """Lock and ask ahead for `apply_gateway_result`."""
    uow.ask_ahead(_AGGREGATE, payment_id=payment_id)
    uow.ask_ahead(_LOCKED, payment_id=payment_id)


def succeeded(payment: Payment) -> PaymentSucceeded:
    """What is told of a payment when the gateway has the money."""
    return PaymentSucceeded(
        payment_id=payment.id,
        reference=payment.reference,
        payer_org_id=payment.payer_org_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
    )


def apply_gateway_result(uow: UnitOfWork, payment_id: UUID, result: GatewayResult) -> ApplyOutcome:
    """Bring a payment to where the gateway says it is.

    Emits: PaymentSucceeded, PaymentFailed or PaymentNeedsAction, each once; PaymentReversed when money that was here is not.
    Locks: the purchase that is paid (as an aggregate), then the payment, then the credit that it uses, then its
    payer's line where it is on account.
    Idempotent by: the payment's state; a late answer never moves it back.
    """
    uow.aggregates.update(row.reference for row in uow.fetch(_AGGREGATE, payment_id=payment_id))
    rows = uow.fetch(_LOCKED, payment_id=payment_id)
    if not rows:
        raise NotFound("payment_not_found")
    payment: Payment = rows[0].Payment
    enter_time_of(uow, payment.payer_org_id)
    payment.checks += 1
    for row in rows:
        close_attempt(row.PaymentAttempt, result)
    outcome = _conclude(uow, payment, result)
    if payment.state not in ENDS:
        payment.next_check_at = clock.now() + wait_before_check(payment.checks - 1)
    return outcome


def _conclude(uow: UnitOfWork, payment: Payment, result: GatewayResult) -> ApplyOutcome:
    if result.answer is not None:
        return _believe(uow, payment, result.answer)
    if payment.state in ENDS:
        return ApplyOutcome.NOTHING_NEW
    if result.refused is not None:
        return _fail(uow, payment, result.refused)
    if result.unknown:
        if result.key_reused:
            _tell_key_reused(uow, payment)
        return _changed(PAYMENT.move(uow, payment, "unknown", org_ids=[payment.payer_org_id], reason="no_answer"))
    return ApplyOutcome.NOTHING_NEW


def _tell_key_reused(uow: UnitOfWork, payment: Payment) -> None:
    """Asking again does not end it: a person looks at what the gateway did by this key before."""
    amount, named = Money(payment.money_minor, payment.currency), payment.gateway_reference or str(payment.id)
    open_incident(uow, OpenIncident("key_reused", payment.id, payment.gateway, named, amount, "idempotency_key_reused"))


def _believe(uow: UnitOfWork, payment: Payment, answer: GatewayAnswer) -> ApplyOutcome:
    if answer.amount != Money(payment.money_minor, payment.currency):
        return _contradiction(uow, payment, "amount", answer)
    if payment.gateway_reference not in {None, answer.reference, answer.formerly}:
        return _contradiction(uow, payment, "reference", answer)
    payment.gateway_reference = answer.reference
    if payment.state in ENDS:
        return _apply_after_end(uow, payment, answer)
    if answer.status is GatewayStatus.SUCCEEDED:
        captured = _capture(uow, payment)
        if answer.kept_method is not None:
            _tell_kept(uow, payment, answer.kept_method)
        return captured
    if answer.status is GatewayStatus.FAILED:
        return _fail(uow, payment, answer.error_code or "declined")
    if answer.status is GatewayStatus.REQUIRES_ACTION:
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


def _apply_after_end(uow: UnitOfWork, payment: Payment, answer: GatewayAnswer) -> ApplyOutcome:
    if answer.status in {ENDS[payment.state], GatewayStatus.PENDING, GatewayStatus.REQUIRES_ACTION}:
        return ApplyOutcome.NOTHING_NEW
    if answer.status is GatewayStatus.FAILED:
        return _reverse(uow, payment, answer.error_code or "reversed")
    late = OpenIncident(
        "late_success",
        payment.id,
        payment.gateway,
        answer.reference,
        answer.amount,
        f"after_{payment.state}",
        suspense_minor=-payment.money_minor,
    )
    open_incident(uow, late)
    return _contradiction(uow, payment, "late_success", answer)


def _reverse(uow: UnitOfWork, payment: Payment, code: str) -> ApplyOutcome:
    payment.error_code = code
    PAYMENT.move(uow, payment, "reversed", org_ids=[payment.payer_org_id], reason=code)
    emit(
        uow,
        PaymentReversed(
            payment_id=payment.id, reference=payment.reference, payer_org_id=payment.payer_org_id, code=code
        ),
    )
    return ApplyOutcome.CHANGED


def _capture(uow: UnitOfWork, payment: Payment) -> ApplyOutcome:
    payment.captured_at = clock.now()
    payment.next_action = None
    payment.error_code = None
    PAYMENT.move(uow, payment, "succeeded", org_ids=[payment.payer_org_id])
    legs = [
        money_leg(payment, payment.money_minor),
        Leg(payment.payer_org_id, "store_credit", payment.credit_minor),
        Leg(payment.payer_org_id, "buyer_credit", -payment.amount_minor),
    ]
    post(uow, Fact(f"payment:{payment.id}", "payment", payment.id, payment.currency, payment.captured_at, legs))
    if payment.credit_minor:
        use_credit(uow, payment.payer_org_id, payment.currency, _credit_parts(uow, payment))
    if payment.gateway == ON_ACCOUNT:
        draw_credit(uow, payment.id)
    emit(uow, succeeded(payment))
    return ApplyOutcome.CHANGED


def _tell_kept(uow: UnitOfWork, payment: Payment, token: str) -> None:
    emit(
        uow,
        PaymentMethodKept(
            payment_id=payment.id,
            reference=payment.reference,
            payer_org_id=payment.payer_org_id,
            gateway=payment.gateway,
            asked_by=payment.method_token,
            method_token=token,
        ),
    )


def _fail(uow: UnitOfWork, payment: Payment, code: str) -> ApplyOutcome:
    payment.error_code = code
    payment.next_action = None
    PAYMENT.move(uow, payment, "failed", org_ids=[payment.payer_org_id], reason=code)
    if payment.credit_minor:
        release_credit(uow, payment.payer_org_id, payment.currency, _credit_parts(uow, payment))
    if payment.gateway == ON_ACCOUNT:
        release_credit_hold(uow, payment.id)
    emit(
        uow,
        PaymentFailed(payment_id=payment.id, reference=payment.reference, payer_org_id=payment.payer_org_id, code=code),
    )
    return ApplyOutcome.CHANGED


def _credit_parts(uow: UnitOfWork, payment: Payment) -> list[CreditPart]:
    rows = uow.session.scalars(
        select(PaymentAllocation)
        .where(PaymentAllocation.payment_id == payment.id, PaymentAllocation.credit_minor > 0)
        .order_by(PaymentAllocation.id)
    )
    return [CreditPart(row.id, row.reference, row.seller_org_id, row.credit_minor) for row in rows]


def _contradiction(uow: UnitOfWork, payment: Payment, differs: str, answer: GatewayAnswer) -> ApplyOutcome:
    record_mismatch(uow, "payment", payment.id, answer, differs=differs)
    if payment.state not in ENDS:
        payment.error_code = "answer_contradicts"
        PAYMENT.move(uow, payment, "unknown", org_ids=[payment.payer_org_id], reason=f"contradicts_{differs}")
    return ApplyOutcome.CONTRADICTS


def _changed(moved: bool) -> ApplyOutcome:  # noqa: FBT001 - private
    return ApplyOutcome.CHANGED if moved else ApplyOutcome.NOTHING_NEW
