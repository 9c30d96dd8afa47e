"""A session begins, ends and is cancelled: by its host, or by the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select

from kernel import clock
from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.jobs.outbox import emit
from kernel.states import state_in
from marketplace.live.access import lock_own_session
from marketplace.live.events import LiveCancelled, LiveStarted, LiveStartsSoon
from marketplace.live.explain import close_explanation
from marketplace.live.film import PLAYABLE, require_film
from marketplace.live.models import LIVE_SESSION, LiveSession
from marketplace.videos.models import Video

SOON = timedelta(minutes=15)
"""How long before its start those who asked are told."""
MISSED = timedelta(hours=24)
"""A session that nobody began for so long is cancelled."""
_AT_ONCE = 100


def start_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """Begin now, whenever it was announced for. It runs already: nothing changes.

    Raises:
        NotFound: `live_session_not_found`. Conflict: `invalid_transition`: it is over; `channel_is_live`; as `require_film`.

    Emits: LiveStarted. Locks: the session.
    """
    session = lock_own_session(uow, session_id)
    if session.state == "live":
        return session
    lasts_ms = session.stream_ms if session.stream_ms is not None else require_film(uow, session).duration_ms
    session.started_at = clock.now()
    session.ends_at = session.started_at + timedelta(milliseconds=lasts_ms or 0)
    LIVE_SESSION.move(uow, session, "live", org_ids=[session.org_id])
    session.sequence += 1
    emit(uow, LiveStarted(session_id=session.id, org_id=session.org_id))
    uow.flush()
    return session


def end_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """End before its film does. It ended already: nothing changes.

    Raises: NotFound `live_session_not_found`; Conflict `invalid_transition`: it has not begun. Locks: the session.
    """
    session = lock_own_session(uow, session_id)
    if session.state != "ended":
        if session.started_at is None:
            raise Conflict("invalid_transition", machine=LIVE_SESSION.name, source=session.state, target="ended")
        _end(uow, session, clock.now())
    return session


def cancel_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """Let it not take place; those who asked to be reminded are told. Cancelled already: nothing changes.

    Raises: NotFound `live_session_not_found`; Conflict `invalid_transition`: it has begun.
    Emits: LiveCancelled. Locks: the session.
    """
    session = lock_own_session(uow, session_id)
    _cancel(uow, session)
    return session


def sessions_soon(uow: UnitOfWork) -> Sequence[UUID]:
    """Sessions that begin within `SOON`, of which nobody was told."""
    now = clock.now()
    due = (
        select(LiveSession.id)
        .where(
            state_in(LiveSession.state, "scheduled"),
            LiveSession.soon_told_at.is_(None),
            LiveSession.starts_at <= now + SOON,
            LiveSession.starts_at > now,
        )
        .order_by(LiveSession.starts_at, LiveSession.id)
    )
    return uow.session.scalars(due.limit(_AT_ONCE)).all()


def tell_soon(uow: UnitOfWork, session_id: UUID) -> None:
    """Begun, moved or told meanwhile, nothing is said. Emits: LiveStartsSoon. Locks: the session."""
    session, now = lock_row(uow.session, LiveSession, session_id), clock.now()
    if session is None or session.state != "scheduled" or session.soon_told_at is not None:
        return
    if not now < session.starts_at <= now + SOON:
        return
    session.soon_told_at = now
    emit(uow, LiveStartsSoon(session_id=session.id, org_id=session.org_id))


def sessions_over(uow: UnitOfWork) -> Sequence[UUID]:
    """Sessions whose film or longest time is over, or whose film is no more to be played; and those missed by their host."""
    now = clock.now()
    running = and_(state_in(LiveSession.state, "live"), or_(LiveSession.ends_at <= now, Video.state.not_in(PLAYABLE)))
    missed = and_(state_in(LiveSession.state, "scheduled"), LiveSession.starts_at <= now - MISSED)
    due = select(LiveSession.id).join(Video, Video.id == LiveSession.video_id, isouter=True).where(or_(running, missed))
    return uow.session.scalars(due.order_by(LiveSession.starts_at, LiveSession.id).limit(_AT_ONCE)).all()


def settle_over(uow: UnitOfWork, session_id: UUID) -> None:
    """End it at the second at which its film did, or cancel what nobody began. Locks: the session."""
    session, now = lock_row(uow.session, LiveSession, session_id), clock.now()
    if session is None:
        return
    if session.state == "scheduled" and session.starts_at <= now - MISSED:
        _cancel(uow, session)
    elif session.state == "live" and session.ends_at is not None:
        video = uow.session.get(Video, session.video_id) if session.video_id is not None else None
        if session.ends_at <= now or (video is not None and video.state not in PLAYABLE):
            _end(uow, session, min(now, session.ends_at))


def _end(uow: UnitOfWork, session: LiveSession, at: datetime) -> None:
    assert session.ends_at is not None  # noqa: S101 - it has begun
    at = min(at, session.ends_at)
    close_explanation(uow, session, at)
    session.ended_at = at
    LIVE_SESSION.move(uow, session, "ended", org_ids=[session.org_id])
    session.sequence += 1
    uow.flush()


def _cancel(uow: UnitOfWork, session: LiveSession) -> None:
    if session.state == "cancelled":
        return
    LIVE_SESSION.move(uow, session, "cancelled", org_ids=[session.org_id])
    session.ended_at = clock.now()
    session.sequence += 1
    emit(uow, LiveCancelled(session_id=session.id, org_id=session.org_id))
    uow.flush()
