"""How far an order is, for the buyer who watches: the same answer for the page, the JSON and the event stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from billing.payments.models import Payment
from billing.payments.queries import latest_payment
from fulfillment.entitlements.models import Entitlement
from fulfillment.entitlements.validity import in_force
from fulfillment.runs.models import Run
from kernel.db.uow import UnitOfWork
from orders import queries
from orders.order.models import Order, OrderLine
from orders.order.views import OrderView

FINAL = frozenset({"active", "completed", "refunded", "rejected", "expired", "cancelled"})
STEPS = {
    "placed": "",
    "approved": "pending_payment",
    "paid": "paid",
    "delivering": "fulfilling",
    "active": "active",
}
"""The steps in their order, each with the state that says when it was reached; placed it is from the beginning."""
REACHED = {
    "pending_approval": 1,
    "pending_payment": 2,
    "paid": 3,
    "fulfilling": 4,
    "delivery_failed": 4,
    "active": 5,
    "completed": 5,
}
"""How many steps lie behind an order in each state."""


@dataclass(frozen=True, slots=True)
class ProgressStep:
    """One step of the way. `state`: done, current, waiting or failed."""

    key: str
    state: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class LineProgress:
    """How far the delivery of one line is. `launch_url` once its product can be opened, as long as it may be used."""

    order_line_id: UUID
    entitlement_id: UUID
    state: str
    percent: int
    message: str | None
    message_en: str | None
    launch_url: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an order is. `percent` is the seller's own figure while delivering, else 0 or 100; of several lines that of the
    slowest. `launch_url` is that of the only line: of several each has its own.

    `payment_id`, `payment_state`, `payment_error` (the gateway's reason) and `next_action` (what the payer has to do) are
    those of the latest payment while one is awaited.
    """

    order_id: UUID
    state: str
    percent: int
    message: str | None
    message_en: str | None
    launch_url: str | None
    failure: str | None
    steps: tuple[ProgressStep, ...]
    lines: tuple[LineProgress, ...]
    """Those whose delivery has begun, the slowest first."""
    payment_id: UUID | None
    payment_state: str | None
    payment_error: str | None
    next_action: Mapping[str, str] | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in FINAL


def progress_of(uow: UnitOfWork, order_id: UUID) -> Progress:
    """The progress of an order of the acting buyer. Raises NotFound."""
    order = queries.get_order(uow, order_id)
    rows = uow.session.execute(
        select(
            Run.percent,
            Run.message,
            Run.message_en,
            Run.state,
            case((in_force() & Entitlement.end_customer_id.is_(None), Entitlement.launch_url)).label("launch_url"),
            Entitlement.id.label("entitlement_id"),
            Entitlement.reference,
        )
        .join(Entitlement, Entitlement.id == Run.entitlement_id)
        .where(Entitlement.reference.in_([line.id for line in order.lines]), Run.operation == "provision")
        .order_by(Run.percent, Run.id)
    ).all()
    # Several lines: the slowest one says how far the order is.
    slowest = rows[0] if rows else None
    payment = latest_payment(uow, order.purchase_id) if order.state == "pending_payment" else None
    return Progress(
        order_id=order.id,
        state=order.state,
        percent=slowest.percent if slowest else 0,
        message=slowest.message if slowest else None,
        message_en=slowest.message_en if slowest else None,
        launch_url=rows[0].launch_url if len(rows) == 1 else None,
        failure=order.failure,
        steps=_steps(uow, order),
        lines=tuple(
            LineProgress(
                row.reference,
                row.entitlement_id,
                row.state,
                row.percent,
                row.message,
                row.message_en,
                row.launch_url,
            )
            for row in rows
        ),
        payment_id=payment.id if payment else None,
        payment_state=payment.state if payment else None,
        payment_error=payment.error_code if payment else None,
        next_action=payment.next_action if payment else None,
    )


def progress_marks(uow: UnitOfWork, order_ids: Sequence[UUID]) -> dict[UUID, str]:
    """For each order a text that changes whenever its progress does, in one statement. For watching, not for reading.

    Platform only: it starts from the orders alone, not from what somebody may see.
    """
    runs = (
        select(func.string_agg(_run_mark(), aggregate_order_by(literal(";"), Run.id)))
        .join(Entitlement, Entitlement.id == Run.entitlement_id)
        .join(OrderLine, OrderLine.id == Entitlement.reference)
        .where(OrderLine.order_id == Order.id, Run.operation == "provision")
        .correlate(Order)
        .scalar_subquery()
    )
    payment = (
        select(func.concat_ws("|", Payment.id, Payment.state, Payment.error_code))
        .where(Payment.reference == Order.purchase_id)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
        .correlate(Order)
        .scalar_subquery()
    )
    mark = func.concat_ws("|", Order.state, Order.failure, payment, runs)
    rows = uow.session.execute(select(Order.id, mark).where(Order.id.in_(order_ids)))
    return {order_id: str(found) for order_id, found in rows}


def _run_mark() -> ColumnElement[str]:
    return func.concat_ws("|", Run.state, Run.percent, Run.message, Run.message_en, Entitlement.launch_url)


def _steps(uow: UnitOfWork, order: OrderView) -> tuple[ProgressStep, ...]:
    times: dict[str, datetime] = {STEPS["placed"]: order.created_at}
    approval_needed = False
    for step in queries.steps_of(uow, [order.id], since=order.created_at):
        times.setdefault(step.to_state, step.at)
        approval_needed = approval_needed or step.to_state == "pending_approval"
    reached = REACHED.get(order.state, _reached_before(times))
    failed = order.state in {"delivery_failed", "refunded", "rejected", "expired", "cancelled"}
    found = []
    for position, key in enumerate(STEPS):
        if (key == "approved" and not approval_needed) or (key == "paid" and not order.gross_minor):
            # Nothing is paid for what is free, as a trial is.
            continue
        state = "done" if position < reached else "current" if position == reached else "waiting"
        if failed and state != "done":
            state = "failed" if state == "current" else "waiting"
        found.append(ProgressStep(key, state, times.get(STEPS[key]) if state == "done" else None))
    return tuple(found)


def _reached_before(times: dict[str, datetime]) -> int:
    return max((REACHED[state] for state in times if state in REACHED), default=0)
