"""What a headquarters reads of a subsidiary's orders and use, by the rights that this one gives it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fulfillment.entitlements.queries import entitlements_of_buyer
from kernel.db.uow import UnitOfWork
from kernel.paging import Page
from marketplace.groups.rights import reading_of_member
from orders.queries import list_orders


@dataclass(frozen=True, slots=True)
class GroupOrderRow:
    """An order of a subsidiary."""

    id: UUID
    number: str
    seller_name: str
    titles: list[str]
    titles_en: list[str]
    state: str
    currency: str
    gross_minor: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class GroupUseRow:
    """What a subsidiary bought itself and uses."""

    entitlement_id: UUID
    seller_name: str
    title: str
    title_en: str
    state: str
    seats: int
    seats_used: int
    valid_to: datetime | None


def orders_of_member(
    uow: UnitOfWork, membership_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[GroupOrderRow]:
    """The newest first. Raises: as `reading_of_member` with `see_orders`."""
    with reading_of_member(uow, membership_id, "see_orders"):
        found = list_orders(uow, cursor=cursor, limit=limit)
    rows = [
        GroupOrderRow(
            id=one.id,
            number=one.number,
            seller_name=one.seller_name,
            titles=[line.title for line in one.lines],
            titles_en=[line.title_en for line in one.lines],
            state=one.state,
            currency=one.currency,
            gross_minor=one.gross_minor,
            created_at=one.created_at,
        )
        for one in found.items
    ]
    return Page(rows, found.next_cursor)


def used_by_member(
    uow: UnitOfWork, membership_id: UUID, *, cursor: str | None = None, limit: int = 20
) -> Page[GroupUseRow]:
    """The newest first. Raises: as `reading_of_member` with `see_usage`."""
    with reading_of_member(uow, membership_id, "see_usage"):
        found = entitlements_of_buyer(uow, cursor=cursor, limit=limit)
    rows = [
        GroupUseRow(
            one.id,
            one.seller_name,
            one.title,
            one.title_en,
            one.state_now,
            one.seats,
            one.seats_used,
            one.valid_to,
        )
        for one in found.items
    ]
    return Page(rows, found.next_cursor)
