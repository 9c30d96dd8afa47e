"""Circles as people use them: founded, found, joined, written in, moderated, and led."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Final
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import SIGNED_IN
from api.pages.circles.offers import offer_of, typed_offer, with_offers
from api.pages.circles.presenter import circle_page, circles_view, link_page, members_page, settings_page
from api.pages.circles.views import CirclePage, CircleSettingsPage, CirclesView, CircleTyped
from api.pages.frame import circle_addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import NOT_INDEXED, Form, PageRequest, form_post, page
from api.problems import headers_of
from api.schema import run_command
from api.v1.circle_members import CirclePostIn
from api.v1.circles import CircleIn
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Invalid, NotFound
from marketplace.channels.queries import get_channel
from marketplace.circles.follow_channels import follow_for_circle, unfollow_for_circle
from marketplace.circles.found_circle import SaveCircle, found_circle, renew_link, save_circle
from marketplace.circles.membership import (
    answer_join,
    join_by_link,
    join_circle,
    leave_circle,
    remove_member,
    set_listed,
    set_role,
)
from marketplace.circles.posts import WritePost, decide_post, mark_post, remove_post, write_post
from marketplace.circles.queries import get_circle, get_post_view
from orders.coupons.circle_offers import end_circle_offer, offer_to_circle
from orders.coupons.make_coupon import PERMISSION

Answer = Response[str] | Response[bytes]
_CARD: Final = re.compile(r"/(v|products)/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?![0-9a-f-])", re.IGNORECASE)
"""What an address of a video or a product has in it, wherever it was copied from."""

MEMBER_ACTS: dict[str, tuple[Callable[[UnitOfWork, UUID], object], str]] = {
    "accept": (lambda uow, id_: answer_join(uow, id_, accept=True).org_id, "circle_member_accepted"),
    "decline": (lambda uow, id_: answer_join(uow, id_, accept=False).org_id, "circle_member_declined"),
    "remove": (lambda uow, id_: remove_member(uow, id_).org_id, "circle_member_removed"),
    "owner": (lambda uow, id_: set_role(uow, id_, "owner").org_id, "circle_handed_over"),
    "moderator": (lambda uow, id_: set_role(uow, id_, "moderator").org_id, "circle_role_saved"),
    "member": (lambda uow, id_: set_role(uow, id_, "member").org_id, "circle_role_saved"),
}
POST_ACTS: dict[str, tuple[Callable[[UnitOfWork, UUID], object], str]] = {
    "show": (lambda uow, id_: decide_post(uow, id_, show=True).id, "circle_post_shown"),
    "hide": (lambda uow, id_: decide_post(uow, id_, show=False).id, "circle_post_hidden"),
    "mark": (lambda uow, id_: mark_post(uow, id_, marked=True).id, "circle_post_marked"),
    "unmark": (lambda uow, id_: mark_post(uow, id_, marked=False).id, "circle_post_unmarked"),
    "remove": (remove_post, "circle_post_removed"),
}


@page(circle_addresses.CIRCLES, SIGNED_IN)
def show_circles(page_request: Given[PageRequest]) -> Answer:
    """The reader's, and those that everybody may know of."""
    return page_request.render(circles_view(page_request))


