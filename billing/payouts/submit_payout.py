"""What a payout asks of its gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, select

from billing.connected_accounts.held import why_held
from billing.gateways.call import GatewayRequest, Unresolved, said_of
from billing.gateways.ports import GatewayAnswer, GatewayRefused, PaymentGateway, PayoutRequest
from billing.gateways.result import CALL_LASTS, ApplyOutcome, GatewayResult
from billing.payments.models import Payment
from billing.payouts.apply_gateway_result import apply_gateway_result
from billing.payouts.models import BANK, ENDS, PAYOUT, UNRESOLVED, Payout, PayoutAttempt
from billing.payouts.pay_out import SUBMIT
from billing.payouts.settled_shares import disputed_shares
from billing.statements.models import Statement
from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.money import Money
from kernel.states import state_in
from marketplace.test_clocks.own_time import lives_now


@dataclass(frozen=True, slots=True)
class _Question:
    request: PayoutRequest
    reference: str | None

    def find(self, gateway: PaymentGateway) -> GatewayAnswer | None:
        return gateway.find_payout(self.request, self.reference)

    def submit(self, gateway: PaymentGateway) -> GatewayAnswer:
        return gateway.pay_out(self.request)


class PayoutOperation:
    """Payouts, as the gateway driver sees them."""

    name = "payout"
    kind = SUBMIT

    def open(self, uow: UnitOfWork, row_id: UUID, *, first: bool, recheck: bool = False) -> GatewayRequest | None:
        """See `GatewayOperation.open`."""
        payout = lock_row(uow.session, Payout, row_id)
        if payout is None or payout.gateway == BANK or (payout.state in ENDS and not recheck):
            return None
        fresh = payout.state == "scheduled"
        attempt = begin_attempt(uow, payout) if fresh else _attempt_of(uow, payout)
        if payout.state not in ENDS:
            payout.next_check_at = clock.now() + CALL_LASTS
        request = PayoutRequest(
            key=str(attempt.id),
            amount=Money(payout.amount_minor, payout.currency),
            destination=payout.destination,
            description=f"statement {payout.statement_id}",
            metadata={"payout_id": str(payout.id)},
            group=f"order {payout.group_reference}" if payout.group_reference else f"statement {payout.statement_id}",
            paid_by=_paid_by(uow, payout),
        )
        if fresh and is_disputed(uow, payout):
            # Since it was scheduled. What is left of the statement can be paid anew.
            return GatewayRequest(payout.id, payout.gateway, True, _hold, _hold, DISPUTED)
        if fresh and why_held(uow, payout.org_id, payout.gateway, payout.destination) is not None:
            # Since it was scheduled. The money is the party's again; its statement can be paid once the account may be.
            return GatewayRequest(payout.id, payout.gateway, True, _refuse, _refuse, HELD)
        question = _Question(request, payout.gateway_reference)
        unconfigured = GatewayResult(refused="gateway_unknown") if fresh else GatewayResult(unknown=True)
        return GatewayRequest(payout.id, payout.gateway, fresh, question.find, question.submit, unconfigured)

    def ask_ahead(self, uow: UnitOfWork, row_id: UUID) -> None:
        """See `GatewayOperation.ask_ahead`: nothing, they are few."""

    def apply(self, uow: UnitOfWork, row_id: UUID, result: GatewayResult) -> ApplyOutcome:
        """See `GatewayOperation.apply`."""
        return apply_gateway_result(uow, row_id, result)

    def unresolved(self, uow: UnitOfWork, limit: int) -> Sequence[Unresolved]:
        """See `GatewayOperation.unresolved`."""
        rows = uow.session.execute(
            select(Payout.id, Payout.checks)
            .where(
                state_in(Payout.state, *UNRESOLVED),
                Payout.next_check_at <= clock.now(),
                Payout.gateway != BANK,
                lives_now(Payout.org_id),
            )
            .order_by(Payout.next_check_at)
            .limit(limit)
        )
        return [Unresolved(row.id, row.checks) for row in rows]

    def final_states(self) -> Select[str, str | None, str]:
        """See `GatewayOperation.final_states`."""
        named = Payout.gateway, Payout.gateway_reference.label("reference")
        return select(*named, said_of(Payout.state, ENDS)).where(Payout.state.in_(ENDS))

    def find_by_reference(self, uow: UnitOfWork, gateway: str, reference: str | None) -> UUID | None:
        """See `GatewayOperation.find_by_reference`."""
        return uow.session.scalar(
            select(Payout.id).where(Payout.gateway_reference == reference, Payout.gateway == gateway)
        )

    def find_by_id(self, uow: UnitOfWork, row_id: UUID) -> UUID | None:
        """See `GatewayOperation.find_by_id`."""
        return uow.session.scalar(select(Payout.id).where(Payout.id == row_id))


DISPUTED = GatewayResult(refused="payment_disputed")


def _hold(_gateway: object) -> GatewayAnswer:
    raise GatewayRefused("payment_disputed")


HELD = GatewayResult(refused="gateway_account_held")


def _refuse(_gateway: object) -> GatewayAnswer:
    raise GatewayRefused("gateway_account_held")


def is_disputed(uow: UnitOfWork, payout: Payout) -> bool:
    """Whether a bank decides about a share that the payout did not hold back."""
    statement = uow.session.get_one(Statement, payout.statement_id)
    return bool(disputed_shares(uow, statement, payout_id=payout.id))


def _paid_by(uow: UnitOfWork, payout: Payout) -> str | None:
    """What the gateway calls the payment whose money is sent; None where there are several."""
    if payout.payment_id is None:
        return None
    return uow.session.scalar(select(Payment.gateway_reference).where(Payment.id == payout.payment_id))


def begin_attempt(uow: UnitOfWork, payout: Payout) -> PayoutAttempt:
    """Write down that a payout goes out now, before it does."""
    attempt = PayoutAttempt(
        id=uuid7(), org_id=payout.org_id, payout_id=payout.id, outcome="calling", started_at=clock.now()
    )
    uow.session.add(attempt)
    PAYOUT.move(uow, payout, "sent", org_ids=[payout.org_id])
    return attempt


def _attempt_of(uow: UnitOfWork, payout: Payout) -> PayoutAttempt:
    return uow.session.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout.id)).one()
