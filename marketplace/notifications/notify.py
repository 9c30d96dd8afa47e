"""Tell people of an event: whoever holds a permission in an organization at this moment, or one person alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from sqlalchemy import or_, select

from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.ids import uuid7
from marketplace.access.models import Member, Person
from marketplace.access.permissions import holds, roles_with
from marketplace.mail.bounces import find_bounces
from marketplace.mail.queue_mail import NewMail, queue_mail
from marketplace.notifications.kinds import KINDS, level_of, mail_when
from marketplace.notifications.models import NotificationSetting
from marketplace.notifications.notification_text import Params, notification_text

MAIL_KIND = "notification"
_WRITTEN = """
    INSERT INTO marketplace.notification (id, event_id, person_id, org_id, permission, kind, params, path, mail, created_at)
    SELECT id, event_id, person_id, org_id, permission, kind, params, path, mail, created_at
    FROM jsonb_populate_recordset(NULL::marketplace.notification, $1)
    ON CONFLICT (event_id, person_id, kind) DO NOTHING RETURNING id
"""
"""As one document: a statement for every number of rows would be prepared for each."""
_dumps = partial(json.dumps, default=str)


@dataclass(frozen=True, slots=True)
class NewNotification:
    """What is to be told to whom.

    With `permission`: to everybody who holds it in `org_id`, but for `but_not`, who did it. Without: to `person_id`, as long
    as they are a member of `org_id`, where one is named.
    """

    event_id: UUID
    at: datetime
    kind: str
    path: str
    params: Params = field(default_factory=dict)
    org_id: UUID | None = None
    permission: str | None = None
    person_id: UUID | None = None
    but_not: UUID | None = None


@dataclass(frozen=True, slots=True)
class _Reader:
    """A person in one of their organizations, or by themselves (None)."""

    person_id: UUID
    org_id: UUID | None
    email: str
    locale: str
    levels: dict[str, str]
    roles: tuple[str, ...] = ()


def notify(uow: UnitOfWork, wanted: Sequence[NewNotification], *, mails: bool = True) -> int:
    """Write a notification for each reader who would like it, and queue its mail. Returns how many were new.

    An address that takes no mail is sent none. `mails`: whether any mail is to leave, for what happened long ago.

    Idempotent by: event, person and kind.
    """
    if not wanted:
        return 0
    with as_platform(uow):
        readers = _readers(uow, wanted)
        rows = {(row["event_id"], row["person_id"], row["kind"]): row for row in _rows(wanted, readers, mails=mails)}
        if not rows:
            return 0
        written = uow.cursor.execute(_WRITTEN, (Jsonb(list(rows.values()), dumps=_dumps),)).fetchall()
        new = {row_id for (row_id,) in written}
        mailed = [row for row in rows.values() if row["id"] in new and row["mail"] == "at_once"]
        _mail(uow, mailed, {one.person_id: one for one in readers})
    return len(new)


def _readers(uow: UnitOfWork, wanted: Sequence[NewNotification]) -> list[_Reader]:
    """Of all organizations that are named the active members whom it may concern, and the people meant by themselves."""
    settings = NotificationSetting.person_id == Person.id
    members = (
        select(Member.org_id, Member.roles, Person.id, Person.email, Person.locale, NotificationSetting.levels)
        .join(Person, Person.id == Member.person_id)
        .join(NotificationSetting, settings, isouter=True)
        .where(
            Member.org_id.in_({one.org_id for one in wanted if one.org_id}),
            Member.state == "active",
            or_(
                Member.roles.overlap(roles_with({one.permission for one in wanted if one.permission})),
                Member.person_id.in_({one.person_id for one in wanted if one.person_id}),
            ),
        )
    )
    alone = (
        select(Person.id, Person.email, Person.locale, NotificationSetting.levels)
        .join(NotificationSetting, settings, isouter=True)
        .where(Person.id.in_({one.person_id for one in wanted if one.person_id and not one.org_id}))
    )
    found = [
        _Reader(person_id, org_id, email, locale, levels or {}, tuple(roles))
        for org_id, roles, person_id, email, locale, levels in uow.session.execute(members)
    ]
    if any(one.org_id is None for one in wanted):
        found += [_Reader(row[0], None, row[1], row[2], row[3] or {}) for row in uow.session.execute(alone)]
    return found


def _rows(wanted: Sequence[NewNotification], readers: Sequence[_Reader], *, mails: bool) -> list[dict[str, Any]]:
    by_org: dict[UUID | None, list[_Reader]] = {}
    for one in readers:
        by_org.setdefault(one.org_id, []).append(one)
    rows: list[dict[str, Any]] = []
    for item in wanted:
        kind = KINDS[item.kind]
        for reader in by_org.get(item.org_id, ()):
            level = level_of(reader.levels, kind.group)
            if level == "none" or not _is_meant(item, reader):
                continue
            rows.append(
                {
                    "id": uuid7(),
                    "event_id": item.event_id,
                    "person_id": reader.person_id,
                    "org_id": item.org_id,
                    "permission": item.permission,
                    "kind": item.kind,
                    "params": dict(item.params),
                    "path": item.path,
                    "mail": mail_when(kind, level) if mails else "none",
                    "created_at": item.at,
                }
            )
    return rows


def _is_meant(item: NewNotification, reader: _Reader) -> bool:
    if item.permission is None:
        return reader.person_id == item.person_id
    return reader.person_id != item.but_not and holds(reader.roles, item.permission)


def _mail(uow: UnitOfWork, rows: Sequence[dict[str, Any]], readers: dict[UUID, _Reader]) -> None:
    bouncing = find_bounces(uow, {readers[row["person_id"]].email for row in rows})
    for row in rows:
        reader, group = readers[row["person_id"]], KINDS[row["kind"]].group
        if reader.email in bouncing:
            continue
        said = notification_text(row["kind"], row["params"], reader.locale)
        params = {"title": said.title, "text": said.text, "action": said.action, "path": row["path"]}
        if not group.essential:
            params |= {"unsubscribe_person": str(reader.person_id), "unsubscribe_group": group.name}
        queue_mail(uow, NewMail(reader.email, MAIL_KIND, reader.locale, params, reader.person_id, row["org_id"]))
