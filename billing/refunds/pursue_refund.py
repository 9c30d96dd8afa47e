"""Take a refund to its gateway, or find out what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.payments.consult import CALL_LASTS, Applied, Told, consult
from billing.payments.models import Payment
from billing.payments.ports import RefundRequest
from billing.payments.pursue_payment import Gateways
from billing.refunds.apply_told import apply_told
from billing.refunds.models import Refund, RefundAttempt
from billing.refunds.states import REFUND
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.runner import JobContext
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class _Plan:
    gateway: str
    request: RefundRequest
    reference: str | None
    fresh: bool
    refused: str | None = None


def pursue_refund(ctx: JobContext, gateways: Gateways, refund_id: UUID) -> Applied:
    """Send a refund that was never sent, ask about one that was. Continues wherever a killed worker stopped."""
    plan = ctx.transact(lambda uow: _open(uow, refund_id))
    if plan is None:
        return Applied.NOTHING_NEW
    told = _ask(gateways, plan)
    return ctx.transact(lambda uow: apply_told(uow, refund_id, told))


def _ask(gateways: Gateways, plan: _Plan) -> Told:
    gateway = gateways.get(plan.gateway)
    if plan.refused is not None:
        return Told(refused=plan.refused)
    if gateway is None:
        return Told(unknown=True)
    return consult(
        lambda: gateway.find_refund(plan.request, plan.reference),
        lambda: gateway.refund(plan.request),
        fresh=plan.fresh,
    )


def _open(uow: UnitOfWork, refund_id: UUID) -> _Plan | None:
    refund = lock_row(uow.session, Refund, refund_id)
    if refund is None or REFUND.is_final(refund.state):
        return None
    payment = uow.session.get_one(Payment, refund.payment_id)
    refused = None if payment.state == "succeeded" and payment.gateway_reference else "payment_not_captured"
    fresh = refund.state == "requested"
    if fresh:
        attempt = RefundAttempt(
            id=uuid7(),
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            refund_id=refund.id,
            outcome="calling",
            started_at=clock.now(),
        )
        uow.session.add(attempt)
        REFUND.move(uow, refund, "processing", org_ids=[refund.buyer_org_id, refund.seller_org_id])
    else:
        attempt = uow.session.scalars(select(RefundAttempt).where(RefundAttempt.refund_id == refund.id)).one()
    refund.next_check_at = clock.now() + CALL_LASTS
    uow.flush()
    request = RefundRequest(
        key=str(attempt.id),
        payment_reference=payment.gateway_reference or "",
        amount=Money(refund.amount_minor, refund.currency),
        metadata={"refund_id": str(refund.id), "payment_id": str(payment.id)},
    )
    return _Plan(payment.gateway, request, refund.gateway_reference, fresh, refused)
