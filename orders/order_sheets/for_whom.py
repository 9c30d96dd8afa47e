"""The end customers that lines of a sheet may name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError
from marketplace.end_customers.queries import orderable_end_customers
from orders.checkout.end_customers import read_resale
from orders.order_sheets.check_rows import Customers, Unfit
from orders.order_sheets.orderable import OrderablePlan
from orders.order_sheets.sheet_rows import SheetRow, name_key

MOST = 5_000
"""As many as a sheet has lines."""


def end_customers_by_key(uow: UnitOfWork) -> dict[str, list[UUID]]:
    """Those that confirmed the acting organization, by name and by id; a name that several have leads to each of them."""
    found: dict[str, list[UUID]] = {}
    for one in orderable_end_customers(uow, limit=MOST):
        for key in (name_key(one.name), str(one.id)):
            found.setdefault(key, []).append(one.id)
    return found


def unfit_for(uow: UnitOfWork, rows: Iterable[SheetRow], plans: Sequence[OrderablePlan], customers: Customers) -> Unfit:
    """What refuses a line as its quote would (`orders.checkout.end_customers`); four statements, however many lines there are."""
    named = {one for row in rows if row.end_customer for one in customers.get(name_key(row.end_customer), ())}
    resale = read_resale(uow, named, {plan.seller_org_id for plan in plans})

    def refusal(plan: OrderablePlan, end_customer_id: UUID) -> DomainError | None:
        return resale.refusal(
            end_customer_id,
            seller_id=plan.seller_org_id,
            seller_name=plan.seller_name,
            listing_id=plan.listing_id,
            kind=plan.kind,
        )

    return refusal
