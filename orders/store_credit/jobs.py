"""What follows by itself on credit that is to be paid back."""

from __future__ import annotations

from uuid import UUID

from billing.incidents.events import IncidentClosed
from billing.store_credit.move_credit import pay_credit_back, settle_paid_back
from kernel.db.uow import UnitOfWork
from kernel.jobs.kinds import Payload, follows, job
from orders.store_credit.pay_back import PAY_BACK


@job(PAY_BACK)
def pay_back(uow: UnitOfWork, asked: Payload) -> None:
    """It leaves the balance, and an operator has to pay it."""
    pay_credit_back(uow, UUID(asked["credit_id"]), int(asked["amount_minor"]))


@follows(IncidentClosed)
def credit_paid_back(uow: UnitOfWork, fact: Payload) -> None:
    """Who closed its incident has paid the buyer."""
    if fact["kind"] == "credit_paid_back":
        settle_paid_back(uow, UUID(fact["about_id"]))
