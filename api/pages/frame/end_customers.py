"""For whom a dealer orders, in words and as a choice."""

from __future__ import annotations

from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from kernel.db.uow import UnitOfWork
from marketplace.end_customers.queries import orderable_end_customers
from orders.order.line_end_customer import LineEndCustomer


def end_customer_parts(page_request: PageRequest, said: LineEndCustomer | None) -> tuple[str, ...]:
    """Of a line that is ordered for another organization: for which."""
    return (page_request.t("end_customers.for", name=said.name),) if said is not None else ()


def end_customer_choices(uow: UnitOfWork) -> tuple[Choice, ...]:
    """For whom the acting organization may order."""
    return tuple(Choice(str(one.id), one.name) for one in orderable_end_customers(uow))
