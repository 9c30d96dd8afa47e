"""A group on pages: an organization's headquarters and subsidiaries, and a subsidiary as its headquarters reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.pages.frame import group_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page, parse_uuid_or_404, redirect
from api.pages.groups.presenter import allocated_view, group_view, member_view, rights_shown
from api.pages.videos.presenter import named_organization
from api.problems import headers_of
from api.schema import run_command
from api.v1.group_memberships import AskGroupIn, GroupMembershipOut
from fulfillment.seat_allocations.allocate import ASSIGN, AllocateSeats, allocate_seats, leave_group
from fulfillment.seat_allocations.assign import assign_allocated_seat, revoke_allocated_seat
from fulfillment.seat_allocations.queries import launch_allocated
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.groups.memberships import (
    MANAGE,
    AskGroup,
    accept_group,
    ask_group,
    change_rights,
    decline_group,
    withdraw_group,
)
from marketplace.groups.models import RIGHTS, GroupMembership
from marketplace.groups.queries import get_membership
from marketplace.pricing.shapes import MAX_SEATS

Answer = Response[str] | Response[bytes]
Act = Callable[[UnitOfWork, UUID], GroupMembership]
ACTS: dict[str, tuple[Act, str]] = {
    "decline": (decline_group, "group_declined"),
    "withdraw": (withdraw_group, "group_withdrawn"),
    "end": (leave_group, "group_ended"),
}


@page(group_addresses.GROUP, MANAGE)
def show_group(page_request: Given[PageRequest]) -> Answer:
    """One's headquarters, one's subsidiaries, and the form that asks for either."""
    return page_request.render(group_view(page_request))


@form_post(group_addresses.GROUP, MANAGE)
def ask(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask an organization by its number, name or tax identifier; pressed twice, it is asked once."""
    who, as_hq, rights = form.text("partners", most=200), form.text("as", most=10) != "member", _rights(form)
    try:
        command = AskGroup(named_organization(page_request, who), as_hq, rights)
        asked = AskGroupIn.model_construct(
            organization_id=command.org_id, as_headquarters=command.as_hq, rights=list(rights)
        )
        run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            asked,
            lambda uow: GroupMembershipOut.of(get_membership(uow, ask_group(uow, command).id)),
            route=f"POST {group_addresses.GROUP}",
        )
    except DomainError as refused:
        view = replace(
            group_view(page_request),
            who=who,
            as_hq=as_hq,
            rights=rights_shown(rights),
            error_field="partners",
            field_error=failure(page_request, refused),
        )
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(group_addresses.GROUP, notice="group_requested")


@page("/group/{membership_id:uuid}", MANAGE)
def show_member(membership_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A subsidiary: what its rights show."""
    return page_request.render(member_view(page_request, membership_id))


@form_post("/group/{membership_id:uuid}/accept", MANAGE)
def accept(membership_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say yes; a subsidiary with the rights that it ticked."""
    rights = _rights(form)
    page_request.transact(lambda uow: accept_group(uow, membership_id, rights).id)
    return page_request.redirect(group_addresses.GROUP, notice="group_accepted")


@form_post("/group/{membership_id:uuid}/rights", MANAGE)
def set_rights(membership_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let one's headquarters do what is ticked, and nothing else."""
    rights = _rights(form)
    page_request.transact(lambda uow: change_rights(uow, membership_id, rights).id)
    return page_request.redirect(group_addresses.GROUP, notice="group_rights_saved")


@form_post("/group/{membership_id:uuid}/allocations", ASSIGN)
def allocate(membership_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let a subsidiary have so many seats of a product; 0 takes them back."""
    product, number = form.text("product", most=36), form.text("number", most=9)
    try:
        if not (number.isascii() and number.isdigit()):
            raise Invalid("quantity_out_of_range", field="number", least=0, most=MAX_SEATS)
        command = AllocateSeats(parse_uuid_or_404(product), membership_id, int(number))
        page_request.transact(lambda uow: _allocated(uow, command))
    except DomainError as refused:
        view = replace(
            member_view(page_request, membership_id),
            product=product,
            number=number,
            error_field="number",
            field_error=failure(page_request, refused),
        )
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    return page_request.redirect(group_addresses.membership(membership_id), notice="seats_allocated")


@page("/allocated-seats/{allocation_id:uuid}", "entitlements.read")
def show_allocated(allocation_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Seats that one's headquarters allocated, and who has one."""
    return page_request.render(allocated_view(page_request, allocation_id))


@page("/allocated-seats/{allocation_id:uuid}/launch", "entitlements.read")
def launch(allocation_id: FromPath[UUID], page_request: Given[PageRequest]) -> Response[bytes]:
    """Go to the seller's product, while it may be used."""
    with page_request.work() as uow:
        address = launch_allocated(uow, allocation_id)
    return redirect(address)


@form_post("/allocated-seats/{allocation_id:uuid}/seats", ASSIGN)
def change_seats(allocation_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """`action=assign` gives the member `member_id` a seat, `action=revoke` takes the seat `member_id` back."""
    named, revoking = parse_uuid_or_404(form.text("member_id")), form.text("action") == "revoke"
    try:
        if revoking:
            page_request.transact(lambda uow: revoke_allocated_seat(uow, allocation_id, named))
        else:
            page_request.transact(lambda uow: assign_allocated_seat(uow, allocation_id, named))
    except DomainError as refused:
        view = allocated_view(page_request, allocation_id, failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    notice = "seat_revoked" if revoking else "seat_assigned"
    return page_request.redirect(group_addresses.allocated(allocation_id), notice=notice)


@form_post("/group/{membership_id:uuid}/{act:str}", MANAGE)
def act_on_membership(
    membership_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Decline, take back, or end."""
    del form
    if act not in ACTS:
        raise NotFound("not_found")
    work, notice = ACTS[act]
    page_request.transact(lambda uow: work(uow, membership_id).id)
    return page_request.redirect(group_addresses.GROUP, notice=notice)


def _allocated(uow: UnitOfWork, command: AllocateSeats) -> None:
    allocate_seats(uow, command)


def _rights(form: Form) -> tuple[str, ...]:
    return tuple(one for one in RIGHTS if f"right_{one}" in form.values)


routes = [
    show_group,
    ask,
    show_member,
    accept,
    set_rights,
    allocate,
    show_allocated,
    launch,
    change_seats,
    act_on_membership,
]
