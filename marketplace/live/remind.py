"""A person asks to be told when a session begins, or no more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict
from kernel.ids import uuid7
from marketplace.live.access import get_visible_session
from marketplace.live.models import LiveReminder


def ask_reminder(uow: UnitOfWork, session_id: UUID) -> None:
    """Have the acting person told shortly before a session begins and when it does. Asked already: nothing changes.

    Raises: NotFound `live_session_not_found`; Conflict `live_session_begun`; Forbidden `person_required`.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    session = get_visible_session(uow, session_id)
    if session.state != "scheduled":
        raise Conflict("live_session_begun")
    asked = {"id": uuid7(), "org_id": org_id, "person_id": person_id, "session_id": session.id}
    uow.session.execute(insert(LiveReminder).values(created_at=clock.now(), **asked).on_conflict_do_nothing())


def drop_reminder(uow: UnitOfWork, session_id: UUID) -> None:
    """Have the acting person not told. Of a session that one may see and did not ask for, nothing changes.

    Raises: NotFound `live_session_not_found`; Forbidden `person_required`.
    """
    org_id, person_id = uow.principal.organization(), uow.principal.person()
    own = (LiveReminder.org_id == org_id, LiveReminder.person_id == person_id, LiveReminder.session_id == session_id)
    dropped = uow.session.scalars(delete(LiveReminder).where(*own).returning(LiveReminder.id)).all()
    if not dropped:
        # Whoever may see it no more could still take back what they asked for.
        get_visible_session(uow, session_id)
