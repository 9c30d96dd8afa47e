"""Groups in the reader's words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from api.pages.frame import addresses, group_addresses
from api.pages.frame.choices import Choice
from api.pages.frame.site import PageRequest
from api.pages.groups.views import (
    AllocatedSeatItem,
    AllocatedView,
    AllocationItem,
    GroupItem,
    GroupView,
    MemberOrderItem,
    MemberUseItem,
    MemberView,
    RightItem,
)
from fulfillment.seat_allocations.allocate import ASSIGN
from fulfillment.seat_allocations.queries import (
    AllocationRow,
    allocatable,
    allocations_of_group,
    get_own_allocation,
    holders_of_member,
)
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.access.members import list_members
from marketplace.groups.models import RIGHTS
from marketplace.groups.queries import GroupMembershipRow, get_membership, list_memberships
from orders.groups.queries import GroupOrderRow, GroupUseRow, orders_of_member, used_by_member

ASKED_AT_FIRST = ("see_orders", "see_usage", "allocate_seats")
"""Ticked in an empty form: what headquarters mostly ask for."""


def group_view(page_request: PageRequest) -> GroupView:
    """The acting organization's headquarters and subsidiaries."""
    with page_request.work() as uow:
        found = list_memberships(uow, cursor=page_request.query("cursor", most=200) or None)
        allocations = allocations_of_group(uow)
    return GroupView(
        address=group_addresses.GROUP,
        rows=tuple(group_item(one) for one in found.items),
        rights=rights_shown(ASKED_AT_FIRST),
        allocations=tuple(_allocation(page_request, one) for one in allocations),
        files=group_addresses.REPORT_FILES if allocations else (),
        next_address=addresses.next_page(group_addresses.GROUP, found.next_cursor),
        idempotency_key=str(uuid7()),
    )


def member_view(page_request: PageRequest, membership_id: UUID) -> MemberView:
    """A subsidiary of the acting headquarters. Raises NotFound `group_membership_not_found`, to the subsidiary too."""
    with page_request.work() as uow:
        row = get_membership(uow, membership_id)
        if not row.is_hq:
            raise NotFound("group_membership_not_found")
        running = row.state == "active"
        sees_orders, sees_usage = (running and one in row.rights for one in ("see_orders", "see_usage"))
        orders = orders_of_member(uow, membership_id) if sees_orders else None
        used = used_by_member(uow, membership_id) if sees_usage else None
        allocations = allocations_of_group(uow, membership_id=membership_id)
        may_allocate = running and page_request.principal.may(ASSIGN)
        products = allocatable(uow) if may_allocate and "allocate_seats" in row.rights else []
        names: dict[UUID, list[str]] = {}
        if running and "see_seat_holders" in row.rights:
            for holder in holders_of_member(uow, membership_id):
                names.setdefault(holder.allocation_id, []).append(holder.name)
    save = group_addresses.membership(membership_id, "/allocations") if may_allocate else ""
    return MemberView(
        group=group_addresses.GROUP,
        one=group_item(row),
        sees_orders=sees_orders,
        sees_usage=sees_usage,
        orders=tuple(_order(page_request, one) for one in orders.items) if orders else (),
        more_orders=bool(orders and orders.next_cursor),
        used=tuple(_used(page_request, one) for one in used.items) if used else (),
        more_used=bool(used and used.next_cursor),
        allocations=tuple(_allocation(page_request, one, save, names.get(one.id, ())) for one in allocations),
        products=tuple(
            Choice(
                str(one.entitlement_id),
                f"{page_request.pick(one.title, one.title_en)} · {one.seller_name} · "
                + page_request.t("group.left", left=page_request.formats.number(one.left)),
            )
            for one in products
        ),
        allocate=save,
    )


def group_item(one: GroupMembershipRow) -> GroupItem:
    """A membership with what its reader may do."""
    running = one.state == "active"

    def act(name: str, *, may: bool) -> str:
        return group_addresses.membership(one.id, f"/{name}") if may else ""

    return GroupItem(
        id=str(one.id),
        name=one.member_name if one.is_hq else one.hq_name,
        state=one.state,
        is_hq=one.is_hq,
        asked_by_you=one.by_hq is one.is_hq,
        rights=rights_shown(one.rights),
        at=one.ended_at or one.accepted_at or one.created_at,
        address=group_addresses.membership(one.id) if one.is_hq and running else "",
        accept=act("accept", may=one.may_answer and one.is_hq),
        accept_rights=act("accept", may=one.may_answer and not one.is_hq),
        decline=act("decline", may=one.may_answer),
        withdraw=act("withdraw", may=one.state == "requested" and not one.may_answer),
        change=act("rights", may=running and not one.is_hq),
        end=act("end", may=running),
    )


def rights_shown(given: Collection[str]) -> tuple[RightItem, ...]:
    """All of them, in the order they are stated."""
    return tuple(RightItem(one, one in given) for one in RIGHTS)


def _order(page_request: PageRequest, one: GroupOrderRow) -> MemberOrderItem:
    titles = [page_request.pick(zh, en) for zh, en in zip(one.titles, one.titles_en, strict=True)]
    return MemberOrderItem(
        one.number,
        " · ".join(titles),
        one.seller_name,
        one.state,
        Money(one.gross_minor, one.currency.strip()),
        one.created_at,
    )


def _used(page_request: PageRequest, one: GroupUseRow) -> MemberUseItem:
    what = page_request.pick(one.title, one.title_en)
    return MemberUseItem(what, one.seller_name, one.state, one.seats, one.seats_used, one.valid_to)


def allocated_view(page_request: PageRequest, allocation_id: UUID, error: str = "") -> AllocatedView:
    """Seats that the acting subsidiary was allocated. Raises NotFound."""
    may_assign = page_request.principal.may(ASSIGN)
    with page_request.work() as uow:
        detail = get_own_allocation(uow, allocation_id)
        members = list_members(uow) if may_assign else []
    row = detail.row
    seated = {seat.person_id for seat in detail.seats}
    return AllocatedView(
        what=page_request.pick(row.title, row.title_en),
        seller=row.seller_name,
        hq=row.hq_name,
        state=row.state,
        number=row.seats,
        until=row.valid_to,
        seats=tuple(AllocatedSeatItem(str(one.id), one.name, one.email, one.assigned_at) for one in detail.seats),
        candidates=tuple(
            Choice(str(one.person_id), f"{one.name} · {one.email}")
            for one in members
            if one.state == "active" and one.person_id not in seated
        ),
        may_assign=may_assign and row.ended_at is None,
        address=group_addresses.allocated(allocation_id, "/seats"),
        launch=group_addresses.allocated(allocation_id, "/launch") if row.may_launch else "",
        ended_for=row.ended_for or "",
        error=error,
        by_dealer=row.by_dealer,
    )


def _allocation(
    page_request: PageRequest, one: AllocationRow, save: str = "", holders: Sequence[str] = ()
) -> AllocationItem:
    return AllocationItem(
        id=str(one.id),
        entitlement_id=str(one.entitlement_id),
        member=one.member_name,
        member_address=group_addresses.membership(one.membership_id),
        what=page_request.pick(one.title, one.title_en),
        seller=one.seller_name,
        state=one.state,
        seats=one.seats,
        used=one.seats_used,
        until=one.valid_to,
        save=save,
        holders=tuple(holders),
    )
