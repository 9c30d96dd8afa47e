"""Groups of organizations: who is whose headquarters, what that one may do, and what it reads by it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Response, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, JSONBody
from msgspec import Meta
from pydantic import Field

from api.request import ApiRequest
from api.schema import KeyHeader, MoneyOut, Out, PageOut, Paging, Wire, idempotent_command, list_page, refused_unless_in
from fulfillment.seat_allocations.allocate import leave_group
from kernel.db.uow import UnitOfWork
from marketplace.groups.memberships import (
    MANAGE,
    AskGroup,
    accept_group,
    ask_group,
    change_rights,
    decline_group,
    withdraw_group,
)
from marketplace.groups.models import RIGHTS
from marketplace.groups.queries import GroupMembershipRow, get_membership, list_memberships
from orders.groups.queries import orders_of_member, used_by_member

RightsIn = Annotated[
    list[Annotated[str, Field(max_length=40), refused_unless_in(RIGHTS)]],
    Field(max_length=len(RIGHTS), examples=[["see_orders", "allocate_seats"]]),
]


class AskGroupIn(Wire):
    """Whom to ask. `as_headquarters`: to be one's subsidiary, with the rights that one would like; else to be one's
    headquarters, with the rights that one gives it.
    """

    organization_id: Annotated[UUID, Field(strict=False)]
    as_headquarters: bool
    rights: RightsIn = Field(default_factory=list)


class AcceptGroupIn(Wire):
    """The rights that a subsidiary gives; null: those that were asked for. What a subsidiary offered stays as it is."""

    rights: RightsIn | None = None


class GroupRightsIn(Wire):
    """All that the headquarters may do from now on."""

    rights: RightsIn


class GroupMembershipOut(Out):
    """A headquarters and a subsidiary, and what the headquarters may do: nothing but its rights, and never sign in, order,
    or read anybody's mail address.
    """

    id: UUID
    headquarters_id: UUID
    headquarters_name: str
    member_id: UUID
    member_name: str
    state: Annotated[str, Meta(examples=["active"], description="requested, active, declined, withdrawn or ended")]
    asked_by_headquarters: bool
    is_headquarters: Annotated[bool, Meta(description="Whether one reads it as the headquarters")]
    may_answer: Annotated[bool, Meta(description="It waits for one's own answer")]
    rights: Annotated[
        list[str],
        Meta(
            examples=[["see_orders", "allocate_seats"]],
            description="see_orders: its orders with amounts. see_usage: what it uses, and how many seats of it. "
            "see_seat_holders: the names behind seats that were allocated. allocate_seats: give it seats of what the "
            "headquarters bought. pay: propose to pay for it",
        ),
    ]
    created_at: datetime
    accepted_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: GroupMembershipRow) -> GroupMembershipOut:
        """From the query's row."""
        return cls.of_row(
            row,
            headquarters_id=row.hq_org_id,
            headquarters_name=row.hq_name,
            member_id=row.member_org_id,
            asked_by_headquarters=row.by_hq,
            is_headquarters=row.is_hq,
        )


class GroupOrderOut(Out):
    """An order of a subsidiary, as its headquarters reads it."""

    id: UUID
    number: Annotated[str, Meta(examples=["O-2026-000123"])]
    seller_name: str
    titles: Annotated[list[str], Meta(examples=[["云帆客户管理"]])]
    titles_en: Annotated[list[str], Meta(examples=[["Yunfan CRM"]])]
    state: Annotated[str, Meta(examples=["active"])]
    gross: MoneyOut
    created_at: datetime


class GroupUseOut(Out):
    """What a subsidiary bought itself and uses, as its headquarters reads it."""

    entitlement_id: UUID
    seller_name: str
    title: Annotated[str, Meta(examples=["云帆客户管理"])]
    title_en: Annotated[str, Meta(examples=["Yunfan CRM"])]
    state: Annotated[str, Meta(examples=["active"])]
    seats: int
    seats_used: int
    valid_to: datetime | None


@get("/v1/group-memberships", permission=MANAGE, sync_to_thread=True, tags=["people"])
def get_group_memberships(request: ApiRequest, paging: Given[Paging]) -> Response[PageOut[GroupMembershipOut]]:
    """One's headquarters and one's subsidiaries, with what was asked and what is over; the newest first."""
    return list_page(request, paging, list_memberships, GroupMembershipOut.of)


