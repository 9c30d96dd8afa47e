"""Believe a gateway about a dispute: the one place where it takes its state, and where the books follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing.disputes.allocate_dispute import PaidOrder, allocate_dispute
from billing.disputes.events import DisputeEnded, DisputeOpened
from billing.disputes.models import DISPUTE, STATE_OF, Dispute, DisputePart
from billing.disputes.note_fee import note_fee
from billing.gateways.ports import GatewayRecord
from billing.gateways.result import ApplyOutcome, record_mismatch
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.ledger.post import Fact, Leg, post
from billing.payments.models import Payment, PaymentAllocation
from kernel import clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from kernel.money import Money
from marketplace.parties.models import PLATFORM_ORG_ID

UNSAID: Final = timedelta(days=7)
"""How long a bank takes evidence where the gateway does not say: the least that card schemes give."""
SIDES_HAVE_LEFT: Final = timedelta(days=2)
SENT_LEFT: Final = timedelta(days=1)
"""How long before the bank's deadline the sides have to be heard, and what is there is sent; of short times a third, a sixth."""


def apply_gateway_record(uow: UnitOfWork, gateway: str, record: GatewayRecord) -> ApplyOutcome | None:
    """Bring a dispute to where the gateway says it is, opening it when it is new. None: it is about no payment of ours.

    What it is about is found at once (`DisputePart`): all orders of the payment, each with its part of the amount.
    From its beginning the money is gone from the gateway and stands in suspense; at its end it is back, and what was lost
    leaves again as refunds of the orders (`DisputeEnded`, `reverse_payment`). A bank that turns its decision round moves the
    money once more: what was won and is lost leaves likewise; what was lost and is won is here, and nobody's until an operator
    has agreed with the payer. Each time is an incident.

    Emits: DisputeOpened; DisputeEnded, once, and once more when what was won is lost after all.
    Locks: the purchase that was paid (as an aggregate), its payment, the dispute.
    Idempotent by: the gateway's reference and the dispute's state.
    """
    payment = _lock_payment(uow, gateway, record.payment_reference)
    if payment is None:
        return None
    dispute = uow.session.scalars(
        select(Dispute)
        .where(Dispute.gateway == gateway, Dispute.gateway_reference == record.reference)
        .with_for_update()
    ).first()
    fits = record.amount.currency == payment.currency and 0 < record.amount.amount_minor <= payment.amount_minor
    if payment.state != "succeeded" and dispute is None:
        fits = False
    if not fits or (dispute is not None and dispute.amount_minor != record.amount.amount_minor):
        record_mismatch(uow, "dispute", dispute.id if dispute else payment.id, record)
        return ApplyOutcome.CONTRADICTS
    target = STATE_OF[record.status]
    is_new = dispute is None
    if dispute is None:
        dispute = _open(uow, payment, record)
    outcome = ApplyOutcome.CHANGED if _note(uow, dispute, record) or is_new else ApplyOutcome.NOTHING_NEW
    if dispute.state == target:
        return outcome
    if target == "open":
        record_mismatch(uow, "dispute", dispute.id, record, differs="reopened")
        return ApplyOutcome.CONTRADICTS
    if dispute.state == "open":
        _end(uow, dispute, target)
    else:
        _overturn(uow, dispute, target)
    return ApplyOutcome.CHANGED


def _lock_payment(uow: UnitOfWork, gateway: str, reference: str) -> Payment | None:
    found = uow.session.execute(
        select(Payment.id, Payment.reference).where(Payment.gateway == gateway, Payment.gateway_reference == reference)
    ).first()
    if found is None:
        return None
    lock_aggregate(uow, found.reference)
    return lock_row(uow.session, Payment, found.id)


