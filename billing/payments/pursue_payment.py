"""Take a payment to its gateway, or find out what became of it: the same steps for a first call and for any doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from billing.payments.apply_told import apply_told
from billing.payments.consult import CALL_LASTS, Applied, Told, consult
from billing.payments.models import Payment, PaymentAttempt
from billing.payments.ports import Answer, NotReached, PaymentGateway, PaymentRequest, Refused, Standing
from billing.payments.states import PAYMENT
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.runner import JobContext
from kernel.money import Money

Gateways = Mapping[str, PaymentGateway]
SEARCH_LAGS = timedelta(hours=1)
"""A gateway may not find for so long what it has (Stripe: a minute, in an outage "up to an hour"). To call a payment
failed that was made would let the buyer pay twice."""


@dataclass(frozen=True, slots=True)
class _Plan:
    gateway: str
    request: PaymentRequest
    reference: str | None
    fresh: bool
    too_late: bool
    """Nothing is sent any more, and what waits for its payer is withdrawn."""
    given_up: bool
    """What the gateway does not know of by now, it never got."""


def pursue_payment(ctx: JobContext, gateways: Gateways, payment_id: UUID, *, recheck: bool = False) -> Applied:
    """Submit a payment that was never sent, ask about one that was, withdraw one whose time is over.

    `recheck` asks about a failed one as well. A worker killed anywhere in between leaves a row that the next run, or
    the janitor, continues from.
    """
    plan = ctx.transact(lambda uow: _open(uow, payment_id, recheck=recheck))
    if plan is None:
        return Applied.NOTHING_NEW
    told = _ask(gateways.get(plan.gateway), plan)
    return ctx.transact(lambda uow: apply_told(uow, payment_id, told))


def _ask(gateway: PaymentGateway | None, plan: _Plan) -> Told:
    if gateway is None:
        return Told(refused="gateway_unknown") if plan.fresh else Told(unknown=True)

    def withdraw(answer: Answer) -> Answer:
        waiting = answer.standing is Standing.REQUIRES_ACTION
        return gateway.cancel(answer.reference) if plan.too_late and waiting else answer

    def find() -> Answer | None:
        found = gateway.find_payment(plan.request, plan.reference)
        return None if found is None else withdraw(found)

    def submit() -> Answer:
        if not plan.too_late:
            return gateway.submit(plan.request)
        if plan.fresh or plan.given_up:
            raise Refused("payment_expired")
        raise NotReached

    return consult(find, submit, fresh=plan.fresh)


def _open(uow: UnitOfWork, payment_id: UUID, *, recheck: bool) -> _Plan | None:
    payment = lock_row(uow.session, Payment, payment_id)
    if payment is None:
        return None
    if PAYMENT.is_final(payment.state) and not (recheck and payment.state == "failed"):
        return None
    now = clock.now()
    fresh = payment.state == "created"
    if fresh:
        attempt = PaymentAttempt(
            id=uuid7(),
            payer_org_id=payment.payer_org_id,
            payment_id=payment.id,
            operation="submit",
            outcome="calling",
            started_at=now,
        )
        uow.session.add(attempt)
        PAYMENT.move(uow, payment, "processing", org_ids=[payment.payer_org_id])
    else:
        attempt = uow.session.scalars(
            select(PaymentAttempt).where(PaymentAttempt.payment_id == payment.id, PaymentAttempt.operation == "submit")
        ).one()
    payment.next_check_at = now + CALL_LASTS
    uow.flush()
    request = PaymentRequest(
        key=str(attempt.id),
        amount=Money(payment.amount_minor, payment.currency),
        method_token=payment.method_token,
        description=payment.description,
        metadata={"payment_id": str(payment.id), "reference": str(payment.reference)},
    )
    return _Plan(
        payment.gateway,
        request,
        payment.gateway_reference,
        fresh,
        too_late=now >= payment.deadline_at,
        given_up=now >= payment.deadline_at + SEARCH_LAGS,
    )
