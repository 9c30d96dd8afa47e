"""What a payment asks of its gateway: the same question for a first call and for any doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, bindparam, select

from billing.gateways.call import GatewayRequest, Unresolved, said_of
from billing.gateways.ports import (
    GatewayAnswer,
    GatewayRefused,
    GatewayStatus,
    NotReached,
    PaymentGateway,
    PaymentRequest,
)
from billing.gateways.result import CALL_LASTS, ApplyOutcome, GatewayResult
from billing.payments.apply_gateway_result import apply_gateway_result, ask_payment, succeeded
from billing.payments.models import ENDS, UNRESOLVED, Payment, PaymentAttempt
from billing.store_credit.paid_by_credit import paid_by_credit
from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.money import Money
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now

SUBMIT = "billing.payment.submit"
"""Kind of the job that calls the gateway."""
SEARCH_LAGS = timedelta(hours=1)
"""A gateway may not find for so long what it has (Stripe: a minute, in an outage "up to an hour"). To call a payment
failed that was made would let the buyer pay twice."""


_TO_ASK = Read(
    select(Payment, PaymentAttempt)
    .join(PaymentAttempt, (PaymentAttempt.payment_id == Payment.id) & (PaymentAttempt.operation == "submit"))
    .where(Payment.id == bindparam("payment_id"))
    .with_for_update(of=Payment, key_share=True)
)


def request_of(payment: Payment, attempt: PaymentAttempt, *, fresh: bool) -> GatewayRequest:
    """Submit a payment that was never sent, ask about one that was, withdraw one whose time is over."""
    question = _Question(
        request=PaymentRequest(
            key=str(attempt.id),
            amount=Money(payment.money_minor, payment.currency),
            method_token=payment.method_token,
            description=payment.description,
            metadata={"payment_id": str(payment.id), "reference": str(payment.reference)},
            payer=payment.method_org_id or payment.payer_org_id,
            payer_absent=payment.payer_absent,
        ),
        reference=payment.gateway_reference,
        fresh=fresh,
        deadline_at=payment.deadline_at,
    )
    unconfigured = GatewayResult(refused="gateway_unknown") if fresh else GatewayResult(unknown=True)
    if payment.money_minor == 0:
        # Credit pays all of it: there is nobody to ask.
        unconfigured = paid_by_credit(attempt.id, payment.currency)
    success = succeeded(payment)
    return GatewayRequest(payment.id, payment.gateway, fresh, question.find, question.submit, unconfigured, success)


@dataclass(frozen=True, slots=True)
class _Question:
    request: PaymentRequest
    reference: str | None
    fresh: bool
    deadline_at: datetime

    @property
    def too_late(self) -> bool:
        """Nothing is sent any more, and what waits for its payer is withdrawn."""
        return clock.now() >= self.deadline_at

    def find(self, gateway: PaymentGateway) -> GatewayAnswer | None:
        found = gateway.find_payment(self.request, self.reference)
        if found is not None and self.too_late and found.status is GatewayStatus.REQUIRES_ACTION:
            return gateway.cancel(found.reference)
        return found

    def submit(self, gateway: PaymentGateway) -> GatewayAnswer:
        if not self.too_late:
            return gateway.submit(self.request)
        # What the gateway does not know of by now, it never got.
        if self.fresh or clock.now() >= self.deadline_at + SEARCH_LAGS:
            raise GatewayRefused("payment_expired")
        raise NotReached


class PaymentOperation:
    """Payments, as the gateway driver sees them."""

    name = "payment"
    kind = SUBMIT

    def open(self, uow: UnitOfWork, row_id: UUID, *, first: bool, recheck: bool = False) -> GatewayRequest | None:
        """See `GatewayOperation.open`. The attempt was committed with the payment."""
        row = uow.find(_TO_ASK, payment_id=row_id)
        if row is None:
            return None
        payment, attempt = row
        if payment.state in ENDS and not recheck:
            return None
        payment.next_check_at = clock.now() + CALL_LASTS
        return request_of(payment, attempt, fresh=first and attempt.outcome == "calling")

    def ask_ahead(self, uow: UnitOfWork, row_id: UUID) -> None:
        """See `GatewayOperation.ask_ahead`."""
        ask_payment(uow, row_id)

    def apply(self, uow: UnitOfWork, row_id: UUID, result: GatewayResult) -> ApplyOutcome:
        """See `GatewayOperation.apply`."""
        return apply_gateway_result(uow, row_id, result)

    def unresolved(self, uow: UnitOfWork, limit: int) -> Sequence[Unresolved]:
        """See `GatewayOperation.unresolved`."""
        rows = uow.session.execute(
            select(Payment.id, Payment.checks)
            .where(
                state_in(Payment.state, *UNRESOLVED),
                Payment.next_check_at <= clock.now(),
                lives_now(Payment.payer_org_id),
            )
            .order_by(Payment.next_check_at)
            .limit(limit)
        )
        return [Unresolved(row.id, row.checks) for row in rows]

    def final_states(self) -> Select[str, str | None, str]:
        """See `GatewayOperation.final_states`."""
        named = Payment.gateway, Payment.gateway_reference.label("reference")
        return select(*named, said_of(Payment.state, ENDS)).where(Payment.state.in_(ENDS))

    def find_by_reference(self, uow: UnitOfWork, gateway: str, reference: str | None) -> UUID | None:
        """See `GatewayOperation.find_by_reference`."""
        return uow.session.scalar(
            select(Payment.id).where(Payment.gateway_reference == reference, Payment.gateway == gateway)
        )

    def find_by_id(self, uow: UnitOfWork, row_id: UUID) -> UUID | None:
        """See `GatewayOperation.find_by_id`."""
        return uow.session.scalar(select(Payment.id).where(Payment.id == row_id))
