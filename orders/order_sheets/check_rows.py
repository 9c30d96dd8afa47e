"""What is wrong with each line of a sheet, and what the others order together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from kernel.errors import Invalid
from marketplace.pricing.engine import check_seats
from marketplace.pricing.order_quantities import require_quantity
from marketplace.pricing.shapes import MAX_SEATS
from orders.order_sheets.orderable import OrderablePlan
from orders.order_sheets.sheet_rows import Column, RowFault, SheetRow


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A line, the plan that it means where that is clear, how many, and what is wrong. A line that is left out is never wrong."""

    row: SheetRow
    plan: OrderablePlan | None
    quantity: int | None
    faults: tuple[RowFault, ...] = ()


@dataclass(frozen=True, slots=True)
class CheckedSheet:
    """All lines, and of those that are right what they order: how many of each plan, in the order in which they are named."""

    rows: tuple[CheckedRow, ...]
    totals: Mapping[UUID, int]
    plans: Mapping[UUID, OrderablePlan]

    @property
    def wrong(self) -> int:
        """How many lines are wrong."""
        return sum(bool(one.faults) for one in self.rows)


def check_rows(rows: Sequence[SheetRow], known: Mapping[str, Sequence[OrderablePlan]], buyer_id: UUID) -> CheckedSheet:
    """Every line, each by itself and all of a plan together: in what numbers it is ordered holds for their sum."""
    seen: dict[tuple[UUID, str], int] = {}
    checked = [_checked(row, known, buyer_id, seen) for row in rows]
    totals: dict[UUID, int] = {}
    last: dict[UUID, int] = {}
    plans: dict[UUID, OrderablePlan] = {}
    for at, one in enumerate(checked):
        if one.row.left_out or one.faults or one.plan is None or one.quantity is None:
            continue
        plan_id = one.plan.plan_id
        totals[plan_id] = totals.get(plan_id, 0) + one.quantity
        last[plan_id], plans[plan_id] = at, one.plan
    for plan_id, total in totals.items():
        fault = _of_sum(plans[plan_id], total)
        if fault is not None:
            at = last[plan_id]
            checked[at] = CheckedRow(checked[at].row, checked[at].plan, checked[at].quantity, (fault,))
    return CheckedSheet(tuple(checked), totals, plans)


def _checked(
    row: SheetRow,
    known: Mapping[str, Sequence[OrderablePlan]],
    buyer_id: UUID,
    seen: dict[tuple[UUID, str], int],
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
        first = seen.setdefault((plan.plan_id, row.note.casefold()), row.number)
        if first != row.number:
            wrong("code", "order_line_twice", row=first)
    if row.whole is None:
        wrong("quantity", "order_line_quantity", most=MAX_SEATS)
    return CheckedRow(row, plan, row.whole, tuple(faults))


def _of_sum(plan: OrderablePlan, total: int) -> RowFault | None:
    try:
        check_seats(plan.listed, total)
        require_quantity(plan.ordered, total)
    except Invalid as refused:
        return RowFault("quantity", refused.code, {**refused.params, "total": total})
    return None
