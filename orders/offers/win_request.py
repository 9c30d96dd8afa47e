"""What was offered on a request is paid for: the request is won."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.leads.messages import win_lead
from orders.offers.make_offer import withdraw_offered


def win_request(uow: UnitOfWork, lead_id: UUID) -> None:
    """Nothing else that was offered on it waits for anybody any more. Locks: the lead, then its offers."""
    win_lead(uow, lead_id)
    withdraw_offered(uow, lead_id)
