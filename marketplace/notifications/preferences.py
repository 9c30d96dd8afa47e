"""How a person would like to be told, group by group; and the link in a mail by which they want no more of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from kernel import audit
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid
from kernel.signing import BadToken, TokenSigner
from marketplace.access.models import Person
from marketplace.mail.compose import UNSUBSCRIBE
from marketplace.mail.queue_mail import DIGEST
from marketplace.notifications.kinds import GROUPS, KINDS, LEVELS, Group, Level, level_of
from marketplace.notifications.models import NotificationSetting


@dataclass(frozen=True, slots=True)
class Preference:
    """What a person chose for a group. `essential`: they cannot, and are always told at once."""

    group: str
    level: Level
    essential: bool
    mailed: bool
    """Whether anything of the group ever leaves by mail."""


@dataclass(frozen=True, slots=True)
class Unsubscribed:
    """Whose mails a link is about: of a group, or the daily ones (`DIGEST`)."""

    person_id: UUID
    group: str
    email: str


def list_preferences(uow: UnitOfWork, person_id: UUID, groups: Mapping[str, Group] = GROUPS) -> list[Preference]:
    """Every group with the person's level."""
    with as_platform(uow):
        row = uow.session.get(NotificationSetting, person_id)
    levels = row.levels if row else {}
    return [
        Preference(
            group.name,
            level_of(levels, group),
            group.essential,
            any(kind.mailed for kind in KINDS.values() if kind.group is group),
        )
        for group in groups.values()
    ]


def save_preferences(uow: UnitOfWork, person_id: UUID, levels: Mapping[str, str]) -> None:
    """Keep the levels of these groups; the others stay.

    Raises:
        Invalid: `notification_group_unknown`, `notification_level_unknown`.
        Conflict: `notification_essential`: what concerns the safety of an account is always told at once.

    Locks: the person's settings.
    """
    for name, level in levels.items():
        group = GROUPS.get(name)
        if group is None:
            raise Invalid("notification_group_unknown", field="group", known=", ".join(GROUPS))
        if level not in LEVELS:
            raise Invalid("notification_level_unknown", field=name, known=", ".join(LEVELS))
        if group.essential and level != group.default:
            raise Conflict("notification_essential")
    with as_platform(uow):
        row = _locked(uow, person_id)
        row.levels = {**row.levels, **levels}
        uow.flush()
    audit.record(uow, "person.notifications_changed", subject_id=person_id)


def open_unsubscribe_link(uow: UnitOfWork, signer: TokenSigner, token: str) -> Unsubscribed:
    """What a mail's link is about. The unit of work is the platform's own. Raises Invalid(`link_invalid`)."""
    try:
        claims = signer.open_token(UNSUBSCRIBE, token)
        person_id, group = UUID(claims["person"]), str(claims["group"])
    except (BadToken, KeyError, ValueError):
        raise Invalid("link_invalid") from None
    person = uow.session.get(Person, person_id)
    known = group == DIGEST or (group in GROUPS and not GROUPS[group].essential)
    if person is None or not known:
        raise Invalid("link_invalid")
    return Unsubscribed(person_id, group, person.email)


def unsubscribe(uow: UnitOfWork, signer: TokenSigner, token: str) -> Unsubscribed:
    """Send the person no more mails of that group; in the product they are told as before. Followed again, nothing changes.

    The unit of work is the platform's own.

    Raises:
        Invalid: `link_invalid`: altered, too old, or not for unsubscribing.

    Locks: the person's settings.
    """
    found = open_unsubscribe_link(uow, signer, token)
    row = _locked(uow, found.person_id)
    ended = {name: "in_app" for name in GROUPS if _is_ended(name, level_of(row.levels, GROUPS[name]), found.group)}
    if ended:
        row.levels = {**row.levels, **ended}
        audit.record(uow, "person.unsubscribed", subject_id=found.person_id, group=found.group)
    uow.flush()
    return found


def _is_ended(group: str, level: Level, unsubscribed: str) -> bool:
    """A digest's link ends what would come in digests; a group's own also what would come at once."""
    if GROUPS[group].essential:
        return False
    return level == "digest" if unsubscribed == DIGEST else group == unsubscribed and level in ("mail", "digest")


def _locked(uow: UnitOfWork, person_id: UUID) -> NotificationSetting:
    absent = insert(NotificationSetting).values(person_id=person_id, levels={}, digested_at=None)
    uow.session.execute(absent.on_conflict_do_nothing(index_elements=["person_id"]))
    found = uow.session.get(NotificationSetting, person_id, with_for_update=True, populate_existing=True)
    assert found is not None  # noqa: S101 - inserted above where it was missing
    return found
