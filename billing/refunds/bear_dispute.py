"""A bank has decided for the payer: the orders that it was about have lost the money, and what they cannot bear is a loss."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.disputes.models import Dispute
from billing.disputes.queries import parts_of
from billing.incidents.close_incident import mark_closed
from billing.incidents.models import Incident
from billing.ledger.post import Fact, Leg, post
from billing.payments.models import Payment, PaymentAllocation
from billing.refunds.apply_gateway_result import succeed
from billing.refunds.models import Refund
from billing.refunds.reverse_payment import LostPart, ReversePayment, bearable, record_lost, reverse_payment
from billing.refunds.settle_returned import settle_returned
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_rows
from kernel.db.uow import UnitOfWork
from marketplace.parties.models import PLATFORM_ORG_ID

_KEPT: Final = "付款方已由银行获付，退回款予以保留 / The payer has it from its bank already; what came back is kept"


def bear_lost_dispute(uow: UnitOfWork, dispute_id: UUID) -> None:
    """Refund what a lost dispute took to the orders and lines that it was about. What of it had gone back already, or is on its
    way, stands in suspense as the dispute's loss, for the operator to recover from the payer.

    Emits: RefundSucceeded for each order. Locks: as `reverse_payment`, then the dispute. Idempotent by: the incident.
    """
    dispute = uow.session.get_one(Dispute, dispute_id)
    parts = tuple(LostPart(one.reference, one.line_id, one.amount_minor) for one in parts_of(uow, dispute.id))
    loss_minor = reverse_payment(uow, _lost(dispute, dispute.amount_minor, parts))
    if loss_minor:
        dispute.loss_minor = loss_minor
        uow.flush()


def bear_loss(uow: UnitOfWork, payment_id: UUID, order_id: UUID) -> None:
    """A refund of this order has failed for good: what it would have sent bears first what a bank has given the payer meanwhile.
    So it is not sent once more.

    Emits: RefundSucceeded. Locks: the purchase, the order (as aggregates), the payment's lost disputes, what refunds lock.
    Idempotent by: what is left of the losses.
    """
    for dispute in _with_loss(uow, payment_id, order_id):
        wanted = [LostPart(order_id, None, dispute.loss_left_minor)]
        for part in bearable(uow, payment_id, wanted):
            refund = record_lost(uow, _lost(dispute, part.amount_minor), part)
            dispute.borne_minor += part.amount_minor
            # The money went with the dispute, and stood in suspense; the refund books it as gone once more.
            legs = [
                Leg(PLATFORM_ORG_ID, "gateway_cash", part.amount_minor, dispute.gateway),
                Leg(PLATFORM_ORG_ID, "suspense", -part.amount_minor),
            ]
            key = f"dispute:{dispute.id}:borne:{refund.id}"
            post(uow, Fact(key, "dispute_loss_borne", dispute.id, dispute.currency, clock.now(), legs))
            succeed(uow, refund)
    uow.flush()


def keep_returned(uow: UnitOfWork, refund_id: UUID) -> None:
    """A refund came back to us, after a bank had given its payer the same money: it is kept, and makes the loss good.

    One of which only a part is owed stays returned: its operator knows how much of it. Emits: IncidentClosed.
    Locks: the order (as an aggregate), the payment's lost disputes, the refund. Idempotent by: the refund's state.
    """
    refund = uow.session.get_one(Refund, refund_id)
    for dispute in _with_loss(uow, refund.payment_id, refund.reference):
        if refund.state == "returned" and dispute.loss_left_minor >= refund.money_minor:
            dispute.kept_minor += refund.money_minor
            settle_returned(uow, refund.id)
            opened = select(Incident).where(
                Incident.kind == "refund_returned", Incident.subject_id == refund.id, Incident.state == "open"
            )
            for incident in uow.session.scalars(opened.with_for_update()):
                mark_closed(uow, incident, _KEPT)
    uow.flush()


def _with_loss(uow: UnitOfWork, payment_id: UUID, order_id: UUID) -> list[Dispute]:
    reference = uow.session.scalar(select(Payment.reference).where(Payment.id == payment_id))
    if reference is None:
        return []
    ids = uow.session.scalars(
        select(Dispute.id).where(Dispute.payment_id == payment_id, Dispute.state == "lost", Dispute.loss_minor > 0)
    ).all()
    if not ids:
        return []
    lock_aggregate(uow, reference)
    lock_aggregate(uow, order_id)
    known = select(PaymentAllocation.id).where(
        PaymentAllocation.payment_id == payment_id, PaymentAllocation.reference == order_id
    )
    if uow.session.scalar(known) is None:
        return []
    return [one for one in lock_rows(uow.session, Dispute, ids) if one.loss_left_minor > 0]


def _lost(dispute: Dispute, amount_minor: int, parts: tuple[LostPart, ...] = ()) -> ReversePayment:
    named = (dispute.id, dispute.gateway_reference, f"dispute_{dispute.reason}")
    return ReversePayment(dispute.payment_id, amount_minor, "dispute", "dispute_lost", *named, parts)
