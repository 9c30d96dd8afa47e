"""A headquarters and a subsidiary become a group: one side asks, the other answers, either ends it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from kernel import clock
from kernel.db.locks import advisory_xact_lock, lock_row
from kernel.db.platform_scope import as_platform
from kernel.db.uow import UnitOfWork
from kernel.errors import Conflict, Invalid, NotFound
from kernel.ids import uuid7
from kernel.jobs.outbox import emit
from marketplace.access.counted_limits import Limit, count_within
from marketplace.access.find_organizations import get_findable
from marketplace.groups.events import GroupAccepted, GroupDeclined, GroupEnded, GroupRequested, GroupRightsChanged
from marketplace.groups.models import GROUP_MEMBERSHIP, RIGHTS, GroupMembership
from marketplace.parties.lookups import get_party

MANAGE = "members.manage"
"""Whoever manages an organization's members says which group it is in."""
ASKED = Limit(50, timedelta(days=1))
"""Of one organization: enough for a large group, too few to write to everybody."""
_LEVELS_LOCK = 7_316_104


@dataclass(frozen=True, slots=True)
class AskGroup:
    """Which organization is asked: to be one's subsidiary (`as_hq`) or one's headquarters; the rights asked for, or offered."""

    org_id: UUID
    as_hq: bool
    rights: tuple[str, ...] = ()


def ask_group(uow: UnitOfWork, command: AskGroup) -> GroupMembership:
    """Ask an organization to be the acting one's subsidiary with the rights that the acting one would like, or to be its
    headquarters with the rights that it is given.

    Raises: Forbidden `permission_missing`; Invalid `group_right_unknown`; NotFound `organization_not_found` (not one that may
        be found by its name); Conflict `group_asked_already`, or as `_require_two_levels`; TooMany `groups_asked_too_often`.

    Emits: GroupRequested.
    """
    uow.principal.require(MANAGE)
    rights = _rights(command.rights)
    own = get_party(uow, uow.principal.organization())
    other = get_findable(uow, command.org_id)
    with as_platform(uow):
        count_within(uow, ASKED, "groups_asked_too_often", "groups_asked", str(own.org_id))
    sides = ((own.org_id, own.display_name), (other.id, other.display_name))
    hq, member = sides if command.as_hq else reversed(sides)
    _require_two_levels(uow, hq[0], member[0])
    row = GroupMembership(
        id=uuid7(),
        hq_org_id=hq[0],
        org_id=member[0],
        hq_name=hq[1],
        org_name=member[1],
        by_hq=command.as_hq,
        rights=rights,
        asked_by=uow.principal.person_id,
        created_at=clock.now(),
        accepted_at=None,
        ended_at=None,
    )
    GROUP_MEMBERSHIP.begin(uow, row, org_ids=row.parties)
    uow.session.add(row)
    uow.flush()
    emit(uow, GroupRequested(**row.fact, by_hq=row.by_hq))
    return row


def accept_group(uow: UnitOfWork, membership_id: UUID, rights: Collection[str] | None = None) -> GroupMembership:
    """Say yes to the side that asked. A subsidiary says which rights it gives (None: those that were asked for); of what a
    subsidiary offered nothing is changed. Active already, nothing changes.

    Raises: as `_lock_asked`; Invalid `group_right_unknown`; Conflict as `_require_two_levels`. Emits: GroupAccepted.
    Locks: the membership, then both organizations' places in groups.
    """
    row = _lock_asked(uow, membership_id, by_asker=False)
    if row.state == "active":
        return row
    _require_requested(row)
    _require_two_levels(uow, row.hq_org_id, row.org_id)
    if row.by_hq and rights is not None:
        row.rights = _rights(rights)
    row.accepted_at = clock.now()
    GROUP_MEMBERSHIP.move(uow, row, "active", org_ids=row.parties)
    uow.flush()
    emit(uow, GroupAccepted(**row.fact, by_hq=not row.by_hq))
    return row


