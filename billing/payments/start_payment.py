"""Begin to take the money for a purchase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.payments.models import Payment, PaymentAllocation
from billing.payments.states import PAYMENT
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.money import Money

SUBMIT = "billing.payment.submit"
"""Kind of the job that calls the gateway."""


@dataclass(frozen=True, slots=True)
class StartPayment:
    """Pay `amount` for `reference` (a purchase). `allocations` say how much of it belongs to which order and seller."""

    reference: UUID
    payer_org_id: UUID
    amount: Money
    gateway: str
    method_token: str
    allocations: tuple[tuple[UUID, UUID, int], ...]
    """(order id, seller's organization, amount in minor units); they add up to the amount."""
    deadline_at: datetime
    """After this instant an unauthenticated payment is withdrawn."""
    description: str


def start_payment(uow: UnitOfWork, command: StartPayment) -> UUID:
    """Record the payment and let a job take it to the gateway after the commit. Returns the payment's id.

    Raises:
        Conflict: `payment_already_running`, another payment of the reference has not definitely failed (at flush).
        Invalid: `amount_not_positive`, `allocation_differs`.
        NotFound: `not_found`, the payer is another organization than the acting one.

    Emits: later, from the job: PaymentSucceeded, PaymentFailed or PaymentNeedsAction.
    """
    principal = uow.principal
    if not principal.is_platform and principal.org_id != command.payer_org_id:
        raise NotFound("not_found")
    amount_minor, currency = command.amount.amount_minor, command.amount.currency
    if amount_minor <= 0 or any(part <= 0 for _, _, part in command.allocations):
        raise Invalid("amount_not_positive", field="amount")
    if sum(part for _, _, part in command.allocations) != amount_minor:
        raise Invalid("allocation_differs", field="allocations")
    now = clock.now()
    payment = Payment(
        id=uuid7(),
        payer_org_id=command.payer_org_id,
        reference=command.reference,
        gateway=command.gateway,
        method_token=command.method_token,
        amount_minor=amount_minor,
        currency=currency,
        description=command.description,
        deadline_at=command.deadline_at,
        next_check_at=now,
        created_at=now,
    )
    PAYMENT.begin(uow, payment, org_ids=[command.payer_org_id])
    uow.session.add(payment)
    uow.flush()
    uow.session.add_all(
        PaymentAllocation(
            payer_org_id=command.payer_org_id,
            seller_org_id=seller_org_id,
            payment_id=payment.id,
            reference=order_id,
            amount_minor=part_minor,
            currency=currency,
        )
        for order_id, seller_org_id, part_minor in command.allocations
    )
    uow.flush()
    enqueue(uow, SUBMIT, {"payment_id": str(payment.id)}, dedupe_key=str(payment.id))
    return payment.id
