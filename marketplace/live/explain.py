"""Which one item of a session is explained now. Every change is made under the session's row, with a number of its own."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, any_, func, or_, select

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, NotFound
from kernel.ids import uuid7
from marketplace.catalog.models import Listing, Plan
from marketplace.live.access import lock_own_session
from marketplace.live.models import LiveExplanation, LiveItem, LiveSession
from marketplace.parties.models import Organization


def explain_item(uow: UnitOfWork, session_id: UUID, item_id: UUID) -> LiveSession:
    """Let an item of the shelf be the one that is explained, in place of any other. It is already: nothing changes.

    Raises:
        NotFound: `live_session_not_found`, `live_item_not_found`.
        Conflict: `live_session_not_live`, `live_item_not_on_sale`.

    Locks: the session.
    """
    session = _live_session(uow, session_id)
    item = uow.session.get(LiveItem, item_id)
    if item is None or item.session_id != session.id or item.removed_at is not None:
        raise NotFound("live_item_not_found")
    if not is_on_sale(uow, session, item.plan_id):
        raise Conflict("live_item_not_on_sale")
    now_explained = find_explained(uow, session.id)
    if now_explained is not None and now_explained.item_id == item.id:
        return session
    at_ms = position_of(session)
    if now_explained is not None:
        now_explained.to_ms = at_ms
        # It has ended before the next one begins: of both, only one may be open.
        uow.flush()
    uow.session.add(
        LiveExplanation(
            id=uuid7(),
            org_id=session.org_id,
            session_id=session.id,
            item_id=item.id,
            from_ms=at_ms,
            to_ms=None,
            created_at=clock.now(),
        )
    )
    session.sequence += 1
    uow.flush()
    return session


def stop_explaining(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """Let nothing be explained. Nothing is: nothing changes.

    Raises: NotFound `live_session_not_found`; Conflict `live_session_not_live`. Locks: the session.
    """
    session = _live_session(uow, session_id)
    if close_explanation(uow, session):
        session.sequence += 1
    uow.flush()
    return session


def close_explanation(uow: UnitOfWork, session: LiveSession, at: datetime | None = None) -> bool:
    """End what is explained, `at` a moment (now). Whether anything was. The caller has locked the session."""
    explained = find_explained(uow, session.id)
    if explained is None:
        return False
    explained.to_ms = max(explained.from_ms, position_of(session, at))
    return True


def find_explained(uow: UnitOfWork, session_id: UUID) -> LiveExplanation | None:
    """What is explained in a session now."""
    return uow.session.scalar(
        select(LiveExplanation).where(LiveExplanation.session_id == session_id, LiveExplanation.to_ms.is_(None))
    )


def position_of(session: LiveSession, at: datetime | None = None) -> int:
    """Where a session is, in milliseconds since it began; 0 before, and never beyond its film's end. Pure."""
    if session.started_at is None or session.ends_at is None:
        return 0
    at = clock.now() if at is None else at
    until = min(at, session.ended_at or session.ends_at, session.ends_at)
    return max(0, (until - session.started_at) // timedelta(milliseconds=1))


_FOR_ALL_IN_THE_ROOM = and_(
    LiveSession.visibility == "partners",
    LiveSession.org_id == Listing.org_id,
    # Somebody who is named need not be a partner by a link.
    func.cardinality(LiveSession.partner_ids) == 0,
    func.cardinality(LiveSession.partner_groups) > 0,
    or_(
        Listing.org_id == any_(Listing.partner_groups),
        LiveSession.partner_groups.contained_by(Listing.partner_groups),
    ),
)
ON_SALE: ColumnElement[bool] = and_(
    Listing.state == "published",
    # A room says the same to everybody in it: what is for a seller's partners alone is shown where only these come in.
    or_(Listing.visibility == "public", _FOR_ALL_IN_THE_ROOM),
    Plan.state == "active",
    Listing.current_version_id == Plan.version_id,
    Organization.state == "active",
)
"""Of a plan with its listing, seller and session: whether everybody in that session's room can buy it now."""


def is_on_sale(uow: UnitOfWork, session: LiveSession, plan_id: UUID) -> bool:
    """Whether a plan can be bought now by all who may come into a session's room."""
    found = (
        select(Plan.id)
        .join(Listing, Listing.id == Plan.listing_id)
        .join(Organization, Organization.id == Plan.org_id)
        .join(LiveSession, LiveSession.id == session.id)
        .where(Plan.id == plan_id, ON_SALE)
    )
    return uow.session.scalar(found) is not None


def _live_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    session = lock_own_session(uow, session_id)
    if session.state != "live" or session.ends_at is None or session.ends_at <= clock.now():
        raise Conflict("live_session_not_live")
    return session