def decline_group(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """Say no. Done already, nothing changes. Raises: as `_lock_asked`. Emits: GroupDeclined. Locks: the membership."""
    row = _lock_asked(uow, membership_id, by_asker=False)
    if row.state == "declined":
        return row
    _require_requested(row)
    GROUP_MEMBERSHIP.move(uow, row, "declined", org_ids=row.parties)
    uow.flush()
    emit(uow, GroupDeclined(**row.fact, by_hq=not row.by_hq))
    return row


def withdraw_group(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """Take back what one asked and nobody answered. Done already, nothing changes. Raises: as `_lock_asked`."""
    row = _lock_asked(uow, membership_id, by_asker=True)
    if row.state == "withdrawn":
        return row
    _require_requested(row)
    GROUP_MEMBERSHIP.move(uow, row, "withdrawn", org_ids=row.parties)
    uow.flush()
    return row


def change_rights(uow: UnitOfWork, membership_id: UUID, rights: Collection[str]) -> GroupMembership:
    """Let one's headquarters do other things from now on; what it may no longer do it cannot at once.

    Raises: as `lock_membership`, of the headquarters' own side NotFound `group_membership_not_found`; Invalid
        `group_right_unknown`; Conflict `group_not_active`. Emits: GroupRightsChanged. Locks: the membership.
    """
    row = lock_membership(uow, membership_id)
    if row.org_id != uow.principal.organization():
        raise NotFound("group_membership_not_found")
    require_active(row)
    given = _rights(rights)
    if given != row.rights:
        row.rights = given
        uow.flush()
        emit(uow, GroupRightsChanged(**row.fact, by_hq=False, rights=given))
    return row


def end_group(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """End it, by either side: from this moment the headquarters reads and does nothing there. Ended already, nothing changes.

    Raises: as `lock_membership`; Conflict `group_not_active`. Emits: GroupEnded. Locks: the membership.
    """
    row = lock_membership(uow, membership_id)
    if row.state == "ended":
        return row
    require_active(row)
    row.ended_at = clock.now()
    GROUP_MEMBERSHIP.move(uow, row, "ended", org_ids=row.parties)
    uow.flush()
    emit(uow, GroupEnded(**row.fact, by_hq=row.hq_org_id == uow.principal.org_id))
    return row


def lock_membership(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """One of the acting organization's, on whichever side.

    Raises: NotFound `group_membership_not_found`; Forbidden `permission_missing`. Locks: the membership.
    """
    row = lock_row(uow.session, GroupMembership, membership_id)
    if row is None or uow.principal.organization() not in row.parties:
        raise NotFound("group_membership_not_found")
    uow.principal.require(MANAGE)
    return row


def require_active(row: GroupMembership) -> None:
    """Raises Conflict `group_not_active`."""
    if row.state != "active":
        raise Conflict("group_not_active", state=row.state)


def _lock_asked(uow: UnitOfWork, membership_id: UUID, *, by_asker: bool) -> GroupMembership:
    """One that the acting organization asked for, or else has to answer.

    Raises: as `lock_membership`; Conflict `group_not_yours`: it is the other side's to say.
    """
    row = lock_membership(uow, membership_id)
    asked = (row.hq_org_id == uow.principal.organization()) == row.by_hq
    if asked is not by_asker:
        raise Conflict("group_not_yours")
    return row


def _require_requested(row: GroupMembership) -> None:
    """Raises Conflict `group_answered`."""
    if row.state != "requested":
        raise Conflict("group_answered", state=row.state)


def _require_two_levels(uow: UnitOfWork, hq_id: UUID, member_id: UUID) -> None:
    """Nobody is headquarters and subsidiary at once, and nobody has two headquarters; so that there is no cycle either.

    Raises: Conflict `group_has_headquarters` (the subsidiary has one), `group_is_subsidiary` (the headquarters has one itself),
        `group_is_headquarters` (the subsidiary has subsidiaries).
    Locks: both organizations' places in groups, by ascending id: of two that would make three levels the second sees the first.
    """
    for one in sorted((hq_id, member_id)):
        advisory_xact_lock(uow.session, _LEVELS_LOCK, one)
    with as_platform(uow):
        places = uow.session.execute(
            select(GroupMembership.hq_org_id, GroupMembership.org_id).where(
                GroupMembership.state == "active",
                or_(GroupMembership.org_id.in_((hq_id, member_id)), GroupMembership.hq_org_id == member_id),
            )
        ).all()
    for headquarters_id, subsidiary_id in places:
        if subsidiary_id == member_id:
            raise Conflict("group_has_headquarters")
        if subsidiary_id == hq_id:
            raise Conflict("group_is_subsidiary")
        if headquarters_id == member_id:
            raise Conflict("group_is_headquarters")


def _rights(wanted: Collection[str]) -> list[str]:
    """In the order they are stated. Raises Invalid `group_right_unknown`."""
    unknown = sorted(set(wanted) - set(RIGHTS))
    if unknown:
        raise Invalid("group_right_unknown", field="rights", right=unknown[0][:40])
    return [one for one in RIGHTS if one in wanted]
