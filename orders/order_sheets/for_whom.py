"""The end customers that lines of a sheet may name."""

from __future__ import annotations

from uuid import UUID

from kernel.db.uow import UnitOfWork
from marketplace.end_customers.queries import orderable_end_customers
from orders.order_sheets.sheet_rows import name_key

MOST = 5_000
"""As many as a sheet has lines."""


def end_customers_by_key(uow: UnitOfWork) -> dict[str, list[UUID]]:
    """Those that confirmed the acting organization, by name and by id; a name that several have leads to each of them."""
    found: dict[str, list[UUID]] = {}
    for one in orderable_end_customers(uow, limit=MOST):
        for key in (name_key(one.name), str(one.id)):
            found.setdefault(key, []).append(one.id)
    return found
