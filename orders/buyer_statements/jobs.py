"""Months of buyers that are over are closed by themselves, each organization's in their order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, cast, func, literal_column, select

from billing.invoices.models import Invoice
from billing.payments.models import Payment
from billing.refunds.models import EFFECTIVE, Refund
from kernel import clock
from kernel.db.uow import Transact, UnitOfWork
from kernel.jobs.kinds import sweep
from kernel.jobs.settle_each import settle_each
from kernel.signing import TokenSigner
from marketplace.parties.models import Organization
from marketplace.test_clocks.own_time import lives_now
from orders.buyer_statements.close_month import close_month_of
from orders.buyer_statements.models import BuyerStatement
from orders.order.models import Order

SWEEP_STATEMENTS: Final = "orders.buyer_statements.sweep"
CLOSES_AFTER: Final = timedelta(days=1)
"""After a month's end: its last deliveries are invoiced by then, and what gateways took is known."""
AT_ONCE: Final = 100
ROUNDS: Final = 24
"""Most months that one sweep closes of one organization."""


def register(signer: TokenSigner) -> None:
    """Register the sweep; `signer` signs what it closes."""

    @sweep(SWEEP_STATEMENTS, every=timedelta(hours=1))
    def sweep_buyer_statements(transact: Transact) -> None:
        def close(uow: UnitOfWork, due: tuple[UUID, date]) -> UUID:
            return close_month_of(uow, due[0], due[1], signer).id

        for _ in range(ROUNDS):
            if not settle_each(transact, months_to_close, close):
                break


def months_to_close(uow: UnitOfWork) -> Sequence[tuple[UUID, date]]:
    """Of each organization that bought anything the first month with facts after its last statement, if that is over."""
    zone = Organization.time_zone
    ends = func.timezone(zone, func.date_trunc("month", func.timezone(zone, clock.now() - CLOSES_AFTER)))
    last = select(func.max(BuyerStatement.month)).where(BuyerStatement.buyer_org_id == Organization.id)
    after = cast(last.correlate(Organization).scalar_subquery(), DateTime) + literal_column("interval '1 month'")
    begins = func.coalesce(func.timezone(zone, after), func.to_timestamp(0))
    facts = (
        (Order.created_at, Order.buyer_org_id == Organization.id),
        (Payment.captured_at, Payment.payer_org_id == Organization.id),
        (Refund.ended_at, (Refund.buyer_org_id == Organization.id) & Refund.state.in_(EFFECTIVE)),
        (Invoice.issued_at, (Invoice.buyer_org_id == Organization.id) & (Invoice.kind != "commission_invoice")),
    )
    first = func.least(*(_first(at, whose, begins, ends) for at, whose in facts))
    month = func.date_trunc("month", func.timezone(zone, first)).label("month")
    has_bought = select(Order.id).where(Order.buyer_org_id == Organization.id).exists()
    found = uow.session.execute(
        select(Organization.id, month)
        .where(has_bought, begins < ends, lives_now(Organization.id), first.is_not(None))
        .order_by(month, Organization.id)
        .limit(AT_ONCE)
    )
    return [(org_id, at.date()) for org_id, at in found]


def _first(at: Any, whose: ColumnElement[bool], begins: Any, ends: Any) -> Any:
    return select(func.min(at)).where(whose, at >= begins, at < ends).correlate(Organization).scalar_subquery()
