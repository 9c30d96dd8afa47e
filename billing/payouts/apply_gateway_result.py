"""Believe a gateway about a payout: the one place where it takes its state, and where statement, shares and books follow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy import func, literal, select

from billing.gateways.outgoing import Transitions, apply_result
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.incidents.models import IncidentKind
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import Fact, Leg, post
from billing.payouts.events import PayoutFailed, PayoutPaid, PayoutReturned
from billing.payouts.models import ENDS, PAYOUT, Payout, PayoutAttempt
from billing.shares.models import SHARE, Share
from billing.statements.models import STATEMENT, Statement
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID

EVER = literal(datetime.min.replace(tzinfo=UTC))


def apply_gateway_result(uow: UnitOfWork, payout_id: UUID, result: GatewayResult) -> ApplyOutcome:
    """Bring a payout to where the gateway says it is.

    One that was paid and came back (the account was closed) is the party's money again; its statement waits to be paid.

    Emits: PayoutPaid or PayoutFailed, once; PayoutReturned.
    Locks: the payout, its statement, then the statement's shares by id.
    Idempotent by: the payout's state.
    """
    payout = lock_row(uow.session, Payout, payout_id)
    if payout is None:
        raise NotFound("payout_not_found")
    attempt = uow.session.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id)).one()
    transitions = Transitions(
        PAYOUT,
        (payout.org_id,),
        ENDS,
        "sent",
        succeed=partial(_paid, uow, payout),
        fail=partial(_failed, uow, payout),
        mark_returned=partial(_mark_returned, uow, payout),
        record_late=partial(_record_late, uow, payout),
    )
    return apply_result(uow, payout, attempt, result, transitions)


def _paid(uow: UnitOfWork, payout: Payout) -> None:
    payout.paid_at = clock.now()
    PAYOUT.move(uow, payout, "paid", org_ids=[payout.org_id])
    statement = _move_statement(uow, payout, "paid")
    for share in lock_rows(uow.session, Share, _shares_paid_by(uow, statement, "in_statement")):
        SHARE.move(uow, share, "paid", org_ids=sorted({share.org_id, share.seller_org_id}))
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "payout_clearing", payout.amount_minor),
        Leg(PLATFORM_ORG_ID, "gateway_cash", -payout.amount_minor, payout.gateway),
    ]
    post(uow, Fact(f"payout:{payout.id}:paid", "payout_paid", payout.id, payout.currency, payout.paid_at, legs))
    emit(
        uow,
        PayoutPaid(
            payout_id=payout.id,
            statement_id=payout.statement_id,
            org_id=payout.org_id,
            amount_minor=payout.amount_minor,
            currency=payout.currency,
        ),
    )


def _move_statement(uow: UnitOfWork, payout: Payout, target: str, *, reason: str | None = None) -> Statement:
    statement = lock_row(uow.session, Statement, payout.statement_id)
    if statement is None:
        raise NotFound("statement_not_found")
    STATEMENT.move(uow, statement, target, org_ids=[payout.org_id], reason=reason)
    return statement


def _shares_paid_by(uow: UnitOfWork, statement: Statement, state: str) -> list[UUID]:
    """Shares in `state` of the paid statement, and of those before it whose negative net it has carried."""
    earlier = (
        (Statement.org_id == statement.org_id)
        & (Statement.currency == statement.currency)
        & (Statement.ends_at < statement.ends_at)
    )
    last_to_pay = select(func.max(Statement.ends_at)).where(earlier, Statement.state != "carried").scalar_subquery()
    carried = earlier & (Statement.state == "carried") & (Statement.ends_at > func.coalesce(last_to_pay, EVER))
    settled = select(Statement.id).where((Statement.id == statement.id) | carried)
    shares = select(Share.id).where(Share.statement_id.in_(settled), Share.state == state)
    return list(uow.session.scalars(shares))


def _failed(uow: UnitOfWork, payout: Payout, code: str) -> None:
    PAYOUT.move(uow, payout, "failed", org_ids=[payout.org_id], reason=code)
    _move_statement(uow, payout, "closed", reason=code)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "payout_clearing", payout.amount_minor),
        Leg(payout.org_id, "party_available", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:failed", "payout_failed", payout.id, payout.currency, clock.now(), legs))
    emit(uow, PayoutFailed(payout_id=payout.id, statement_id=payout.statement_id, org_id=payout.org_id, code=code))


def _mark_returned(uow: UnitOfWork, payout: Payout, code: str) -> None:
    PAYOUT.move(uow, payout, "returned", org_ids=[payout.org_id], reason=code)
    statement = _move_statement(uow, payout, "closed", reason=code)
    for share in lock_rows(uow.session, Share, _shares_paid_by(uow, statement, "paid")):
        SHARE.move(uow, share, "in_statement", org_ids=sorted({share.org_id, share.seller_org_id}), reason=code)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", payout.amount_minor, payout.gateway),
        Leg(payout.org_id, "party_available", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:returned", "payout_returned", payout.id, payout.currency, clock.now(), legs))
    open_incident(uow, _incident(payout, "payout_returned", code))
    emit(uow, PayoutReturned(payout_id=payout.id, statement_id=payout.statement_id, org_id=payout.org_id, code=code))


def _record_late(uow: UnitOfWork, payout: Payout) -> None:
    late = _incident(payout, "late_success", f"after_{payout.state}")
    open_incident(uow, replace(late, suspense_minor=payout.amount_minor))


def _incident(payout: Payout, kind: IncidentKind, code: str) -> OpenIncident:
    amount = Money(payout.amount_minor, payout.currency)
    return OpenIncident(kind, payout.id, payout.gateway, payout.gateway_reference or "", amount, code)
