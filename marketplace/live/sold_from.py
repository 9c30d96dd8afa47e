"""Where in a live session something is bought: what attribution is decided from, and what its live price asks."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.live.access import live_visible_to
from marketplace.live.explain import position_of
from marketplace.live.live_fact import LiveFact
from marketplace.live.models import LiveItem, LiveSession

SHOWN = ("live", "ended")


def find_sold_from(uow: UnitOfWork, session_id: UUID, listing_id: UUID, second_ms: int | None) -> LiveFact | None:
    """The session at that moment, when the principal may see it and its shelf has or had the listing; None otherwise.

    No moment lies after where the session is, or was when it ended. A stream has no film until its recording is named.
    """
    found = (
        select(LiveSession)
        .join(LiveItem, LiveItem.session_id == LiveSession.id)
        .where(
            LiveSession.id == session_id,
            LiveSession.state.in_(SHOWN),
            LiveItem.listing_id == listing_id,
            live_visible_to(uow.principal),
        )
    )
    session = uow.session.scalars(found.limit(1)).first()
    if session is None:
        return None
    reached_ms = position_of(session)
    at_ms = reached_ms if second_ms is None else min(max(second_ms, 0), reached_ms)
    return LiveFact(session.id, session.video_id, session.channel_id, session.org_id, at_ms)
