"""Which order asked money for which period of usage."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from orders.order.models import Order


@dataclass(frozen=True, slots=True)
class PeriodOrder:
    """The order of a period, and how far it is. `gross_minor`: with tax."""

    period_id: UUID
    order_id: UUID
    number: str
    state: str
    gross_minor: int
    currency: str

    @property
    def shown_state(self) -> str:
        """Nothing of what was used is still to be given: what is active is complete."""
        return shown_state(self.state)


def shown_state(state: str) -> str:
    """The state of an order for usage, as people are told."""
    return "completed" if state == "active" else state


def orders_of_periods(uow: UnitOfWork, period_ids: Collection[UUID]) -> dict[UUID, PeriodOrder]:
    """By period, of those that the acting organization bought or sold; what costs nothing has none."""
    if not period_ids:
        return {}
    rows = uow.session.scalars(select(Order).where(Order.usage_period_id.in_(period_ids)))
    return {
        row.usage_period_id: PeriodOrder(
            row.usage_period_id, row.id, row.number, row.state, row.gross_minor, row.currency.strip()
        )
        for row in rows
        if row.usage_period_id is not None and uow.principal.org_id in row.parties
    }
