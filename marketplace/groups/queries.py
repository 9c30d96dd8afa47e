"""Groups as each side reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from kernel.db.uow import UnitOfWork
from kernel.errors import NotFound
from kernel.paging import Page, cut, newest_first
from marketplace.groups.memberships import MANAGE
from marketplace.groups.models import GroupMembership


@dataclass(frozen=True, slots=True)
class GroupMembershipRow:
    """A membership. `is_hq`: the reader is its headquarters; `may_answer`: it waits for the reader's side."""

    id: UUID
    hq_org_id: UUID
    hq_name: str
    member_org_id: UUID
    member_name: str
    state: str
    by_hq: bool
    is_hq: bool
    may_answer: bool
    rights: list[str]
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None


def list_memberships(uow: UnitOfWork, *, cursor: str | None = None, limit: int = 20) -> Page[GroupMembershipRow]:
    """Those of the acting organization on both sides, what was asked and what is over too; the newest first.

    Raises: Forbidden `permission_missing`.
    """
    uow.principal.require(MANAGE)
    own_id = uow.principal.organization()
    found = select(GroupMembership).where(or_(GroupMembership.hq_org_id == own_id, GroupMembership.org_id == own_id))
    rows = uow.session.scalars(newest_first(found, GroupMembership.created_at, GroupMembership.id, cursor, limit)).all()
    page = cut(rows, limit, lambda row: (row.created_at, row.id))
    return Page([membership_row(own_id, one) for one in page.items], page.next_cursor)


def get_membership(uow: UnitOfWork, membership_id: UUID) -> GroupMembershipRow:
    """One of the acting organization's, on whichever side.

    Raises: NotFound `group_membership_not_found`; Forbidden `permission_missing`.
    """
    own_id = uow.principal.organization()
    row = uow.session.get(GroupMembership, membership_id, populate_existing=True)
    if row is None or own_id not in row.parties:
        raise NotFound("group_membership_not_found")
    uow.principal.require(MANAGE)
    return membership_row(own_id, row)


def membership_row(own_id: UUID, row: GroupMembership) -> GroupMembershipRow:
    """As the organization reads it."""
    is_hq = row.hq_org_id == own_id
    return GroupMembershipRow(
        id=row.id,
        hq_org_id=row.hq_org_id,
        hq_name=row.hq_name,
        member_org_id=row.org_id,
        member_name=row.org_name,
        state=row.state,
        by_hq=row.by_hq,
        is_hq=is_hq,
        may_answer=row.state == "requested" and is_hq is not row.by_hq,
        rights=list(row.rights),
        created_at=row.created_at,
        accepted_at=row.accepted_at,
        ended_at=row.ended_at,
    )
