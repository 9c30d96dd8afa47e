"""Send a refund that came back once more, the same way: an operator's word on its incident."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from billing.disputes.queries import has_loss, is_disputed
from billing.incidents.close_incident import lock_open_incident
from billing.incidents.models import INCIDENT, Incident
from billing.payments.models import Payment
from billing.refunds.attempts import last_attempt
from billing.refunds.hold_refund import SUBMIT
from billing.refunds.models import REFUND, Refund, RefundAttempt
from kernel import audit, clock
from kernel.db.locks import lock_aggregate, lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue


def resend_refund(uow: UnitOfWork, incident_id: UUID) -> Incident:
    """Ask the gateway anew for a refund that came back. Its incident closes when the gateway has sent the money, and is open
    again when that definitely fails.

    Raises: Forbidden `permission_missing` without operator.payouts; NotFound `incident_not_found`; Conflict `incident_closed`,
    `incident_resending`, `incident_not_resendable` (nothing that we had sent has come back), `payment_not_captured`,
    `payment_disputed`, `dispute_loss_open` (the payer's bank gave more back than was left).
    Emits: later, from the job, IncidentClosed.
    Locks: the order (as an aggregate), the incident, the refund.
    Idempotent by: the refund's state; each attempt has a key of its own, and follows one that has definitely come back.
    """
    uow.principal.require("operator.payouts")
    order_id = uow.session.scalar(
        select(Refund.reference).join(Incident, Incident.subject_id == Refund.id).where(Incident.id == incident_id)
    )
    if order_id is not None:
        lock_aggregate(uow, order_id)
    incident = lock_open_incident(uow, incident_id)
    refund = lock_row(uow.session, Refund, incident.subject_id)
    if incident.kind != "refund_returned" or refund is None or refund.state != "returned":
        raise Conflict("incident_not_resendable")
    if uow.session.get_one(Payment, refund.payment_id).state != "succeeded":
        raise Conflict("payment_not_captured")
    if is_disputed(uow, refund.payment_id, refund.reference):
        raise Conflict("payment_disputed")
    if has_loss(uow, refund.payment_id):
        raise Conflict("dispute_loss_open")
    now = clock.now()
    number = last_attempt(uow, refund).number + 1
    uow.session.add(
        RefundAttempt(
            id=uuid7(),
            buyer_org_id=refund.buyer_org_id,
            seller_org_id=refund.seller_org_id,
            refund_id=refund.id,
            number=number,
            outcome="calling",
            started_at=now,
        )
    )
    refund.gateway_reference, refund.next_check_at, refund.checks = None, now, 0
    REFUND.move(uow, refund, "resending", org_ids=[refund.buyer_org_id, refund.seller_org_id])
    INCIDENT.move(uow, incident, "resending", org_ids=[])
    uow.flush()
    audit.record(uow, "refund.resent", subject_id=refund.id, attempt=number)
    enqueue(uow, SUBMIT, {"refund_id": str(refund.id)}, dedupe_key=f"{refund.id}:{number}")
    return incident
