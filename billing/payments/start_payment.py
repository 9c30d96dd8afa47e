"""Begin to take the money for a purchase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.credit_lines.hold import hold_credit
from billing.credit_lines.models import ON_ACCOUNT
from billing.gateways.call import Submission
from billing.gateways.result import CALL_LASTS
from billing.payments.models import PAYMENT, Payment, PaymentAllocation, PaymentAttempt
from billing.payments.submit_payment import SUBMIT, request_of
from billing.store_credit.models import STORE_CREDIT
from billing.store_credit.move_credit import reserve_credit
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.jobs.outbox import enqueue
from kernel.money import Money


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
    payer_absent: bool = False
    """Whether nobody is there who could confirm it at once."""
    leased: bool = False
    """Whether whoever commits this calls the gateway at once, by the Submission."""
    method_org_id: UUID | None = None
    """Whose payment method it is; None: the payer's own."""


def start_payment(uow: UnitOfWork, command: StartPayment) -> Submission:
    """Record the payment with its attempt, and the job that takes it to the gateway after the commit.

    What credit the payer has with the sellers pays first; the gateway is asked for the rest, if any.
    Returns what calls the gateway; it is the caller's to run where the command says `leased`.

    Raises:
        Conflict: `payment_already_running`, another payment of the reference has not definitely failed (at flush).
        Invalid: `amount_not_positive`, `allocation_differs`.
        Conflict: as `hold_credit`, on account where the payer is there.
        NotFound: `not_found`, the payer is another organization than the acting one.

    Locks: the payer's credit with the sellers; on account, its line, of which the amount is held.
    Emits: later, when the gateway has answered: PaymentSucceeded, PaymentFailed or PaymentNeedsAction.
    """
    principal = uow.principal
    if not principal.is_platform and principal.org_id != command.payer_org_id:
        raise NotFound("not_found")
    amount_minor, currency = command.amount.amount_minor, command.amount.currency
    if amount_minor <= 0 or any(part <= 0 for _, _, part in command.allocations):
        raise Invalid("amount_not_positive", field="amount")
    if sum(part for _, _, part in command.allocations) != amount_minor:
        raise Invalid("allocation_differs", field="allocations")
    credit = reserve_credit(uow, command.payer_org_id, currency, command.allocations)
    credit_minor = sum(credit.values())
    now = clock.now()
    payment = Payment(
        id=uuid7(),
        payer_org_id=command.payer_org_id,
        reference=command.reference,
        gateway=command.gateway if credit_minor < amount_minor else STORE_CREDIT,
        method_token=command.method_token,
        method_org_id=command.method_org_id,
        amount_minor=amount_minor,
        credit_minor=credit_minor,
        currency=currency,
        description=command.description,
        payer_absent=command.payer_absent,
        gateway_reference=None,
        deadline_at=command.deadline_at,
        next_check_at=now + CALL_LASTS,
        created_at=now,
    )
    PAYMENT.begin(uow, payment, org_ids=[command.payer_org_id])
    attempt = PaymentAttempt(
        id=uuid7(),
        payer_org_id=payment.payer_org_id,
        payment_id=payment.id,
        operation="submit",
        outcome="calling",
        started_at=now,
    )
    uow.add(payment)
    uow.add(attempt)
    _allocate(uow, command, payment, credit)
    _hold(uow, payment)
    payload = {"payment_id": str(payment.id)}
    job_id = enqueue(uow, SUBMIT, payload, dedupe_key=str(payment.id), leased=command.leased)
    claim = JobClaim(job_id, SUBMIT, payload, epoch=1, attempts=1, correlation_id=uow.correlation_id)
    return Submission(claim, request_of(payment, attempt, fresh=True))


def _hold(uow: UnitOfWork, payment: Payment) -> None:
    """On account its amount is held of the payer's line; who is there is told at once that it does not fit."""
    if payment.gateway == ON_ACCOUNT:
        owed = Money(payment.money_minor, payment.currency)
        hold_credit(uow, payment.payer_org_id, payment.id, owed, binding=not payment.payer_absent)


def _allocate(uow: UnitOfWork, command: StartPayment, payment: Payment, credit: Mapping[UUID, int]) -> None:
    for order_id, seller_org_id, part_minor in command.allocations:
        allocation = PaymentAllocation(
            payer_org_id=command.payer_org_id,
            seller_org_id=seller_org_id,
            payment_id=payment.id,
            reference=order_id,
            amount_minor=part_minor,
            credit_minor=credit.get(order_id, 0),
            currency=payment.currency,
        )
        uow.add(allocation)
