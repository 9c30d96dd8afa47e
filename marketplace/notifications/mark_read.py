"""A person has read what they were told."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, or_, select, update

from kernel import clock
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from marketplace.notifications.models import Notification
from marketplace.notifications.queries import is_shown_to

KEPT = timedelta(days=180)
KEPT_UNREAD = timedelta(days=400)
BATCH = 5_000


def mark_read(uow: UnitOfWork, notification_id: UUID) -> None:
    """Mark one of the acting person's as read; read already, it stays as it was read first.

    Raises:
        NotFound: `notification_not_found`. Forbidden: `person_required`.
    """
    own = (Notification.id == notification_id) & is_shown_to(uow.principal)
    if uow.session.scalar(select(Notification.id).where(own)) is None:
        raise NotFound("notification_not_found")
    uow.session.execute(update(Notification).where(own, Notification.read_at.is_(None)).values(read_at=clock.now()))


def mark_all_read(uow: UnitOfWork) -> None:
    """Mark everything as read that the acting person sees now. Raises Forbidden(`person_required`)."""
    unread = update(Notification).where(is_shown_to(uow.principal), Notification.read_at.is_(None))
    uow.session.execute(unread.values(read_at=clock.now()))


def purge_old_notifications(uow: UnitOfWork) -> int:
    """Delete a batch of what was read long ago, or was of no interest for longer still. Returns how many there were."""
    now = clock.now()
    old = or_(
        (Notification.created_at < now - KEPT) & Notification.read_at.is_not(None),
        Notification.created_at < now - KEPT_UNREAD,
    )
    some = select(Notification.id).where(Notification.created_at < now - KEPT, old).limit(BATCH)
    gone = delete(Notification).where(Notification.id.in_(some)).returning(Notification.id)
    return len(uow.session.scalars(gone).all())
