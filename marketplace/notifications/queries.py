"""What a person reads of their notifications: those of the organization they act for, and of their own account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Text, Uuid, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from kernel.db.statements import Read
from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from kernel.principal import Principal
from marketplace.notifications.models import Notification
from marketplace.notifications.notification_text import notification_text

MOST_COUNTED = 100
"""Beyond this many, how many they are makes no difference to anybody."""


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A notification as its reader sees it, in their language."""

    id: UUID
    kind: str
    title: str
    text: str
    action: str
    path: str
    """A page of this site."""
    is_read: bool
    created_at: datetime


_FIRST_UNREAD = (
    select(Notification.id)
    .where(
        Notification.person_id == bindparam("person_id", type_=Uuid),
        or_(Notification.org_id == bindparam("org_id", type_=Uuid), Notification.org_id.is_(None)),
        or_(
            Notification.permission.is_(None),
            Notification.permission == any_(bindparam("permissions", type_=ARRAY(Text))),
        ),
        Notification.read_at.is_(None),
    )
    .limit(MOST_COUNTED)
    .subquery()
)
UNREAD = select(func.count()).select_from(_FIRST_UNREAD)
"""How many of `person_id`'s are unread in `org_id`, `MOST_COUNTED` at most, as far as they have `permissions`."""
_UNREAD = Read(UNREAD)


def is_shown_to(principal: Principal) -> ColumnElement[bool]:
    """Which notifications a person sees now. Raises Forbidden(`person_required`)."""
    return (
        (Notification.person_id == principal.person())
        & or_(Notification.org_id == principal.org_id, Notification.org_id.is_(None))
        & or_(Notification.permission.is_(None), Notification.permission.in_(principal.permissions))
    )


def count_unread(uow: UnitOfWork, principal: Principal) -> int:
    """How many are unread, `MOST_COUNTED` at most. Raises Forbidden(`person_required`)."""
    count: int = uow.find(
        _UNREAD,
        person_id=principal.person(),
        org_id=principal.org_id,
        permissions=sorted(principal.permissions),
    )
    return count


def list_notifications(
    uow: UnitOfWork, *, locale: str, unread: bool = False, cursor: str | None = None, limit: int = 20
) -> Page[NotificationRow]:
    """The acting person's notifications, newest first. Raises Forbidden(`person_required`)."""
    wanted = select(Notification).where(is_shown_to(uow.principal))
    if unread:
        wanted = wanted.where(Notification.read_at.is_(None))
    rows = uow.session.scalars(newest_first(wanted, Notification.created_at, Notification.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([row_of(row, locale) for row in page.items], page.next_cursor)


def get_notification(uow: UnitOfWork, notification_id: UUID, locale: str) -> NotificationRow:
    """One of the acting person's. Raises NotFound(`notification_not_found`), Forbidden(`person_required`)."""
    wanted = select(Notification).where(Notification.id == notification_id, is_shown_to(uow.principal))
    found = uow.session.scalar(wanted)
    if found is None:
        raise NotFound("notification_not_found")
    return row_of(found, locale)


def row_of(row: Notification, locale: str) -> NotificationRow:
    """In words."""
    said = notification_text(row.kind, row.params, locale)
    return NotificationRow(
        row.id, row.kind, said.title, said.text, said.action, row.path, row.read_at is not None, row.created_at
    )
