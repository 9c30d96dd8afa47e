"""Further instalments of a term: each is a row that is charged when it is due, by an order of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped

from kernel import clock
from kernel.calendar import add_months
from kernel.db.base import Base, CreatedAt, Currency, Id, Instant, Minor
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.states import Machine, edges
from orders.order.models import OrderLine, Subscription, SubscriptionTerm
from orders.order.sides import of_both
from orders.order.span import Span

INSTALMENT_STATES = ("scheduled", "asked", "paid", "cancelled")


class Instalment(Base):
    """A part of a term's price that is paid after the first, which the line that sold the term was for."""

    __tablename__ = "instalment"
    __table_args__ = (
        UniqueConstraint("order_line_id", "number"),
        UniqueConstraint("buyer_org_id", "seller_org_id", "id"),
        of_both("subscription_id", "orders.subscription"),
        of_both("order_line_id", "orders.order_line"),
        CheckConstraint(f"state IN {INSTALMENT_STATES}", name="state"),
        CheckConstraint("number BETWEEN 2 AND count", name="number"),
        CheckConstraint("gross_minor = net_minor + tax_minor", name="sum"),
        CheckConstraint("net_minor >= 0 AND tax_minor >= 0 AND gross_minor > 0", name="positive"),
        CheckConstraint("(next_step_at IS NOT NULL) = (state = 'scheduled')", name="next_step"),
        Index("ix_instalment_subscription_id", "subscription_id"),
        Index(
            "ix_instalment_buyer_org_id_due_at", "buyer_org_id", "due_at", postgresql_where=text("state = 'scheduled'")
        ),
        Index("ix_instalment_next_step_at", "next_step_at", postgresql_where=text("next_step_at IS NOT NULL")),
        {"schema": "orders"},
    )
    id: Mapped[Id]
    buyer_org_id: Mapped[UUID]
    seller_org_id: Mapped[UUID]
    subscription_id: Mapped[UUID]
    order_line_id: Mapped[UUID]
    """The line that sold the term, whose own money is the first instalment."""
    number: Mapped[int]
    count: Mapped[int]
    """In how many the term is paid."""
    due_at: Mapped[Instant]
    ends_at: Mapped[Instant]
    """The end of the part of the term that it is for: when the next one is due, of the last one the term's."""
    net_minor: Mapped[Minor]
    tax_minor: Mapped[Minor]
    gross_minor: Mapped[Minor]
    currency: Mapped[Currency]
    state: Mapped[str]
    next_step_at: Mapped[Instant | None]
    """When it is told of, then charged; None once it is neither any more."""
    created_at: Mapped[CreatedAt]

    @property
    def parties(self) -> list[UUID]:
        """Both sides, for history rows."""
        return [self.buyer_org_id, self.seller_org_id]


INSTALMENT = Machine(
    "instalment",
    initial="scheduled",
    edges=edges(
        scheduled="asked cancelled",
        asked="paid cancelled",
        # Its money went back.
        paid="cancelled",
        cancelled="",
    ),
)


NOTICED_BEFORE = timedelta(days=7)
"""So long before it is due whoever pays an instalment is told."""
CLOSE_INSTALMENT = "orders.instalments.close"
"""The job by which the order of a cancelled instalment is closed, or its money given back."""


def schedule_instalments(
    uow: UnitOfWork, subscription: Subscription, term: SubscriptionTerm, line: OrderLine, time_zone: str
) -> None:
    """Write down when the further instalments of a term that has just been added are due, as its line was sold.

    They follow the beginning of the term by whole months, on the day of month of the subscription.
    """
    parts = line.plan.get("instalments") or []
    due = [
        add_months(term.starts_at, part["after_months"], time_zone=time_zone, anchor_day=subscription.anchor_day)
        for part in parts
    ]
    for index, part in enumerate(parts[1:], 1):
        row = Instalment(
            id=uuid7(),
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            subscription_id=subscription.id,
            order_line_id=line.id,
            number=part["number"],
            count=len(parts),
            due_at=due[index],
            ends_at=due[index + 1] if index + 1 < len(parts) else term.ends_at,
            net_minor=part["net_minor"],
            tax_minor=part["tax_minor"],
            gross_minor=part["gross_minor"],
            currency=line.currency,
            next_step_at=due[index] - NOTICED_BEFORE,
            created_at=clock.now(),
        )
        INSTALMENT.begin(uow, row, org_ids=row.parties)
        uow.add(row)


def cancel_instalments(
    uow: UnitOfWork, which: ColumnElement[bool], states: Sequence[str] = ("scheduled", "asked")
) -> None:
    """Nobody is asked for these any more: their subscription is locked and over, or their term's money goes back.

    An order that waits for its money is closed, one that was paid (where `states` names it) given back: each by a job, as its
    purchase is locked before the subscription is. Locks: the instalments. Idempotent by the state.
    """
    found = select(Instalment).where(which, Instalment.state.in_(states)).order_by(Instalment.id).with_for_update()
    for row in uow.session.scalars(found).all():
        had_order = row.state != "scheduled"
        INSTALMENT.move(uow, row, "cancelled", org_ids=row.parties)
        row.next_step_at = None
        if had_order:
            enqueue(uow, CLOSE_INSTALMENT, {"instalment_id": str(row.id)}, dedupe_key=str(row.id))


def instalments_of_line(uow: UnitOfWork, order_line_id: UUID) -> Sequence[Instalment]:
    """The further instalments of the term that a line sold, the next one first."""
    found = select(Instalment).where(Instalment.order_line_id == order_line_id)
    return uow.session.scalars(found.order_by(Instalment.number)).all()


def paid_part(line: OrderLine, term: SubscriptionTerm, subscription: Subscription, time_zone: str) -> Span:
    """The time that a line's own money is for: the term, or the first part of it where that is paid in instalments."""
    parts = line.plan.get("instalments")
    if not parts:
        return Span(term.starts_at, term.ends_at)
    months = parts[1]["after_months"]
    ends_at = add_months(term.starts_at, months, time_zone=time_zone, anchor_day=subscription.anchor_day)
    return Span(term.starts_at, ends_at)


def whole_minor(line: OrderLine, name: str) -> int:
    """An amount of a line (`discount`, `list`) for its whole term, where that is paid in instalments."""
    parts = line.plan.get("instalments")
    return sum(part[f"{name}_minor"] for part in parts) if parts else int(getattr(line, f"{name}_minor"))
