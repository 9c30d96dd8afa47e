"""What follows a step that waits, and what is decided; and the calls to where it is asked outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import Payload, call, follows, job, sweep
from kernel.jobs.settle_each import settle_each
from kernel.secrets import SecretBox
from orders.approval_apps.ask_outside import ASK, AskOutside, ask_step
from orders.approval_apps.count_answer import CountAnswers
from orders.approval_apps.ports import ApprovalProvider
from orders.approval_apps.receive_callback import COUNT
from orders.approval_apps.withdraw_outside import WITHDRAW, WithdrawOutside, waiting_in_vain, withdraw_decided
from orders.order.events import (
    ApprovalRequested,
    PurchaseApproved,
    PurchaseCancelled,
    PurchaseExpired,
    PurchaseRejected,
)

SWEEP = "orders.approval_apps.sweep"


def register(providers: Mapping[str, ApprovalProvider], box: SecretBox, *, public_url: str) -> None:
    """Register what asks, takes back and counts."""
    call(ASK)(AskOutside(providers, box, public_url))
    call(WITHDRAW)(WithdrawOutside(providers, box))
    counting = CountAnswers(providers, box)

    @job(COUNT)
    def count(uow: UnitOfWork, payload: Payload) -> None:
        counting.count(uow, payload)


@follows(ApprovalRequested)
def step_waits(uow: UnitOfWork, fact: Payload) -> None:
    """What was asked of the step before is taken back; this one is asked."""
    purchase_id = UUID(fact["purchase_id"])
    withdraw_decided(uow, purchase_id)
    ask_step(uow, purchase_id, int(fact.get("step", 1)))


@follows(PurchaseApproved)
def approved(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing is to be decided any more."""
    withdraw_decided(uow, UUID(fact["purchase_id"]))


@follows(PurchaseRejected)
def rejected(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing is to be decided any more."""
    withdraw_decided(uow, UUID(fact["purchase_id"]))


@follows(PurchaseCancelled)
def cancelled(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing is to be decided any more."""
    withdraw_decided(uow, UUID(fact["purchase_id"]))


@follows(PurchaseExpired)
def expired(uow: UnitOfWork, fact: Payload) -> None:
    """Nothing is to be decided any more."""
    withdraw_decided(uow, UUID(fact["purchase_id"]))


@sweep(SWEEP, every=timedelta(minutes=1))
def sweep_withdrawals(transact: Transact) -> None:
    """What ended without a word of anybody's: a change that lapsed, a renewal whose subscription is over."""
    settle_each(transact, waiting_in_vain, withdraw_decided)
