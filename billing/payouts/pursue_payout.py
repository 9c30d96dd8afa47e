"""Take a payout to its gateway, or find out what became of it; and believe what the gateway tells."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.ledger.post import Fact, Leg, post
from billing.payments.apply_told import Applied
from billing.payments.consult import FIRST_CHECK, Told, consult, wait_before_check
from billing.payments.ports import Answer, PayoutRequest, Standing
from billing.payments.pursue_payment import Gateways
from billing.payouts.events import PayoutFailed, PayoutPaid
from billing.payouts.models import Payout, PayoutAttempt
from billing.payouts.states import PAYOUT
from billing.shares.models import Share
from billing.shares.states import SHARE
from billing.statements.models import Statement
from billing.statements.states import STATEMENT
from kernel import audit, clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.run import JobContext
from kernel.money import Money
from marketplace.organizations.models import PLATFORM_ORG_ID


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
    payout.next_check_at = clock.now() + FIRST_CHECK
    uow.flush()
    request = PayoutRequest(
        key=str(attempt.id),
        amount=Money(payout.amount_minor, payout.currency),
        destination=payout.destination,
        description=f"statement {payout.statement_id}",
        metadata={"payout_id": str(payout.id)},
    )
    return _Plan(payout.gateway, request, payout.gateway_reference, fresh)


def apply_told(uow: UnitOfWork, payout_id: UUID, told: Told) -> Applied:
    """Bring a payout to where the gateway says it is.

    Emits: PayoutPaid or PayoutFailed, once.
    Locks: the payout, its statement, then the statement's shares by id.
    Idempotent by: the payout's state.
    """
    payout = lock_row(uow.session, Payout, payout_id)
    if payout is None:
        raise NotFound("payout_not_found")
    payout.next_check_at = clock.now() + wait_before_check(payout.checks)
    payout.checks += 1
    if PAYOUT.is_final(payout.state):
        return Applied.NOTHING_NEW
    _close_attempt(uow, payout, told)
    answer = told.answer
    if answer is not None and answer.amount != Money(payout.amount_minor, payout.currency):
        return _contradiction(uow, payout, answer)
    if answer is not None:
        payout.gateway_reference = answer.reference
    if answer is not None and answer.standing is Standing.SUCCEEDED:
        return _paid(uow, payout)
    if told.refused is not None or (answer is not None and answer.standing is Standing.FAILED):
        return _failed(uow, payout, told.refused or (answer.error_code if answer else None) or "refused")
    moved = PAYOUT.move(uow, payout, "unknown" if told.unknown else "sent", org_ids=[payout.org_id])
    return Applied.CHANGED if moved else Applied.NOTHING_NEW


def _paid(uow: UnitOfWork, payout: Payout) -> Applied:
    payout.paid_at = clock.now()
    PAYOUT.move(uow, payout, "paid", org_ids=[payout.org_id])
    statement = lock_row(uow.session, Statement, payout.statement_id)
    if statement is not None:
        STATEMENT.move(uow, statement, "paid", org_ids=[payout.org_id])
    for share in lock_rows(uow.session, Share, _shares_paid_by(uow, payout)):
        SHARE.move(uow, share, "paid", org_ids=sorted({share.org_id, share.seller_org_id}))
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "payout_clearing", payout.amount_minor),
        Leg(PLATFORM_ORG_ID, "gateway_cash", -payout.amount_minor, payout.gateway),
    ]
    post(uow, Fact(f"payout:{payout.id}:paid", "payout_paid", payout.id, payout.currency, payout.paid_at, legs))
    uow.emit(
        PayoutPaid(
            payout_id=payout.id,
            statement_id=payout.statement_id,
            org_id=payout.org_id,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
        )
    )
    return Applied.CHANGED


def _shares_paid_by(uow: UnitOfWork, payout: Payout) -> list[UUID]:
    """Shares of the paid statement, and of those before it whose negative net it has carried."""
    settled = select(Statement.id).where(
        Statement.org_id == payout.org_id,
        Statement.currency == payout.currency,
        (Statement.id == payout.statement_id) | (Statement.state == "carried"),
    )
    shares = select(Share.id).where(Share.statement_id.in_(settled), Share.state == "in_statement")
    return list(uow.session.scalars(shares))


def _failed(uow: UnitOfWork, payout: Payout, code: str) -> Applied:
    payout.error_code = code
    PAYOUT.move(uow, payout, "failed", org_ids=[payout.org_id], reason=code)
    statement = lock_row(uow.session, Statement, payout.statement_id)
    if statement is not None:
        STATEMENT.move(uow, statement, "closed", org_ids=[payout.org_id], reason=code)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "payout_clearing", payout.amount_minor),
        Leg(payout.org_id, "party_available", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:failed", "payout_failed", payout.id, payout.currency, clock.now(), legs))
    uow.emit(PayoutFailed(payout_id=payout.id, statement_id=payout.statement_id, org_id=payout.org_id, code=code))
    return Applied.CHANGED


def _contradiction(uow: UnitOfWork, payout: Payout, answer: Answer) -> Applied:
    audit.record(
        uow,
        "payout.contradicted",
        subject_id=payout.id,
        reference=answer.reference,
        amount_minor=answer.amount.amount_minor,
        currency=answer.amount.currency,
    )
    payout.error_code = "answer_contradicts"
    PAYOUT.move(uow, payout, "unknown", org_ids=[payout.org_id], reason="contradicts")
    return Applied.CONTRADICTS


def _close_attempt(uow: UnitOfWork, payout: Payout, told: Told) -> None:
    if told.answer is None and told.refused is None and not told.unknown:
        return
    attempt = uow.session.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id)).one_or_none()
    if attempt is not None and attempt.outcome in {"calling", "unknown"}:
        attempt.outcome = "unknown" if told.unknown else "refused" if told.refused is not None else "answered"
        attempt.detail = told.refused or (told.answer.standing.value if told.answer else None)
        attempt.ended_at = clock.now()
