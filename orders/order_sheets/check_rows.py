"""What is wrong with each line of a sheet, and what the others order together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from kernel.errors import DomainError, Invalid
from marketplace.pricing.engine import check_seats
from marketplace.pricing.order_quantities import require_quantity
from marketplace.pricing.shapes import MAX_SEATS
from orders.order_sheets.orderable import OrderablePlan
from orders.order_sheets.sheet_rows import Column, RowFault, SheetRow, name_key


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A line, the plan that it means where that is clear, how many, and what is wrong. A line that is left out is never wrong."""

    row: SheetRow
    plan: OrderablePlan | None
    quantity: int | None
    faults: tuple[RowFault, ...] = ()
    end_customer_id: UUID | None = None
    """For whom it is ordered, where that is clear; None: for the buyer itself."""


Ordered = tuple[UUID, UUID | None]
"""A plan, and the end customer that it is ordered for."""
Customers = Mapping[str, Sequence[UUID]]
"""For whom the buyer may order, by `name_key`, and by id."""
Unfit = Callable[[OrderablePlan, UUID], DomainError | None]
"""Why a plan may not be ordered for an end customer."""


@dataclass(frozen=True, slots=True)
class CheckedSheet:
    """All lines, and of those that are right what they order: how many of each plan for each end customer, in the order in
    which they are named.
    """

    rows: tuple[CheckedRow, ...]
    totals: Mapping[Ordered, int]
    plans: Mapping[UUID, OrderablePlan]

    @property
    def wrong(self) -> int:
        """How many lines are wrong."""
        return sum(bool(one.faults) for one in self.rows)


def check_rows(
    rows: Sequence[SheetRow],
    known: Mapping[str, Sequence[OrderablePlan]],
    buyer_id: UUID,
    customers: Customers | None = None,
    unfit: Unfit | None = None,
) -> CheckedSheet:
    """Every line, each by itself and all of a plan for one end customer together: in what numbers it is ordered holds for their
    sum.
    """
    seen: dict[tuple[UUID, str, str], int] = {}
    checked = [_checked(row, known, buyer_id, seen, customers or {}, unfit) for row in rows]
    totals: dict[Ordered, int] = {}
    last: dict[Ordered, int] = {}
    plans: dict[UUID, OrderablePlan] = {}
    for at, one in enumerate(checked):
        if one.row.left_out or one.faults or one.plan is None or one.quantity is None:
            continue
        ordered = (one.plan.plan_id, one.end_customer_id)
        totals[ordered] = totals.get(ordered, 0) + one.quantity
        last[ordered], plans[one.plan.plan_id] = at, one.plan
    for ordered, total in totals.items():
        fault = _of_sum(plans[ordered[0]], total)
        if fault is not None:
            checked[last[ordered]] = replace(checked[last[ordered]], faults=(fault,))
    return CheckedSheet(tuple(checked), totals, plans)


def _checked(
    row: SheetRow,
    known: Mapping[str, Sequence[OrderablePlan]],
    buyer_id: UUID,
    seen: dict[tuple[UUID, str, str], int],
    customers: Customers,
    unfit: Unfit | None,
) -> CheckedRow:
    means = known.get(row.key, ()) if row.code else ()
    plan = means[0] if len(means) == 1 else None
    if row.left_out:
        return CheckedRow(row, plan, row.whole)
    faults: list[RowFault] = []

    def wrong(column: Column, code: str, **params: object) -> None:
        faults.append(RowFault(column, code, dict(params)))

    if not row.code:
        wrong("code", "order_line_code_missing")
    elif not means:
        wrong("code", "order_line_code_unknown", written=row.code)
    elif plan is None:
        wrong("code", "order_line_code_ambiguous", written=row.code, codes=" / ".join(one.code for one in means[:3]))
    elif plan.seller_org_id == buyer_id:
        wrong("code", "own_listing")
    else:
        first = seen.setdefault((plan.plan_id, row.note.casefold(), name_key(row.end_customer)), row.number)
        if first != row.number:
            wrong("code", "order_line_twice", row=first)
    if row.whole is None:
        wrong("quantity", "order_line_quantity", most=MAX_SEATS)
    users = customers.get(name_key(row.end_customer), ()) if row.end_customer else ()
    if row.end_customer and len(users) != 1:
        fault = "order_line_end_customer_ambiguous" if users else "order_line_end_customer_unknown"
        wrong("end_customer", fault, written=row.end_customer)
    elif users and plan is not None and unfit is not None and (refusal := unfit(plan, users[0])):
        wrong("end_customer", refusal.code, **refusal.params)
    return CheckedRow(row, plan, row.whole, tuple(faults), users[0] if len(users) == 1 else None)


def _of_sum(plan: OrderablePlan, total: int) -> RowFault | None:
    try:
        check_seats(plan.listed, total)
        require_quantity(plan.ordered, total)
    except Invalid as refused:
        return RowFault("quantity", refused.code, {**refused.params, "total": total})
    return None