@post("/v1/group-memberships", permission=MANAGE, refuses=[404, 409], sync_to_thread=True, tags=["people"])
def post_group_membership(
    data: JSONBody[AskGroupIn], request: ApiRequest, idempotency_key: KeyHeader
) -> Response[GroupMembershipOut]:
    """Ask an organization to be one's subsidiary, or one's headquarters. It answers; nothing holds before."""
    command = AskGroup(data.organization_id, data.as_headquarters, tuple(data.rights))
    return idempotent_command(
        request, idempotency_key, data, lambda uow: GroupMembershipOut.of(_read(uow, ask_group(uow, command).id))
    )


@get("/v1/group-memberships/{group_membership_id:uuid}", permission=MANAGE, sync_to_thread=True, tags=["people"])
def get_group_membership(group_membership_id: FromPath[UUID], request: ApiRequest) -> GroupMembershipOut:
    """One, for either side."""
    with request.transaction() as uow:
        return GroupMembershipOut.of(get_membership(uow, group_membership_id))


@post(
    "/v1/group-memberships/{group_membership_id:uuid}/acceptance",
    permission=MANAGE,
    refuses=[409],
    status_code=200,
    sync_to_thread=True,
    tags=["people"],
)
def post_group_acceptance(
    group_membership_id: FromPath[UUID], data: JSONBody[AcceptGroupIn], request: ApiRequest
) -> GroupMembershipOut:
    """Say yes to the side that asked. A subsidiary says which rights it gives."""
    return request.transact(
        lambda uow: GroupMembershipOut.of(_read(uow, accept_group(uow, group_membership_id, data.rights).id))
    )


@post(
    "/v1/group-memberships/{group_membership_id:uuid}/decline",
    permission=MANAGE,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def post_group_decline(group_membership_id: FromPath[UUID], request: ApiRequest) -> None:
    """Say no to the side that asked."""
    request.transact(lambda uow: decline_group(uow, group_membership_id).id)


@post(
    "/v1/group-memberships/{group_membership_id:uuid}/withdraw",
    permission=MANAGE,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def post_group_withdraw(group_membership_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take back what was asked and not answered yet."""
    request.transact(lambda uow: withdraw_group(uow, group_membership_id).id)


@put(
    "/v1/group-memberships/{group_membership_id:uuid}/rights",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def put_group_rights(
    group_membership_id: FromPath[UUID], data: JSONBody[GroupRightsIn], request: ApiRequest
) -> GroupMembershipOut:
    """Let one's headquarters do this from now on, and nothing else. The subsidiary's alone to say."""
    return request.transact(
        lambda uow: GroupMembershipOut.of(_read(uow, change_rights(uow, group_membership_id, data.rights).id))
    )


@post(
    "/v1/group-memberships/{group_membership_id:uuid}/end",
    permission=MANAGE,
    refuses=[409],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def post_group_end(group_membership_id: FromPath[UUID], request: ApiRequest) -> None:
    """Leave the group, or let a subsidiary go: the headquarters reads and does nothing there from this moment, and seats
    that it allocated are given back at once.
    """
    request.transact(lambda uow: leave_group(uow, group_membership_id).id)


@get(
    "/v1/group-memberships/{group_membership_id:uuid}/orders",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def get_group_orders(
    group_membership_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[GroupOrderOut]]:
    """A subsidiary's orders, the newest first, for its headquarters by the right `see_orders`."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return orders_of_member(uow, group_membership_id, **paged)

    return list_page(request, paging, rows, GroupOrderOut.of_row)


@get(
    "/v1/group-memberships/{group_membership_id:uuid}/usage",
    permission=MANAGE,
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def get_group_usage(
    group_membership_id: FromPath[UUID], request: ApiRequest, paging: Given[Paging]
) -> Response[PageOut[GroupUseOut]]:
    """What a subsidiary bought itself and uses, the newest first, for its headquarters by the right `see_usage`."""

    def rows(uow: UnitOfWork, **paged: Any) -> Any:
        return used_by_member(uow, group_membership_id, **paged)

    return list_page(request, paging, rows, GroupUseOut.of_row)


def _read(uow: UnitOfWork, membership_id: UUID) -> GroupMembershipRow:
    return get_membership(uow, membership_id)


routes = [
    get_group_memberships,
    post_group_membership,
    get_group_membership,
    post_group_acceptance,
    post_group_decline,
    post_group_withdraw,
    put_group_rights,
    post_group_end,
    get_group_orders,
    get_group_usage,
]
