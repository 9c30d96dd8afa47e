"""Groups in the reader's words."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from api.pages.frame import addresses, group_addresses
from api.pages.frame.site import PageRequest
from api.pages.groups.views import GroupItem, GroupView, MemberOrderItem, MemberUseItem, MemberView, RightItem
from kernel.errors import NotFound
from kernel.ids import uuid7
from kernel.money import Money
from marketplace.groups.models import RIGHTS
from marketplace.groups.queries import GroupMembershipRow, get_membership, list_memberships
from orders.groups.queries import GroupOrderRow, GroupUseRow, orders_of_member, used_by_member

ASKED_AT_FIRST = ("see_orders", "see_usage", "allocate_seats")
"""Ticked in an empty form: what headquarters mostly ask for."""


def group_view(page_request: PageRequest) -> GroupView:
    """The acting organization's headquarters and subsidiaries."""
    with page_request.work() as uow:
        found = list_memberships(uow, cursor=page_request.query("cursor", most=200) or None)
    return GroupView(
        address=group_addresses.GROUP,
        rows=tuple(group_item(one) for one in found.items),
        rights=rights_shown(ASKED_AT_FIRST),
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
    return MemberView(
        group=group_addresses.GROUP,
        one=group_item(row),
        sees_orders=sees_orders,
        sees_usage=sees_usage,
        orders=tuple(_order(page_request, one) for one in orders.items) if orders else (),
        more_orders=bool(orders and orders.next_cursor),
        used=tuple(_used(page_request, one) for one in used.items) if used else (),
        more_used=bool(used and used.next_cursor),
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
