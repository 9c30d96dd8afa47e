"""What a refund asks of its gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from billing.disputes.queries import is_disputed
from billing.gateways.call import GatewayRequest, Unresolved, said_of
from billing.gateways.ports import GatewayAnswer, GatewayRefused, PaymentGateway, RefundRequest
from billing.gateways.result import CALL_LASTS, ApplyOutcome, GatewayResult
from billing.payments.models import Payment
from billing.refunds.apply_gateway_result import apply_gateway_result
from billing.refunds.attempts import last_attempt
from billing.refunds.hold_refund import SUBMIT, hold
from billing.refunds.models import ENDS, REFUND, UNRESOLVED, Refund, RefundAttempt
from billing.store_credit.models import STORE_CREDIT
from billing.store_credit.paid_by_credit import paid_by_credit
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.money import Money
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now


@dataclass(frozen=True, slots=True)
class _Question:
    request: RefundRequest
    reference: str | None

    def find(self, gateway: PaymentGateway) -> GatewayAnswer | None:
        return gateway.find_refund(self.request, self.reference)

    def submit(self, gateway: PaymentGateway) -> GatewayAnswer:
        return gateway.refund(self.request)


class RefundOperation:
    """Refunds, as the gateway driver sees them."""

    name = "refund"
    kind = SUBMIT

    def open(self, uow: UnitOfWork, row_id: UUID, *, first: bool, recheck: bool = False) -> GatewayRequest | None:
        """See `GatewayOperation.open`."""
        refund = lock_row(uow.session, Refund, row_id)
        if refund is None or (refund.state in ENDS and not recheck):
            return None
        payment = uow.session.get_one(Payment, refund.payment_id)
        fresh = refund.state == "requested"
        disputed = fresh and is_disputed(uow, refund.payment_id, refund.reference)
        if fresh and not disputed and hold(uow, refund):
            return None
        attempt = _begin(uow, refund) if fresh else last_attempt(uow, refund)
        if refund.state not in ENDS:
            refund.next_check_at = clock.now() + CALL_LASTS
        request = RefundRequest(
            key=str(attempt.id),
            payment_reference=payment.gateway_reference or "",
            amount=Money(refund.money_minor, refund.currency),
            metadata={"refund_id": str(refund.id), "payment_id": str(payment.id)},
        )
        if fresh and refund.money_minor and (payment.state != "succeeded" or not payment.gateway_reference):
            # There is nothing to give back: the gateway is not asked.
            return GatewayRequest(refund.id, payment.gateway, True, _refuse, _refuse, NOT_CAPTURED)
        if disputed:
            # The bank may give it back: it would be paid twice.
            return GatewayRequest(refund.id, payment.gateway, True, _hold, _hold, DISPUTED)
        if refund.money_minor == 0:
            answer = paid_by_credit(attempt.id, refund.currency)
            return GatewayRequest(refund.id, STORE_CREDIT, fresh, _refuse, _refuse, answer)
        question = _Question(request, refund.gateway_reference)
        unconfigured = GatewayResult(unknown=True)
        # What is sent again may be there already; if it is not, it waits for the bank like any other.
        submit = (
            _hold if refund.state == "resending" and is_disputed(uow, payment.id, refund.reference) else question.submit
        )
        return GatewayRequest(refund.id, payment.gateway, fresh, question.find, submit, unconfigured)

    def ask_ahead(self, uow: UnitOfWork, row_id: UUID) -> None:
        """See `GatewayOperation.ask_ahead`: nothing, they are few."""

    def apply(self, uow: UnitOfWork, row_id: UUID, result: GatewayResult) -> ApplyOutcome:
        """See `GatewayOperation.apply`."""
        return apply_gateway_result(uow, row_id, result)

    def unresolved(self, uow: UnitOfWork, limit: int) -> Sequence[Unresolved]:
        """See `GatewayOperation.unresolved`."""
        rows = uow.session.execute(
            select(Refund.id, Refund.checks)
            .where(
                state_in(Refund.state, *UNRESOLVED),
                Refund.next_check_at <= clock.now(),
                lives_now(Refund.buyer_org_id),
            )
            .order_by(Refund.next_check_at)
            .limit(limit)
        )
        return [Unresolved(row.id, row.checks) for row in rows]

    def final_states(self) -> Select[str, str | None, str]:
        """See `GatewayOperation.final_states`."""
        return (
            select(Payment.gateway, Refund.gateway_reference.label("reference"), said_of(Refund.state, ENDS))
            .join(Payment, Payment.id == Refund.payment_id)
            .where(Refund.state.in_(ENDS))
        )

    def find_by_reference(self, uow: UnitOfWork, gateway: str, reference: str | None) -> UUID | None:
        """See `GatewayOperation.find_by_reference`."""
        return uow.session.scalar(
            select(Refund.id)
            .join(Payment, Payment.id == Refund.payment_id)
            .where(Refund.gateway_reference == reference, Payment.gateway == gateway)
        )

    def find_by_id(self, uow: UnitOfWork, row_id: UUID) -> UUID | None:
        """See `GatewayOperation.find_by_id`."""
        return uow.session.scalar(select(Refund.id).where(Refund.id == row_id))


NOT_CAPTURED = GatewayResult(refused="payment_not_captured")
DISPUTED = GatewayResult(refused="payment_disputed")


def _refuse(_gateway: object) -> GatewayAnswer:
    raise GatewayRefused("payment_not_captured")


def _hold(_gateway: object) -> GatewayAnswer:
    raise GatewayRefused("payment_disputed")


def _begin(uow: UnitOfWork, refund: Refund) -> RefundAttempt:
    attempt = RefundAttempt(
        id=uuid7(),
        buyer_org_id=refund.buyer_org_id,
        seller_org_id=refund.seller_org_id,
        refund_id=refund.id,
        outcome="calling",
        started_at=clock.now(),
    )
    uow.session.add(attempt)
    REFUND.move(uow, refund, "processing", org_ids=[refund.buyer_org_id, refund.seller_org_id])
    return attempt
