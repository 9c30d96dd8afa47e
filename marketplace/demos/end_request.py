"""A request that ends gives its time free."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.demos.book_demo import cancel_demo
from marketplace.halls.exchange_badge import revoke_badges_of
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead, plan_lead, withdraw_lead


def withdraw_request(uow: UnitOfWork, lead_id: UUID) -> Lead:
    """As `withdraw_lead`, with the demo that was booked for it, and the badges that were given with it."""
    cancel_demo(uow, lead_id)
    lead = withdraw_lead(uow, lead_id)
    revoke_badges_of(uow, lead.id)
    return lead


def plan_request(uow: UnitOfWork, command: PlanLead) -> Lead:
    """As `plan_lead`; what is lost needs no demo."""
    if command.state == "lost":
        cancel_demo(uow, command.lead_id)
    return plan_lead(uow, command)
