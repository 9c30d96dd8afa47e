"""Members of one's organization and their roles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import SIGNED_IN
from api.request import ApiRequest
from api.schema import Wire
from api.v1.organizations import require_own_organization
from kernel.db.uow import UnitOfWork
from marketplace.access.members import MemberRow, change_roles, leave, list_members, remove_member

Roles = Annotated[list[Annotated[str, Field(max_length=20)]], Field(min_length=1, max_length=8)]


class RolesIn(Wire):
    """A member's roles from now on."""

    roles: Roles


@get("/v1/organizations/{org_id:uuid}/members", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_members(org_id: FromPath[UUID], request: ApiRequest) -> list[MemberRow]:
    """The members of one's own organization."""
    require_own_organization(request.principal, org_id)
    with request.transaction() as uow:
        return list_members(uow)


@patch(
    "/v1/organizations/{org_id:uuid}/members/{member_id:uuid}",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def update_member(
    org_id: FromPath[UUID],
    member_id: FromPath[UUID],
    data: JSONBody[RolesIn],
    request: ApiRequest,
) -> MemberRow:
    """Give a member other roles; their next request is judged by them."""
    require_own_organization(request.principal, org_id)

    def work(uow: UnitOfWork) -> UUID:
        change_roles(uow, member_id, data.roles)
        return member_id

    return _member(request, work)


@delete(
    "/v1/organizations/{org_id:uuid}/members/{member_id:uuid}",
    permission="members.manage",
    sync_to_thread=True,
    tags=["people"],
)
def delete_member(org_id: FromPath[UUID], member_id: FromPath[UUID], request: ApiRequest) -> None:
    """End a membership."""
    require_own_organization(request.principal, org_id)
    request.transact(lambda uow: remove_member(uow, member_id))


@delete(
    "/v1/organizations/{org_id:uuid}/membership",
    permission=SIGNED_IN,
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def leave_organization(org_id: FromPath[UUID], request: ApiRequest) -> None:
    """Leave an organization. Its last owner hands the ownership over first."""
    require_own_organization(request.principal, org_id)
    request.transact(leave)


def _member(request: ApiRequest, work: Callable[[UnitOfWork], UUID]) -> MemberRow:
    """Change a member and answer what became of them, in one transaction."""

    def change(uow: UnitOfWork) -> MemberRow:
        member_id = work(uow)
        uow.flush()
        return next(row for row in list_members(uow) if row.id == member_id)

    return request.transact(change)


routes = [get_members, leave_organization, update_member, delete_member]
