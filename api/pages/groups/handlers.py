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
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.groups.presenter import group_view, member_view, rights_shown
from api.pages.videos.presenter import named_organization
from api.problems import headers_of
from api.schema import run_command
from api.v1.group_memberships import AskGroupIn, GroupMembershipOut
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, NotFound
from marketplace.groups.memberships import (
    MANAGE,
    AskGroup,
    accept_group,
    ask_group,
    change_rights,
    decline_group,
    end_group,
    withdraw_group,
)
from marketplace.groups.models import RIGHTS, GroupMembership
from marketplace.groups.queries import get_membership

Answer = Response[str] | Response[bytes]
Act = Callable[[UnitOfWork, UUID], GroupMembership]
ACTS: dict[str, tuple[Act, str]] = {
    "decline": (decline_group, "group_declined"),
    "withdraw": (withdraw_group, "group_withdrawn"),
    "end": (end_group, "group_ended"),
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


def _rights(form: Form) -> tuple[str, ...]:
    return tuple(one for one in RIGHTS if f"right_{one}" in form.values)


routes = [show_group, ask, show_member, accept, set_rights, act_on_membership]
