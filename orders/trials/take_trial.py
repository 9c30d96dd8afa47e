"""One trial for each organization and listing, before it is bought: taken with its order, free again where it never began."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select

from kernel import clock
from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from orders.order.models import Order, OrderLine
from orders.trials.models import Trial

PAID = ("paid", "fulfilling", "active", "completed")
"""States of an order whose buyer has paid, and not had it back."""
_TRIED = Read(
    select(Trial.id).where(
        Trial.buyer_org_id == bindparam("buyer_org_id"),
        Trial.listing_id == bindparam("listing_id"),
        Trial.released_at.is_(None),
    )
)
_BOUGHT = Read(
    select(OrderLine.id)
    .join(Order, Order.id == OrderLine.order_id)
    .where(
        Order.buyer_org_id == bindparam("buyer_org_id"),
        OrderLine.listing_id == bindparam("listing_id"),
        OrderLine.gross_minor > 0,
        or_(*(Order.state == state for state in PAID)),
    )
    .limit(1)
)


def require_untried(uow: UnitOfWork, buyer_org_id: UUID, listing_id: UUID) -> None:
    """Raises Conflict `trial_used` as of `has_tried`."""
    if has_tried(uow, buyer_org_id, listing_id):
        raise Conflict("trial_used")


def has_tried(uow: UnitOfWork, buyer_org_id: UUID, listing_id: UUID) -> bool:
    """Whether the organization has tried the listing, is about to, or pays for it."""
    asked = {"buyer_org_id": buyer_org_id, "listing_id": listing_id}
    return uow.find(_TRIED, **asked) is not None or uow.find(_BOUGHT, **asked) is not None


def take_trial(
    uow: UnitOfWork,
    line: OrderLine,
    *,
    days: int,
    converts: bool,
    full_line: dict[str, Any],
    invoice_party: dict[str, Any],
) -> Trial:
    """Take the trial of a line that was just placed. Of two at once the database admits one: Conflict `trial_used`."""
    return uow.add(
        Trial(
            id=uuid7(),
            buyer_org_id=line.buyer_org_id,
            seller_org_id=line.seller_org_id,
            order_line_id=line.id,
            listing_id=line.listing_id,
            days=days,
            converts=converts,
            full_line=full_line,
            invoice_party=invoice_party,
            extended_days=None,
            released_at=None,
            created_at=clock.now(),
        )
    )


def release_trials(uow: UnitOfWork, order_ids: Sequence[UUID]) -> None:
    """Locked orders came to nothing before anything of them was delivered: what they were to try may be tried again."""
    lines = select(OrderLine.id).where(OrderLine.order_id.in_(order_ids))
    for trial in uow.session.scalars(select(Trial).where(Trial.order_line_id.in_(lines), Trial.released_at.is_(None))):
        trial.released_at = clock.now()


def trial_of_line(uow: UnitOfWork, line_id: UUID, *, locked: bool = False) -> Trial | None:
    """The trial that a line began, if it did. Locks: the trial, when `locked`."""
    found = select(Trial).where(Trial.order_line_id == line_id)
    return uow.session.scalar(found.with_for_update() if locked else found)
