"""What a headquarters reads of a subsidiary: only by a right that the subsidiary gives it, and only within that one's rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import select

from kernel.db.locks import lock_row
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, NotFound
from kernel.principal import Principal
from kernel.states import state_in
from marketplace.groups.memberships import MANAGE, require_active
from marketplace.groups.models import PAY, GroupMembership

READS = {
    "see_orders": frozenset({"orders.read"}),
    "see_usage": frozenset({"entitlements.read"}),
    "see_seat_holders": frozenset({"entitlements.read"}),
}
"""What whoever reads by a right may do in the subsidiary's rows; nothing writes."""


@contextmanager
def reading_of_member(uow: UnitOfWork, membership_id: UUID, right: str) -> Iterator[GroupMembership]:
    """Let the acting headquarters read a subsidiary's rows in the block, as row level security shows them to that one alone.

    The membership is read in the same transaction: from its end on, or once the right is taken back, nothing is read.

    Raises: NotFound `group_membership_not_found` (also to the subsidiary); Forbidden `permission_missing`,
        `group_right_missing`; Conflict `group_not_active`.
    """
    row = get_own_subsidiary(uow, membership_id)
    require_right(row, right)
    before = uow.principal
    uow.flush()
    uow.act_as(Principal(before.kind, row.org_id, None, READS[right], f"headquarters {row.hq_org_id}"))
    yield row
    uow.act_as(before)


def get_own_subsidiary(uow: UnitOfWork, membership_id: UUID) -> GroupMembership:
    """One whose headquarters acts. Raises: NotFound `group_membership_not_found`; Forbidden `permission_missing`."""
    row = uow.session.get(GroupMembership, membership_id, populate_existing=True)
    if row is None or row.hq_org_id != uow.principal.organization():
        raise NotFound("group_membership_not_found")
    uow.principal.require(MANAGE)
    return row


def require_right(row: GroupMembership, right: str) -> None:
    """Raises: Conflict `group_not_active`; Forbidden `group_right_missing`."""
    require_active(row)
    if right not in row.rights:
        raise Forbidden("group_right_missing", right=right)


def lock_paying_right(uow: UnitOfWork, hq_org_id: UUID, org_id: UUID) -> GroupMembership | None:
    """The membership by which the headquarters may pay for the subsidiary; None: it may not. Locks: the membership."""
    found = uow.session.scalar(
        select(GroupMembership.id).where(
            GroupMembership.hq_org_id == hq_org_id,
            GroupMembership.org_id == org_id,
            state_in(GroupMembership.state, "active"),
        )
    )
    row = lock_row(uow.session, GroupMembership, found) if found is not None else None
    return row if row is not None and row.state == "active" and PAY in row.rights else None
