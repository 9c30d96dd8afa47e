"""What each side is told of a group: who asked, what was answered, which rights were given, that it ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select

from kernel.db.uow import UnitOfWork
from marketplace.groups.events import GroupAccepted, GroupDeclined, GroupEnded, GroupRequested, GroupRightsChanged
from marketplace.groups.memberships import MANAGE
from marketplace.groups.models import GroupMembership
from marketplace.notifications.notify import NewNotification
from orders.notifications.notifiers import RecordedEvent, notifies_of


@notifies_of(GroupRequested)
def group_requested(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that has to answer."""
    return _to_other_side(uow, events, "group_requested")


@notifies_of(GroupAccepted)
def group_accepted(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that asked."""
    return _to_other_side(uow, events, "group_accepted")


@notifies_of(GroupDeclined)
def group_declined(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that asked."""
    return _to_other_side(uow, events, "group_declined")


@notifies_of(GroupRightsChanged)
def group_rights_changed(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The headquarters."""
    return _to_other_side(uow, events, "group_rights_changed")


@notifies_of(GroupEnded)
def group_ended(uow: UnitOfWork, events: Sequence[RecordedEvent]) -> Iterable[NewNotification]:
    """The side that did not end it."""
    return _to_other_side(uow, events, "group_ended")


def _to_other_side(uow: UnitOfWork, events: Sequence[RecordedEvent], kind: str) -> Iterable[NewNotification]:
    ids = [one.uuid("membership_id") for one in events]
    found = {row.id: row for row in uow.session.scalars(select(GroupMembership).where(GroupMembership.id.in_(ids)))}
    for event in events:
        row, by_hq = found[event.uuid("membership_id")], bool(event.payload["by_hq"])
        yield NewNotification(
            event.id,
            event.at,
            f"{kind}_by_hq" if by_hq else f"{kind}_by_member",
            "/group",
            {"who": row.hq_name if by_hq else row.org_name},
            org_id=row.org_id if by_hq else row.hq_org_id,
            permission=MANAGE,
        )
