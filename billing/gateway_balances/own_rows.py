"""Whose an entry is: the row of ours, once what the entry tells of stands in our books."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer, Select, cast, func, or_, select

from billing.disputes.models import Dispute
from billing.gateway_balances.models import GatewayBalanceEntry
from billing.incidents.models import Incident
from billing.payments.models import Payment
from billing.payouts.models import Payout, PayoutAttempt
from billing.refunds.models import EFFECTIVE, Refund, RefundAttempt
from billing.statements.models import StatementAdjustment
from kernel.db.uow import UnitOfWork

_MONEY_CAME: Final = ("succeeded", "reversed")
_MONEY_LEFT: Final = ("paid", "returned")


def find_booked_row(uow: UnitOfWork, entry: GatewayBalanceEntry) -> UUID | None:
    """The payment, refund, dispute or payout that the entry belongs to; None while it is not booked, or is not ours."""
    for statement in _statements(entry):
        found: UUID | None = uow.session.scalar(statement)
        if found is not None:
            return found
    return None


def is_ours(uow: UnitOfWork, entry: GatewayBalanceEntry) -> bool:
    """Whether it is certainly about something of ours, though perhaps not booked yet: it has our key, or is of a payment or a
    payout of ours.
    """
    if entry.attempt:
        return True
    paid = select(Payment.id).where(
        Payment.gateway == entry.gateway, Payment.gateway_reference == entry.payment_reference
    )
    paid_out = select(Payout.id).where(Payout.gateway == entry.gateway, Payout.gateway_reference == entry.subject)
    return any(
        reference and uow.session.scalar(known) is not None
        for reference, known in ((entry.payment_reference, paid), (entry.subject, paid_out))
    )


def is_undone(uow: UnitOfWork, entry: GatewayBalanceEntry) -> bool:
    """Whether other entries of the same operation take all of it back, and none of them is a booked row's: it was undone before
    we learnt of it, and our row has failed, or never was.
    """
    rows = uow.session.execute(
        select(
            func.count(),
            func.sum(func.coalesce(GatewayBalanceEntry.presented_minor, GatewayBalanceEntry.amount_minor)),
            func.count(GatewayBalanceEntry.subject_id),
        ).where(
            GatewayBalanceEntry.gateway == entry.gateway,
            GatewayBalanceEntry.subject == entry.subject,
            GatewayBalanceEntry.subject != "",
        )
    ).one()
    entries, left_minor, of_rows = rows
    return entries > 1 and left_minor == 0 and of_rows == 0


def _statements(entry: GatewayBalanceEntry) -> list[Select[Any]]:
    if entry.kind in {"payment", "payment_returned"}:
        states = _MONEY_CAME if entry.kind == "payment" else ("reversed",)
        return [_payment(entry).where(Payment.state.in_(states))]
    if entry.kind in {"dispute", "dispute_returned"}:
        found = select(Dispute.id).where(Dispute.gateway == entry.gateway, Dispute.gateway_reference == entry.subject)
        return [found if entry.kind == "dispute" else found.where(Dispute.state != "open")]
    if entry.kind in {"refund", "refund_returned"}:
        return [_refund(entry), _refund_by_hand(entry), _external_refund(entry)]
    return [_payout(entry)]


def _payment(entry: GatewayBalanceEntry) -> Select[Any]:
    return select(Payment.id).where(
        Payment.gateway == entry.gateway, Payment.gateway_reference == entry.payment_reference
    )


def _refund(entry: GatewayBalanceEntry) -> Select[Any]:
    """By our key: one that came back and was sent again has several references, and an entry for each time."""
    found = (
        select(Refund.id)
        .join(RefundAttempt, RefundAttempt.refund_id == Refund.id)
        .where(RefundAttempt.id == _uuid(entry.attempt), Refund.state.in_(EFFECTIVE))
    )
    return _each_time(entry, found)


def _refund_by_hand(entry: GatewayBalanceEntry) -> Select[Any]:
    """One that was made at the gateway and became the refund of one order, under the gateway's name for it."""
    return _each_time(
        entry,
        select(Refund.id)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(
            Payment.gateway == entry.gateway,
            Refund.gateway_reference == entry.subject,
            Refund.origin == "gateway",
            Refund.state.in_(EFFECTIVE),
        ),
    )


def _each_time(entry: GatewayBalanceEntry, found: Select[Any]) -> Select[Any]:
    """Of what went, came back and went again each time has its own entry: no more of them than times."""
    sent = Refund.returns + cast(Refund.state == "succeeded", Integer)
    times = Refund.returns if entry.kind == "refund_returned" else sent
    known = select(func.count()).where(
        GatewayBalanceEntry.kind == entry.kind,
        GatewayBalanceEntry.gateway == entry.gateway,
        GatewayBalanceEntry.subject_id == Refund.id,
    )
    return found.where(known.scalar_subquery() < times)


def _external_refund(entry: GatewayBalanceEntry) -> Select[Any]:
    kind = "external_refund" if entry.kind == "refund" else "external_refund_returned"
    return (
        select(Payment.id)
        .join(Incident, Incident.subject_id == Payment.id)
        .where(
            Payment.gateway == entry.gateway,
            Payment.gateway_reference == entry.payment_reference,
            Incident.kind == kind,
            Incident.gateway_reference == entry.subject,
        )
    )


def _payout(entry: GatewayBalanceEntry) -> Select[Any]:
    """By the gateway's name for it, or by our key while the answer that names it is on its way."""
    tried = select(PayoutAttempt.payout_id).where(PayoutAttempt.id == _uuid(entry.attempt))
    found = select(Payout.id).where(
        Payout.gateway == entry.gateway,
        or_(Payout.gateway_reference == entry.subject, Payout.id.in_(tried)),
        Payout.state.in_(_MONEY_LEFT),
    )
    if entry.kind == "transfer":
        return found
    came_back = select(func.coalesce(func.sum(StatementAdjustment.amount_minor), 0)).where(
        StatementAdjustment.payout_id == Payout.id, StatementAdjustment.kind == "returned"
    )
    known = select(func.coalesce(func.sum(GatewayBalanceEntry.amount_minor), 0)).where(
        GatewayBalanceEntry.kind == entry.kind,
        GatewayBalanceEntry.gateway == entry.gateway,
        GatewayBalanceEntry.subject_id == Payout.id,
    )
    covers = came_back.scalar_subquery() >= known.scalar_subquery() + entry.amount_minor
    return found.where((Payout.state == "returned") | covers)


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
