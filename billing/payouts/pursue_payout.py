"""Take a payout to its gateway, or find out what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.payments.consult import CALL_LASTS, Applied, Told, consult
from billing.payments.ports import PayoutRequest
from billing.payments.pursue_payment import Gateways
from billing.payouts.apply_told import apply_told
from billing.payouts.models import Payout, PayoutAttempt
from billing.payouts.states import PAYOUT
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.runner import JobContext
from kernel.money import Money


@dataclass(frozen=True, slots=True)
class _Plan:
    gateway: str
    request: PayoutRequest
    reference: str | None
    fresh: bool


def pursue_payout(ctx: JobContext, gateways: Gateways, payout_id: UUID) -> Applied:
    """Send a payout that was never sent, ask about one that was. Continues wherever a killed worker stopped."""
    plan = ctx.transact(lambda uow: _open(uow, payout_id))
    if plan is None:
        return Applied.NOTHING_NEW
    told = _ask(gateways, plan)
    return ctx.transact(lambda uow: apply_told(uow, payout_id, told))


def _ask(gateways: Gateways, plan: _Plan) -> Told:
    gateway = gateways.get(plan.gateway)
    if gateway is None:
        return Told(refused="gateway_unknown") if plan.fresh else Told(unknown=True)
    return consult(
        lambda: gateway.find_payout(plan.request, plan.reference),
        lambda: gateway.pay_out(plan.request),
        fresh=plan.fresh,
    )


def _open(uow: UnitOfWork, payout_id: UUID) -> _Plan | None:
    payout = lock_row(uow.session, Payout, payout_id)
    if payout is None or PAYOUT.is_final(payout.state):
        return None
    fresh = payout.state == "scheduled"
    if fresh:
        attempt = PayoutAttempt(
            id=uuid7(), org_id=payout.org_id, payout_id=payout.id, outcome="calling", started_at=clock.now()
        )
        uow.session.add(attempt)
        PAYOUT.move(uow, payout, "sent", org_ids=[payout.org_id])
    else:
        attempt = uow.session.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id)).one()
    payout.next_check_at = clock.now() + CALL_LASTS
    uow.flush()
    request = PayoutRequest(
        key=str(attempt.id),
        amount=Money(payout.amount_minor, payout.currency),
        destination=payout.destination,
        description=f"statement {payout.statement_id}",
        metadata={"payout_id": str(payout.id)},
    )
    return _Plan(payout.gateway, request, payout.gateway_reference, fresh)
