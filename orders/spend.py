"""What an organization paid: by month, seller, department, and the member who asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Date, Select, cast, func, select

from billing.refunds.models import Refund
from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.states import state_in
from marketplace.access.models import Person
from marketplace.departments.models import Department
from marketplace.departments.queries import with_parts
from marketplace.parties.lookups import get_party
from orders.checkout.models import Purchase
from orders.customer_list import GIVEN_BACK
from orders.order.models import Order

MONTHS = 12


@dataclass(frozen=True, slots=True)
class SpendRow:
    """Paid in a month of the organization's calendar and not given back since, with tax.

    `asked_by`: the member whose purchases they were; None for those of an API key. `department`: whose spending it is; None
    where none was named.
    """

    month: date
    seller_org_id: UUID
    seller_name: str
    asked_by_id: UUID | None
    asked_by: str | None
    department_id: UUID | None
    department_code: str | None
    department: str | None
    department_en: str | None
    currency: str
    orders: int
    gross_minor: int


def spend(uow: UnitOfWork, *, months: int = MONTHS, department_id: UUID | None = None) -> list[SpendRow]:
    """Of the acting organization, the latest `months` months with the present one, the newest first.

    `department_id`: only of a department with all that is part of it.
    """
    buyer_id = uow.principal.organization()
    zone = get_party(uow, buyer_id).time_zone
    today = clock.today(zone)
    index = today.year * 12 + today.month - months
    first = date(index // 12, index % 12 + 1, 1)
    month = cast(func.date_trunc("month", func.timezone(zone, Order.paid_at)), Date)
    back = (
        select(Refund.reference, func.sum(Refund.amount_minor).label("amount_minor"))
        .where(Refund.buyer_org_id == buyer_id, state_in(Refund.state, *GIVEN_BACK))
        .group_by(Refund.reference)
        .subquery()
    )
    name = func.max(Order.seller_name)
    kept = cast(func.sum(Order.gross_minor - func.coalesce(back.c.amount_minor, 0)), BigInteger)
    asked_by = (Purchase.requested_by, Person.name)
    whose: tuple[Any, ...] = (Department.id, Department.code, Department.name, Department.name_en)
    own = [] if department_id is None else [Purchase.department_id.in_(with_parts(uow, department_id))]
    statement: Select[Any] = (  # the rows' type is the callers' Any
        select(month, Order.seller_org_id, name, *asked_by, *whose, Order.currency, func.count(), kept)
        .join(Purchase, Purchase.id == Order.purchase_id)
        .join(Person, Person.id == Purchase.requested_by, isouter=True)
        .join(
            Department,
            (Department.org_id == Purchase.buyer_org_id) & (Department.id == Purchase.department_id),
            isouter=True,
        )
        .join(back, back.c.reference == Order.id, isouter=True)
        .where(Order.buyer_org_id == buyer_id, Order.paid_at.is_not(None), month >= first, *own)
        .group_by(month, Order.seller_org_id, *asked_by, *whose, Order.currency)
        .order_by(
            month.desc(), Order.currency, kept.desc(), Order.seller_org_id, Department.code, Purchase.requested_by
        )
    )
    rows = uow.session.execute(statement)
    return [SpendRow(*row) for row in rows]
