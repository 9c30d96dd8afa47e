"""The shelf of a session: plans that are on sale, in their order. What may be put on a card may be put there."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from marketplace.catalog.models import Listing, Plan
from marketplace.live.access import lock_own_session
from marketplace.live.explain import is_on_sale, position_of
from marketplace.live.models import LiveExplanation, LiveItem, LiveSession

MAX_ITEMS = 50
_OPEN = ("scheduled", "live")


def add_item(uow: UnitOfWork, session_id: UUID, plan_id: UUID) -> LiveItem:
    """Put a published plan at the end of the shelf, one's own or what somebody else sells.

    Raises:
        NotFound: `live_session_not_found`, `plan_not_found`.
        Conflict: `live_session_over`, `live_item_not_on_sale`, `live_item_there`, `live_shelf_full`.

    Locks: the session.
    """
    session = _open_session(uow, session_id)
    plan = uow.session.scalar(select(Plan).where(Plan.id == plan_id, Plan.published_at.is_not(None)))
    listing = uow.session.get(Listing, plan.listing_id) if plan is not None else None
    if plan is None or listing is None:
        raise NotFound("plan_not_found")
    if not is_on_sale(uow, session, plan.id):
        raise Conflict("live_item_not_on_sale")
    items = shelf_of(uow, session.id)
    if len(items) >= MAX_ITEMS:
        raise Conflict("live_shelf_full", most=MAX_ITEMS)
    item = LiveItem(
        id=uuid7(),
        org_id=session.org_id,
        session_id=session.id,
        seller_org_id=plan.org_id,
        listing_id=plan.listing_id,
        plan_id=plan.id,
        position=max((one.position for one in items), default=0) + 1,
        removed_at=None,
        created_at=clock.now(),
    )
    uow.session.add(item)
    session.sequence += 1
    uow.flush()
    return item


def remove_item(uow: UnitOfWork, session_id: UUID, item_id: UUID) -> None:
    """Take an item off the shelf; if it is being explained, that ends. Taken off already, nothing changes.

    Raises: NotFound `live_session_not_found`, `live_item_not_found`; Conflict `live_session_over`. Locks: the session.
    """
    session = _open_session(uow, session_id)
    item = uow.session.get(LiveItem, item_id)
    if item is None or item.session_id != session.id:
        raise NotFound("live_item_not_found")
    if item.removed_at is not None:
        return
    item.removed_at = clock.now()
    being = select(LiveExplanation).where(LiveExplanation.item_id == item.id, LiveExplanation.to_ms.is_(None))
    explained = uow.session.scalar(being)
    if explained is not None:
        explained.to_ms = max(explained.from_ms, position_of(session))
    session.sequence += 1
    uow.flush()


def order_items(uow: UnitOfWork, session_id: UUID, item_ids: Sequence[UUID]) -> None:
    """Let the shelf have this order; `item_ids` are all that is on it.

    Raises: NotFound `live_session_not_found`; Invalid `live_order_differs`; Conflict `live_session_over`. Locks: the session.
    """
    session = _open_session(uow, session_id)
    items = {one.id: one for one in shelf_of(uow, session.id)}
    if sorted(item_ids) != sorted(items):
        raise Invalid("live_order_differs", field="item_ids")
    for position, item_id in enumerate(item_ids, 1):
        items[item_id].position = position
    session.sequence += 1
    uow.flush()


def shelf_of(uow: UnitOfWork, session_id: UUID) -> list[LiveItem]:
    """What is on a shelf, in its order."""
    found = select(LiveItem).where(LiveItem.session_id == session_id, LiveItem.removed_at.is_(None))
    return list(uow.session.scalars(found.order_by(LiveItem.position, LiveItem.id)))


def _open_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    session = lock_own_session(uow, session_id)
    if session.state not in _OPEN:
        raise Conflict("live_session_over")
    return session
