"""Once a day, in the morning of their organization, whoever wants it is mailed what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from kernel import clock
from kernel.db.uow import UnitOfWork
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds
from marketplace.mail.bounces import find_bounces
from marketplace.mail.queue_mail import DIGEST, NewMail, queue_mail
from marketplace.notifications.models import Notification, NotificationSetting
from marketplace.notifications.notification_text import notification_text
from marketplace.parties.models import Organization

PATH = "/notifications"
FROM = timedelta(hours=8)
"""After midnight, where the person's first organization keeps its calendar."""
AT_MOST_EVERY = timedelta(hours=20)
MOST_LISTED = 20
"""The rest is read in the product."""


def due_digests(uow: UnitOfWork) -> list[UUID]:
    """Whoever had something before this morning came, and no digest since."""
    now = clock.now()
    time_zone = (
        select(Organization.time_zone)
        .join(Member, Member.org_id == Organization.id)
        .where(Member.person_id == Person.id, Member.state == "active")
        .order_by(Member.created_at, Member.id)
        .limit(1)
        .scalar_subquery()
    )
    midnight = func.date_trunc("day", func.timezone(time_zone, now))
    morning = func.timezone(time_zone, midnight + FROM)
    waiting = select(Notification.id).where(
        Notification.person_id == Person.id,
        Notification.mail == "digest",
        Notification.digested_at.is_(None),
        Notification.created_at < morning,
    )
    people = (
        select(Person.id)
        .join(NotificationSetting, NotificationSetting.person_id == Person.id, isouter=True)
        .where(
            # Read by its index: few of all people wait for one.
            Person.id.in_(
                select(Notification.person_id).where(Notification.mail == "digest", Notification.digested_at.is_(None))
            ),
            morning <= now,
            waiting.exists(),
            or_(NotificationSetting.digested_at.is_(None), NotificationSetting.digested_at <= now - AT_MOST_EVERY),
        )
    )
    return list(uow.session.scalars(people.order_by(Person.id)))


def send_digest(uow: UnitOfWork, person_id: UUID) -> None:
    """Mail a person what waits for their digest, and note that it was. The unit of work is the platform's own.

    What they may not see any more, because they left or lost a role, is in it no more than on their page.

    Locks: the person's settings.
    """
    now = clock.now()
    taken = insert(NotificationSetting).values(person_id=person_id, levels={}, digested_at=now)
    before = NotificationSetting.digested_at
    first = taken.on_conflict_do_update(
        index_elements=["person_id"],
        set_={"digested_at": now},
        where=or_(before.is_(None), before <= now - AT_MOST_EVERY),
    ).returning(NotificationSetting.person_id)
    if uow.session.scalar(first) is None:
        return
    waiting = (
        update(Notification)
        .where(Notification.person_id == person_id, Notification.mail == "digest", Notification.digested_at.is_(None))
        .values(digested_at=now)
        .returning(Notification)
    )
    rows = sorted(uow.session.scalars(waiting).all(), key=lambda row: (row.created_at, row.id))
    person = uow.session.get_one(Person, person_id)
    belongs = select(Member.org_id, Member.roles).where(Member.person_id == person_id, Member.state == "active")
    roles = {org_id: held for org_id, held in uow.session.execute(belongs)}  # noqa: C416 - rows are no pairs to mypy
    shown = [row for row in rows if row.read_at is None and _is_still_theirs(row, roles)]
    if shown and not find_bounces(uow, {person.email}):
        queue_mail(uow, _digest(person, shown))
    uow.flush()


def _is_still_theirs(row: Notification, roles: Mapping[UUID, Sequence[str]]) -> bool:
    if row.org_id is None:
        return True
    return row.org_id in roles and (row.permission is None or holds(roles[row.org_id], row.permission))


def _digest(person: Person, rows: Sequence[Notification]) -> NewMail:
    said = [notification_text(row.kind, row.params, person.locale) for row in rows[:MOST_LISTED]]
    items = [{"title": one.title, "text": one.text, "path": row.path} for one, row in zip(said, rows, strict=False)]
    params = {"count": str(len(rows)), "path": PATH, "items": items}
    params |= {"unsubscribe_person": str(person.id), "unsubscribe_group": DIGEST}
    return NewMail(person.email, DIGEST, person.locale, params, person.id)
