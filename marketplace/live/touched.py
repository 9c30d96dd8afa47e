"""What viewers of live rooms touched, as touchpoints are recorded of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.live.access import live_visible_to
from marketplace.live.explain import position_of
from marketplace.live.models import LiveItem, LiveSession
from marketplace.live.sold_from import SHOWN


@dataclass(frozen=True, slots=True)
class TouchedItem:
    """An item of a shelf: in whose room, of which host, and how far that session is or was."""

    session_id: UUID
    host_org_id: UUID
    reached_ms: int


def find_touched(uow: UnitOfWork, item_ids: Collection[UUID]) -> dict[UUID, TouchedItem]:
    """Items that are or were on the shelf of a session that has begun and that the principal may see."""
    if not item_ids:
        return {}
    rows = uow.session.execute(
        select(LiveItem.id, LiveSession)
        .join(LiveSession, LiveSession.id == LiveItem.session_id)
        .where(LiveItem.id.in_(sorted(item_ids)), LiveSession.state.in_(SHOWN), live_visible_to(uow.principal))
    )
    return {item_id: TouchedItem(session.id, session.org_id, position_of(session)) for item_id, session in rows}
