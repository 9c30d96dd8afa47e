"""Who may see a live session: as with a video's, one place decides it for the room, lists, the event stream and questions."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Uuid, and_, false, func, or_, select, true

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.live.models import LiveSession
from marketplace.videos.access import OPEN


def live_listed_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which a session shows to `principal` in lists: what is unlisted is in none."""
    mine = and_(_own(principal), LiveSession.visibility != "unlisted")
    return or_(LiveSession.visibility == "public", mine, _shared_with(principal))


def live_visible_to(principal: Principal) -> ColumnElement[bool]:
    """The condition under which `principal` may enter a session's room who has its link."""
    if principal.is_platform:
        return true()
    return or_(LiveSession.visibility.in_(OPEN), _own(principal), _shared_with(principal))


def get_visible_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """The session, when the principal may see it. Raises NotFound(`live_session_not_found`)."""
    shown = select(LiveSession).where(LiveSession.id == session_id, live_visible_to(uow.principal))
    found = uow.session.scalar(shown)
    if found is None:
        raise NotFound("live_session_not_found")
    return found


def lock_own_session(uow: UnitOfWork, session_id: UUID) -> LiveSession:
    """The acting organization's session, locked for a change. Raises NotFound(`live_session_not_found`)."""
    found = lock_row(uow.session, LiveSession, session_id)
    if found is None or (not uow.principal.is_platform and found.org_id != uow.principal.organization()):
        raise NotFound("live_session_not_found")
    return found


def _own(principal: Principal) -> ColumnElement[bool]:
    return LiveSession.org_id == principal.org_id if principal.org_id else false()


def _shared_with(principal: Principal) -> ColumnElement[bool]:
    if not principal.org_id:
        return false()
    # As of videos: a subquery by itself is asked once a statement, and not before the first session for partners.
    groups = select(func.marketplace.partner_groups(principal.org_id, type_=ARRAY(Uuid))).scalar_subquery()
    shared = or_(LiveSession.partner_ids.contains([principal.org_id]), LiveSession.partner_groups.overlap(groups))
    return and_(LiveSession.visibility == "partners", shared)
