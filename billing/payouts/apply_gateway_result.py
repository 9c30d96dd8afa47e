"""Believe a gateway about a payout: the one place where it takes its state, and where statement, shares and books follow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlalchemy import func, select

from billing.gateways.outgoing import Transitions, apply_result
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.incidents.models import IncidentKind
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import Fact, Leg, post
from billing.payouts.events import PayoutFailed, PayoutPaid, PayoutReturned
from billing.payouts.models import ENDS, PAYOUT, Payout, PayoutAttempt, TransferReversal
from billing.payouts.settled_shares import shares_paid_by
from billing.shares.models import SHARE, Share
from billing.statements.models import STATEMENT, Statement, StatementAdjustment
from kernel import clock
from kernel.db.locks import lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID


def apply_gateway_result(uow: UnitOfWork, payout_id: UUID, result: GatewayResult) -> ApplyOutcome:
    """Bring a payout to where the gateway says it is.

    One that was paid and came back (the account was closed) is the party's money again; its statement waits to be paid.
    A part of one that came back is taken up by the party's next statement; so is all of one of which we took something back
    ourselves (`reverse_transfer.py`): its statement was right when it was paid.

    Emits: PayoutPaid or PayoutFailed, once; PayoutReturned.
    Locks: the payout, its statement, then the statement's shares by id.
    Idempotent by: the payout's state.
    """
    payout = lock_row(uow.session, Payout, payout_id)
    if payout is None:
        raise NotFound("payout_not_found")
    attempt = uow.session.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id)).one()
    partly = _returned_minor(uow, payout) or _taken_back_minor(uow, payout)
    transitions = Transitions(
        PAYOUT,
        (payout.org_id,),
        ENDS,
        "sent",
        succeed=partial(_paid, uow, payout),
        fail=partial(_failed, uow, payout),
        mark_returned=partial(_mark_returned, uow, payout) if not partly else partial(_give_back_rest, uow, payout),
        record_late=partial(_record_late, uow, payout),
        mark_partly_returned=partial(_mark_partly_returned, uow, payout),
        gateway=payout.gateway,
    )
    return apply_result(uow, payout, attempt, result, transitions)


def _paid(uow: UnitOfWork, payout: Payout) -> None:
    payout.paid_at = clock.now()
    PAYOUT.move(uow, payout, "paid", org_ids=[payout.org_id])
    statement = _move_statement(uow, payout, "paid")
    for share in lock_rows(uow.session, Share, shares_paid_by(uow, statement, "in_statement", payout_id=payout.id)):
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
    for share in lock_rows(uow.session, Share, shares_paid_by(uow, statement, "paid")):
        SHARE.move(uow, share, "in_statement", org_ids=sorted({share.org_id, share.seller_org_id}), reason=code)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", payout.amount_minor, payout.gateway),
        Leg(payout.org_id, "party_available", -payout.amount_minor),
    ]
    post(uow, Fact(f"payout:{payout.id}:returned", "payout_returned", payout.id, payout.currency, clock.now(), legs))
    open_incident(uow, _incident(payout, "payout_returned", code))
    emit(uow, PayoutReturned(payout_id=payout.id, statement_id=payout.statement_id, org_id=payout.org_id, code=code))


def _returned_minor(uow: UnitOfWork, payout: Payout) -> int:
    """What of a paid payout came back in parts so far."""
    parts = select(func.coalesce(func.sum(StatementAdjustment.amount_minor), 0)).where(
        StatementAdjustment.payout_id == payout.id, StatementAdjustment.kind == "returned"
    )
    return int(uow.session.scalar(parts) or 0)


def _taken_back_minor(uow: UnitOfWork, payout: Payout) -> int:
    """What of a paid payout we took back ourselves, or are about to."""
    own = select(func.coalesce(func.sum(TransferReversal.amount_minor), 0)).where(
        TransferReversal.payout_id == payout.id, TransferReversal.state != "failed"
    )
    return int(uow.session.scalar(own) or 0)


def note_returned(uow: UnitOfWork, payout: Payout, returned_minor: int) -> None:
    """Of a locked payout so much has come back in all. Idempotent by: the sum."""
    if payout.state == "paid":
        _mark_partly_returned(uow, payout, returned_minor)


def _give_back_rest(uow: UnitOfWork, payout: Payout, code: str) -> None:
    """The rest of what came back in part before: its statement may have been followed by one that takes the first part up."""
    del code
    _mark_partly_returned(uow, payout, payout.amount_minor)


def _mark_partly_returned(uow: UnitOfWork, payout: Payout, returned_minor: int) -> bool:
    """A part of what was paid is here again: the party's, in its next statement. Returns False when it is known. What we did not
    take back ourselves an operator is told of.
    """
    uow.flush()
    known_minor = _returned_minor(uow, payout)
    more_minor = min(returned_minor, payout.amount_minor) - known_minor
    if more_minor <= 0:
        return False
    part = StatementAdjustment(
        id=uuid7(),
        org_id=payout.org_id,
        kind="returned",
        payout_id=payout.id,
        amount_minor=more_minor,
        currency=payout.currency,
        created_at=clock.now(),
    )
    uow.session.add(part)
    uow.flush()
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", more_minor, payout.gateway),
        Leg(payout.org_id, "party_available", -more_minor),
    ]
    key = f"payout:{payout.id}:returned:{part.id}"
    post(uow, Fact(key, "payout_partly_returned", payout.id, payout.currency, part.created_at, legs))
    foreign_minor = known_minor + more_minor - max(known_minor, _taken_back_minor(uow, payout))
    if foreign_minor <= 0:
        return True
    reference = (payout.gateway_reference or "") + (f":{known_minor}" if known_minor else "")
    amount = Money(foreign_minor, payout.currency)
    return open_incident(
        uow, OpenIncident("payout_partly_returned", payout.id, payout.gateway, reference, amount, "partly_returned")
    )


def _record_late(uow: UnitOfWork, payout: Payout) -> None:
    late = _incident(payout, "late_success", f"after_{payout.state}")
    open_incident(uow, replace(late, suspense_minor=payout.amount_minor))


def _incident(payout: Payout, kind: IncidentKind, code: str) -> OpenIncident:
    amount = Money(payout.amount_minor, payout.currency)
    return OpenIncident(kind, payout.id, payout.gateway, payout.gateway_reference or "", amount, code)