def _open(uow: UnitOfWork, payment: Payment, record: GatewayRecord) -> Dispute:
    now = clock.now()
    due_by = record.due_by or now + UNSAID
    time = max(due_by - now, timedelta())
    paid = uow.session.scalars(
        select(PaymentAllocation).where(PaymentAllocation.payment_id == payment.id).order_by(PaymentAllocation.id)
    ).all()
    dispute = Dispute(
        id=uuid7(),
        payer_org_id=payment.payer_org_id,
        seller_org_ids=sorted({one.seller_org_id for one in paid}),
        payment_id=payment.id,
        gateway=payment.gateway,
        gateway_reference=record.reference,
        amount_minor=record.amount.amount_minor,
        currency=record.amount.currency,
        reason=(record.code or "")[:200],
        created_at=now,
        basis="whole" if record.amount.amount_minor == payment.amount_minor or len(paid) == 1 else "pro_rata",
        due_by=due_by,
        answer_by=due_by - min(SIDES_HAVE_LEFT, time // 3),
        submit_at=due_by - min(SENT_LEFT, time // 6),
    )
    parts = allocate_dispute(dispute.amount_minor, _paid_orders(uow, payment.id, paid))
    DISPUTE.begin(uow, dispute, org_ids=dispute.parties, reason=dispute.reason)
    uow.session.add(dispute)
    uow.flush()
    uow.session.add_all(
        DisputePart(
            id=uuid7(),
            payer_org_id=one.payer_org_id,
            seller_org_id=one.seller_org_id,
            dispute_id=dispute.id,
            reference=one.reference,
            line_id=None,
            amount_minor=parts[one.reference],
            currency=one.currency,
            created_at=now,
        )
        for one in paid
        if one.reference in parts
    )
    uow.flush()
    _book(uow, dispute, "opened", -dispute.amount_minor)
    emit(uow, DisputeOpened(dispute_id=dispute.id, payment_id=payment.id))
    return dispute


def _paid_orders(uow: UnitOfWork, payment_id: UUID, paid: Sequence[PaymentAllocation]) -> dict[UUID, PaidOrder]:
    """What each order paid, and what of it is here and not disputed otherwise."""
    disputed = (
        select(DisputePart.reference, func.sum(DisputePart.amount_minor))
        .join(Dispute, Dispute.id == DisputePart.dispute_id)
        .where(Dispute.payment_id == payment_id, Dispute.state == "open")
        .group_by(DisputePart.reference)
    )
    others = {row[0]: int(row[1]) for row in uow.session.execute(disputed)}
    return {
        one.reference: PaidOrder(one.amount_minor, one.amount_minor - one.reserved_minor - others.get(one.reference, 0))
        for one in paid
    }


def _note(uow: UnitOfWork, dispute: Dispute, record: GatewayRecord) -> bool:
    """Take over what the gateway says beside the state. Returns whether it is news."""
    is_news = False
    if record.submitted and dispute.submitted_at is None:
        dispute.submitted_at, is_news = clock.now(), True
    if record.fee is not None:
        fee_is_news = note_fee(uow, dispute, record.fee)
        if fee_is_news is None:
            # Nothing can be said of the difference between two currencies.
            record_mismatch(uow, "dispute", dispute.id, record, differs="fee")
            return is_news
        is_news = is_news or fee_is_news
    return is_news


def _end(uow: UnitOfWork, dispute: Dispute, target: str) -> None:
    dispute.ended_at = clock.now()
    DISPUTE.move(uow, dispute, target, org_ids=dispute.parties)
    _book(uow, dispute, "ended", dispute.amount_minor)
    _tell(uow, dispute)


def _overturn(uow: UnitOfWork, dispute: Dispute, target: str) -> None:
    dispute.overturned += 1
    DISPUTE.move(uow, dispute, target, org_ids=dispute.parties, reason="overturned")
    if target == "lost" and dispute.overturned == 1:
        # Its orders have not borne it yet.
        _tell(uow, dispute)
        return
    reference = dispute.gateway_reference + (f":{dispute.overturned}" if dispute.overturned > 1 else "")
    amount = Money(dispute.amount_minor, dispute.currency)
    suspense_minor = dispute.amount_minor if target == "lost" else -dispute.amount_minor
    open_incident(
        uow,
        OpenIncident(
            "dispute_overturned", dispute.id, dispute.gateway, reference, amount, f"now_{target}", suspense_minor
        ),
    )


def _tell(uow: UnitOfWork, dispute: Dispute) -> None:
    emit(
        uow,
        DisputeEnded(
            dispute_id=dispute.id,
            payment_id=dispute.payment_id,
            payer_org_id=dispute.payer_org_id,
            is_lost=dispute.state == "lost",
        ),
    )


def _book(uow: UnitOfWork, dispute: Dispute, what: str, cash_minor: int) -> None:
    legs = [
        Leg(PLATFORM_ORG_ID, "gateway_cash", cash_minor, dispute.gateway),
        Leg(PLATFORM_ORG_ID, "suspense", -cash_minor),
    ]
    post(uow, Fact(f"dispute:{dispute.id}:{what}", f"dispute_{what}", dispute.id, dispute.currency, clock.now(), legs))
