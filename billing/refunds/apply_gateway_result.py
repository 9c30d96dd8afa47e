"""Believe a gateway about a refund: the one place where it takes its state, and where shares and books follow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID

from sqlalchemy import select

from billing.charges.models import Charge
from billing.gateways.outgoing import Transitions, apply_result
from billing.gateways.result import ApplyOutcome, GatewayResult
from billing.incidents.close_incident import mark_closed
from billing.incidents.models import INCIDENT, Incident, IncidentKind
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import AccountKind, Fact, Leg, post
from billing.payments.models import Payment, PaymentAllocation
from billing.payments.money_leg import money_leg
from billing.refunds.attempts import last_attempt
from billing.refunds.events import RefundFailed, RefundReturned, RefundSucceeded
from billing.refunds.models import ENDS, REFUND, Refund, RefundLine
from billing.shares.models import Share
from billing.shares.reverse import reverse_shares
from billing.store_credit.move_credit import CreditPart, give_credit
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row, lock_rows
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID


def apply_gateway_result(uow: UnitOfWork, refund_id: UUID, result: GatewayResult) -> ApplyOutcome:
    """Bring a refund to where the gateway says it is.

    Success takes the parties' parts back in proportion and writes the books; a definite failure frees the reserve. A success
    that comes back (the buyer's account was closed) is the buyer's credit with the platform, and an operator's to settle or
    to send again: then the money alone moves, and its incident closes.

    Emits: RefundSucceeded or RefundFailed, once; RefundReturned; IncidentClosed.
    Locks: its order (as an aggregate), the refund, its allocation, its charges by id, their shares by id; its incident.
    Idempotent by: the refund's state.
    """
    order_id = uow.session.scalar(select(Refund.reference).where(Refund.id == refund_id))
    if order_id is not None:
        lock_aggregate(uow, order_id)
    refund = lock_row(uow.session, Refund, refund_id)
    if refund is None:
        raise NotFound("refund_not_found")
    attempt = last_attempt(uow, refund)
    again = refund.state == "resending"
    transitions = Transitions(
        REFUND,
        (refund.buyer_org_id, refund.seller_org_id),
        ENDS,
        "resending" if again else "processing",
        succeed=partial(_resent if again else succeed, uow, refund),
        fail=partial(_not_resent if again else fail, uow, refund),
        mark_returned=partial(_mark_returned, uow, refund),
        record_late=partial(_record_late, uow, refund),
        in_doubt="resending" if again else "unknown",
        gateway=uow.session.get_one(Payment, refund.payment_id).gateway,
    )
    return apply_result(uow, refund, attempt, result, transitions)


def succeed(uow: UnitOfWork, refund: Refund) -> None:
    """The money of a locked refund has gone, or is credit now: everybody's part is taken back, the tax that the platform owed
    of what it sold itself, too, and the books say so.
    """
    now = clock.now()
    refund.ended_at = now
    REFUND.move(uow, refund, "succeeded", org_ids=[refund.buyer_org_id, refund.seller_org_id])
    payment = uow.session.get_one(Payment, refund.payment_id)
    allocation, charges, lines = _locked(uow, refund)
    allocation.refunded_minor += refund.amount_minor
    legs = [
        money_leg(payment, -refund.money_minor),
        Leg(refund.buyer_org_id, "store_credit", -refund.credit_minor),
    ]
    uncharged = refund.amount_minor - sum(line.gross_minor for line in lines)
    legs.append(Leg(refund.buyer_org_id, "buyer_credit", uncharged))
    for line in lines:
        charge = charges[line.charge_id]
        charge.refunded_minor += line.gross_minor
        payable_minor = line.tax_minor if charge.is_resold else 0
        legs.append(Leg(PLATFORM_ORG_ID, "tax_payable", payable_minor))
        legs += reverse_shares(uow, refund.id, charge.id, line.gross_minor - payable_minor)
    post(uow, Fact(f"refund:{refund.id}", "refund", refund.id, refund.currency, now, _merged(legs)))
    if refund.credit_minor:
        part = CreditPart(refund.id, refund.reference, refund.seller_org_id, refund.credit_minor)
        give_credit(uow, refund.buyer_org_id, refund.currency, part)
    emit(
        uow,
        RefundSucceeded(
            refund_id=refund.id,
            reference=refund.reference,
            payment_id=refund.payment_id,
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            amount_minor=refund.amount_minor,
            currency=refund.currency,
            credit_minor=refund.credit_minor,
        ),
    )


def fail(uow: UnitOfWork, refund: Refund, code: str) -> None:
    """A locked refund comes to nothing: what it reserved is free again."""
    refund.ended_at = clock.now()
    REFUND.move(uow, refund, "failed", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason=code)
    allocation, charges, lines = _locked(uow, refund)
    allocation.reserved_minor -= refund.amount_minor
    allocation.credit_back_minor -= refund.credit_minor
    for line in lines:
        charges[line.charge_id].reserved_minor -= line.gross_minor
        charges[line.charge_id].reserved_net_minor -= line.net_minor
    uow.flush()
    emit(
        uow,
        RefundFailed(
            refund_id=refund.id,
            reference=refund.reference,
            payment_id=refund.payment_id,
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            code=code,
        ),
    )


def _resent(uow: UnitOfWork, refund: Refund) -> None:
    """The money that had come back has gone once more; the sale was undone before."""
    now = clock.now()
    refund.ended_at, refund.error_code = now, None
    REFUND.move(uow, refund, "succeeded", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason="resent")
    payment = uow.session.get_one(Payment, refund.payment_id)
    legs = [
        Leg(refund.buyer_org_id, "buyer_credit", refund.money_minor),
        money_leg(payment, -refund.money_minor),
    ]
    key = f"refund:{refund.id}:resent:{refund.returns}"
    post(uow, Fact(key, "refund_resent", refund.id, refund.currency, now, legs))
    mark_closed(
        uow, _incident_under_way(uow, refund), f"再次原路退回 / Sent again the same way: {refund.gateway_reference}"
    )


def _not_resent(uow: UnitOfWork, refund: Refund, code: str) -> None:
    REFUND.move(uow, refund, "returned", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason=code)
    incident = _incident_under_way(uow, refund)
    INCIDENT.move(uow, incident, "open", org_ids=[], reason=code)
    incident.code = code[:200]
    uow.flush()


def _incident_under_way(uow: UnitOfWork, refund: Refund) -> Incident:
    return uow.session.scalars(
        select(Incident).where(Incident.subject_id == refund.id, Incident.state == "resending").with_for_update()
    ).one()


def _mark_returned(uow: UnitOfWork, refund: Refund, code: str) -> None:
    refund.returns += 1
    REFUND.move(uow, refund, "returned", org_ids=[refund.buyer_org_id, refund.seller_org_id], reason=code)
    payment = uow.session.get_one(Payment, refund.payment_id)
    legs = [
        money_leg(payment, refund.money_minor),
        Leg(refund.buyer_org_id, "buyer_credit", -refund.money_minor),
    ]
    # The first has no number: so it was called before one could be sent again.
    key = f"refund:{refund.id}:returned" + (f":{refund.returns}" if refund.returns > 1 else "")
    post(uow, Fact(key, "refund_returned", refund.id, refund.currency, clock.now(), legs))
    open_incident(uow, _incident(refund, payment.gateway, "refund_returned", code))
    emit(
        uow,
        RefundReturned(
            refund_id=refund.id,
            reference=refund.reference,
            payment_id=refund.payment_id,
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            code=code,
        ),
    )


def _record_late(uow: UnitOfWork, refund: Refund) -> None:
    gateway = uow.session.get_one(Payment, refund.payment_id).gateway
    late = _incident(refund, gateway, "late_success", f"after_{refund.state}")
    open_incident(uow, replace(late, suspense_minor=refund.money_minor))


def _incident(refund: Refund, gateway: str, kind: IncidentKind, code: str) -> OpenIncident:
    amount = Money(refund.money_minor, refund.currency)
    return OpenIncident(kind, refund.id, gateway, refund.gateway_reference or "", amount, code)


def _locked(uow: UnitOfWork, refund: Refund) -> tuple[PaymentAllocation, dict[UUID, Charge], list[RefundLine]]:
    uow.flush()
    allocation = lock_row(uow.session, PaymentAllocation, refund.allocation_id)
    if allocation is None:
        raise NotFound("payment_not_found")
    lines = list(uow.session.scalars(select(RefundLine).where(RefundLine.refund_id == refund.id)))
    charges = lock_rows(uow.session, Charge, [line.charge_id for line in lines])
    shares = select(Share.id).where(Share.charge_id.in_([charge.id for charge in charges]))
    lock_rows(uow.session, Share, uow.session.scalars(shares).all())
    return allocation, {charge.id: charge for charge in charges}, lines


def _merged(legs: list[Leg]) -> list[Leg]:
    """One leg per account: several lines of one seller are one movement of its money."""
    totals: dict[tuple[UUID, AccountKind, str], int] = {}
    for leg in legs:
        key = (leg.org_id, leg.kind, leg.gateway)
        totals[key] = totals.get(key, 0) + leg.amount_minor
    return [Leg(org_id, kind, total, gateway) for (org_id, kind, gateway), total in totals.items()]
