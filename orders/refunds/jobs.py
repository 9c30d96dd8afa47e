"""What follows by itself on money that a buyer asked back."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing.disputes.events import DisputeEnded, DisputeOpened
from billing.disputes.models import Dispute
from billing.disputes.queries import is_disputed
from billing.payouts.reverse_transfer import reverse_transfers
from billing.refunds.events import RefundFailed, RefundSucceeded
from billing.refunds.models import Refund
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, follows, job, sweep
from kernel.jobs.outbox import enqueue
from kernel.jobs.settle_each import settle_each
from orders.order.locking import find_locked_order
from orders.refunds.decide_refund import grant_again
from orders.refunds.held import DISPUTED, ask_again, give_up_held, is_asked_again
from orders.refunds.models import RefundCase
from orders.refunds.run_out import cases_run_out, close_if_nothing_left, resume, run_out
from orders.store_credit.jobs import pay_back

FOLLOWERS = (pay_back,)
"""Imported for what it registers: what becomes of credit that was given instead of money."""
SWEEP_CASES = "orders.refund_cases.sweep"
GRANT_AGAIN = "orders.refund_case.grant_again"
ASK_AGAIN: Final = "orders.refund.ask_again"
GRANT_WAITS: Final = timedelta(days=1)
"""After a gateway refused what was granted, until it is asked again."""


@sweep(SWEEP_CASES, every=timedelta(minutes=1))
def sweep_cases(transact: Transact) -> None:
    """Requests for money back that nobody answered in time go their way."""
    settle_each(transact, cases_run_out, run_out)


@follows(RefundSucceeded)
def refund_succeeded_case(uow: UnitOfWork, fact: Payload) -> None:
    """Where all the money went back in another way, nobody has to decide any more."""
    order = find_locked_order(uow, UUID(fact["reference"]))
    if order is not None:
        close_if_nothing_left(uow, order)


@follows(RefundSucceeded)
def refund_succeeded_transfers(uow: UnitOfWork, fact: Payload) -> None:
    """What parties had of it already is taken back where a gateway can."""
    reverse_transfers(uow, UUID(fact["refund_id"]))


@follows(DisputeEnded)
def dispute_ended_case(uow: UnitOfWork, fact: Payload) -> None:
    """What stood still meanwhile goes on."""
    resume(uow, UUID(fact["payment_id"]))


@follows(RefundFailed)
def granted_refund_failed(uow: UnitOfWork, fact: Payload) -> None:
    """What was granted is owed: the gateway is asked again tomorrow."""
    if uow.session.scalar(select(RefundCase.id).where(RefundCase.refund_id == UUID(fact["refund_id"]))):
        _tomorrow(uow, fact["refund_id"])


@job(GRANT_AGAIN)
def send_granted_again(uow: UnitOfWork, fact: Payload) -> None:
    """Ask the gateway anew; while a bank decides about the payment, every day whether it still does."""
    refund = uow.session.get_one(Refund, UUID(fact["refund_id"]))
    if is_disputed(uow, refund.payment_id):
        _tomorrow(uow, fact["refund_id"])
    else:
        grant_again(uow, refund.id)


@follows(DisputeOpened)
def dispute_opened_held(uow: UnitOfWork, fact: Payload) -> None:
    """The bank may give back what waits for a red tax invoice: it does not go meanwhile, and is asked for again afterwards."""
    dispute = uow.session.get_one(Dispute, UUID(fact["dispute_id"]))
    give_up_held(uow, dispute.payment_id, DISPUTED, disputed=True)


@follows(RefundFailed)
def held_refund_failed(uow: UnitOfWork, fact: Payload) -> None:
    """What had waited for a red tax invoice is owed still: it is asked for again tomorrow."""
    if is_asked_again(uow, uow.session.get_one(Refund, UUID(fact["refund_id"]))):
        _tomorrow(uow, fact["refund_id"], ASK_AGAIN)


@job(ASK_AGAIN)
def ask_held_again(uow: UnitOfWork, fact: Payload) -> None:
    """Ask anew; while a bank decides about the payment, every day whether it still does."""
    if not ask_again(uow, UUID(fact["refund_id"])):
        _tomorrow(uow, fact["refund_id"], ASK_AGAIN)


def _tomorrow(uow: UnitOfWork, refund_id: str, kind: str = GRANT_AGAIN) -> None:
    at = clock.now() + GRANT_WAITS
    key = f"{refund_id}:{at.date()}"
    enqueue(uow, kind, {"refund_id": refund_id}, dedupe_key=key, run_at=at)