@form_post(circle_addresses.CIRCLES, SIGNED_IN)
def found(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Found one; pressed twice, it is one."""
    typed = _typed(form)
    try:
        command = SaveCircle(**{one.name: getattr(typed, one.name) for one in fields(SaveCircle)})
        made = run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            CircleIn.model_construct(**{one.name: getattr(typed, one.name) for one in fields(SaveCircle)}),
            lambda uow: get_circle(uow, found_circle(uow, command).org_id),
            route=f"POST {circle_addresses.CIRCLES}",
        )
    except DomainError as refused:
        return _refused(page_request, replace(circles_view(page_request), typed=typed), refused)
    del made
    return page_request.redirect(circle_addresses.CIRCLES, notice="circle_founded")


@page("/circles/{circle_id:uuid}", SIGNED_IN)
def show_circle(circle_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """A circle. A video or a product that the reader is about to share stands in the form (`link`)."""
    view = replace(_whole_page(page_request, circle_id), link=page_request.query("link", most=300))
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/circles/{circle_id:uuid}/posts", SIGNED_IN)
def write(circle_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Write in it; pressed twice, it is written once."""
    text, link = form.values.get("text", "")[:5_000], form.text("link", most=300)
    try:
        command = _post_of(text, link)
        answer = run_command(
            page_request.request,
            form.text("idempotency_key", most=255) or None,
            CirclePostIn.model_construct(text=text, video_id=command.video_id, listing_id=command.listing_id),
            lambda uow: get_post_view(uow, write_post(uow, circle_id, command).id),
            route=f"POST /circles/{circle_id}/posts",
        )
    except DomainError as refused:
        if refused.code == "circle_not_found":
            raise
        view = replace(_whole_page(page_request, circle_id), text=text, link=link)
        named = "link" if refused.code in ("video_not_found", "listing_not_found") else ""
        return _refused(page_request, view, refused, named)
    waits = msgspec.json.decode(answer.body)["state"] == "waiting"
    notice = "circle_post_waits" if waits else "circle_post_written"
    return page_request.redirect(circle_addresses.circle(circle_id), notice=notice)


@form_post("/circles/{circle_id:uuid}/{act:str}", SIGNED_IN)
def do(circle_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Join, leave, stand in the directory or not; its leaders renew its link and let it follow channels."""
    here = circle_addresses.circle(circle_id)
    if act == "channels":
        return _follow(page_request, circle_id, form)
    acts: dict[str, tuple[Callable[[UnitOfWork], object], str]] = {
        "join": (lambda uow: join_circle(uow, circle_id).state, ""),
        "leave": (lambda uow: leave_circle(uow, circle_id), "circle_left"),
        "list": (lambda uow: set_listed(uow, circle_id, listed=True).id, "circle_listed"),
        "unlist": (lambda uow: set_listed(uow, circle_id, listed=False).id, "circle_unlisted"),
        "link": (lambda uow: renew_link(uow, circle_id).org_id, "circle_link_renewed"),
    }
    if act not in acts:
        raise NotFound("not_found")
    change, notice = acts[act]
    try:
        done = page_request.transact(change)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, _whole_page(page_request, circle_id), refused)
    if act == "join":
        notice = "circle_joined" if done == "active" else "circle_asked"
    if act == "leave":
        return page_request.redirect(circle_addresses.CIRCLES, notice=notice)
    return page_request.redirect(f"{here}/settings" if act == "link" else here, notice=notice)


@form_post("/circles/{circle_id:uuid}/channels/{channel_id:uuid}/unfollow", SIGNED_IN)
def unfollow(
    circle_id: FromPath[UUID], channel_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Let it follow a channel no more."""
    del form
    page_request.transact(lambda uow: unfollow_for_circle(uow, circle_id, channel_id))
    return page_request.redirect(circle_addresses.circle(circle_id), notice="circle_channel_dropped")


@form_post("/circles/{circle_id:uuid}/offers", PERMISSION)
def offer(circle_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer a product of one's own seller to it."""
    typed = typed_offer(form)
    try:
        command = offer_of(form, typed, circle_id)
        page_request.transact(lambda uow: offer_to_circle(uow, command).id)
    except DomainError as refused:
        if refused.code == "circle_not_found":
            raise
        view = replace(_whole_page(page_request, circle_id), offered=typed)
        named = {"name": "offer_name"}.get(str(getattr(refused, "field", None)), "")
        return _refused(page_request, view, refused, named)
    return page_request.redirect(circle_addresses.circle(circle_id), notice="circle_offered")


@form_post("/circle-offers/{offer_id:uuid}/end", SIGNED_IN)
def end_offer(offer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Let nobody be quoted at it any more."""
    del form
    circle_id = page_request.transact(lambda uow: end_circle_offer(uow, offer_id).circle_id)
    return page_request.redirect(circle_addresses.circle(circle_id), notice="circle_offer_ended")


@page("/circles/{circle_id:uuid}/members", SIGNED_IN)
def show_members(circle_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Who is in it, and who asks to be."""
    return page_request.render(members_page(page_request, circle_id), headers=NOT_INDEXED)


@page("/circles/{circle_id:uuid}/settings", SIGNED_IN)
def show_settings(circle_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """What it is, for its owner."""
    return page_request.render(settings_page(page_request, circle_id))


@page("/circle-links/{code:str}", SIGNED_IN)
def show_link(code: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """The circle whose link it is; whoever is in it is led there."""
    view = link_page(page_request, code)
    if view.circle.role:
        return page_request.redirect(circle_addresses.circle(view.circle.id))
    return page_request.render(view, headers=NOT_INDEXED)


@form_post("/circle-links/{code:str}", SIGNED_IN)
def join_link(code: FromPath[str], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Join by it."""
    del form

    def work(uow: UnitOfWork) -> tuple[UUID, str]:
        member = join_by_link(uow, code)
        return member.org_id, member.state

    try:
        circle_id, state = page_request.transact(work)
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(link_page(page_request, code), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    notice = "circle_joined" if state == "active" else "circle_asked"
    return page_request.redirect(circle_addresses.circle(circle_id), notice=notice)


@form_post("/circle-members/{member_id:uuid}/{act:str}", SIGNED_IN)
def act_on_member(
    member_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Let in, decline, remove, give a role, or hand the circle over."""
    if act not in MEMBER_ACTS:
        raise NotFound("not_found")
    change, notice = MEMBER_ACTS[act]
    del form
    circle_id = page_request.transact(lambda uow: change(uow, member_id))
    where = "" if act == "owner" else "/members"
    return page_request.redirect(circle_addresses.circle(circle_id, where), notice=notice)


@form_post("/circle-posts/{post_id:uuid}/{act:str}", SIGNED_IN)
def act_on_post(
    post_id: FromPath[UUID], act: FromPath[str], page_request: Given[PageRequest], form: Given[Form]
) -> Answer:
    """Show, hide, mark, unmark, or take one's own back."""
    del form
    if act not in POST_ACTS:
        raise NotFound("not_found")
    change, notice = POST_ACTS[act]

    def work(uow: UnitOfWork) -> UUID:
        change(uow, post_id)
        return get_post_view(uow, post_id).circle_id

    return page_request.redirect(circle_addresses.circle(page_request.transact(work)), notice=notice)


@form_post("/circles/{circle_id:uuid}/settings", SIGNED_IN)
def change_settings(circle_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say otherwise what it is."""
    typed = _typed(form)
    try:
        command = SaveCircle(**{one.name: getattr(typed, one.name) for one in fields(SaveCircle)})
        page_request.transact(lambda uow: save_circle(uow, circle_id, command).org_id)
    except NotFound:
        raise
    except DomainError as refused:
        shown = settings_page(page_request, circle_id)
        return _refused(page_request, replace(shown, typed=replace(typed, kind=shown.typed.kind)), refused)
    return page_request.redirect(circle_addresses.circle(circle_id, "/settings"), notice="circle_saved")


def _whole_page(page_request: PageRequest, circle_id: UUID) -> CirclePage:
    return with_offers(page_request, circle_page(page_request, circle_id), circle_id)


def _follow(page_request: PageRequest, circle_id: UUID, form: Form) -> Answer:
    handle = form.text("handle", most=100)

    def work(uow: UnitOfWork) -> None:
        follow_for_circle(uow, circle_id, get_channel(uow, handle.strip().lstrip("@").lower()).id)

    try:
        page_request.transact(work)
    except DomainError as refused:
        if refused.code == "circle_not_found":
            raise
        view = replace(_whole_page(page_request, circle_id), handle=handle)
        return _refused(page_request, view, refused, "handle")
    return page_request.redirect(circle_addresses.circle(circle_id), notice="circle_channel_followed")


def _typed(form: Form) -> CircleTyped:
    return CircleTyped(**{one.name: form.values.get(one.name, "")[:2_000] for one in fields(CircleTyped)})


def _post_of(text: str, link: str) -> WritePost:
    """What the form says; a video or a product by its address. Raises Invalid `circle_post_link`."""
    if not link:
        return WritePost(text)
    found = _CARD.search(link)
    if found is None:
        raise Invalid("circle_post_link", field="link")
    named = UUID(found.group(2))
    return WritePost(text, video_id=named) if found.group(1) == "v" else WritePost(text, listing_id=named)


def _refused(
    page_request: PageRequest,
    view: CirclesView | CirclePage | CircleSettingsPage,
    refused: DomainError,
    field: str = "",
) -> Answer:
    """The form again, with what is wrong where it was typed."""
    named, said = field or getattr(refused, "field", None) or "", failure(page_request, refused)
    shown = replace(view, error_field=named, field_error=said) if named else replace(view, error=said)
    return page_request.render(shown, status=refused.status, headers=headers_of(refused))


routes = [
    show_circles,
    found,
    show_circle,
    write,
    do,
    unfollow,
    offer,
    end_offer,
    show_members,
    show_settings,
    change_settings,
    show_link,
    join_link,
    act_on_member,
    act_on_post,
]
