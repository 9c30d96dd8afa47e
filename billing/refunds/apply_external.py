"""A refund that nobody here asked for: somebody made it at the gateway's own dashboard."""

from __future__ import annotations

from sqlalchemy import select

from billing.gateways.ports import GatewayRecord, GatewayStatus
from billing.gateways.result import ApplyOutcome, record_mismatch
from billing.incidents.models import Incident
from billing.incidents.open_incident import OpenIncident, open_incident
from billing.payments.models import Payment
from billing.refunds.reverse_payment import ReversePayment, reverse_payment
from kernel.db.uow import UnitOfWork


def apply_external(uow: UnitOfWork, gateway: str, record: GatewayRecord) -> ApplyOutcome | None:
    """Take a refund made by hand as one of the orders that were paid. None: it is of no payment of ours.

    One that comes back later is here again and nobody's: its orders stay refunded, the money waits in suspense with an
    incident, until an operator has paid the buyer in another way.

    Emits: as `reverse_payment`; IncidentOpened. Idempotent by: the payment and the gateway's reference.
    """
    payment = uow.session.scalars(
        select(Payment).where(Payment.gateway == gateway, Payment.gateway_reference == record.payment_reference)
    ).first()
    if payment is None:
        return None
    known = select(Incident.id).where(
        Incident.kind == "external_refund",
        Incident.subject_id == payment.id,
        Incident.gateway_reference == record.reference,
    )
    if uow.session.scalar(known) is not None:
        if record.status is not GatewayStatus.FAILED:
            return ApplyOutcome.NOTHING_NEW
        bounced = OpenIncident(
            "external_refund_returned",
            payment.id,
            gateway,
            record.reference,
            record.amount,
            record.code or "returned",
            suspense_minor=-record.amount.amount_minor,
        )
        return ApplyOutcome.CHANGED if open_incident(uow, bounced) else ApplyOutcome.NOTHING_NEW
    if record.status is not GatewayStatus.SUCCEEDED:
        return ApplyOutcome.NOTHING_NEW
    if record.amount.currency != payment.currency or not 0 < record.amount.amount_minor <= payment.amount_minor:
        record_mismatch(uow, "refund", payment.id, record)
        return ApplyOutcome.CONTRADICTS
    reverse_payment(
        uow,
        ReversePayment(
            payment.id,
            record.amount.amount_minor,
            "gateway",
            "external_refund",
            payment.id,
            record.reference,
            "made_at_the_gateway",
        ),
    )
    return ApplyOutcome.CHANGED
