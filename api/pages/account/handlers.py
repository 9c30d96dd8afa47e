"""One's own account, the organization's members, and the sandbox's outbox."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit
from uuid import UUID

from litestar import MediaType, Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api.auth import PUBLIC, SIGNED_IN
from api.pages.account.views import (
    AccountView,
    InvitationLine,
    MailLine,
    MailView,
    MemberShown,
    MembersView,
    OfferedOwnership,
    OpenSession,
    OutboxView,
    ReceivedInvitation,
)
from api.pages.frame import addresses
from api.pages.frame.choices import department_choices
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, local_path, page, parse_uuid_or_404
from api.problems import headers_of
from api.v1.account import change_own, change_own_password, end_other_sessions, end_session
from api.v1.outbox import mail_out, message, outbox
from api.v1.ownership_transfers import accept_transfer, decline_transfer
from kernel.db.uow import UnitOfWork
from kernel.errors import DomainError, Forbidden, NotFound
from marketplace.access.authenticate import PRE_AUTH, SignedIn
from marketplace.access.browser_name import browser_name
from marketplace.access.invitations import (
    Invite,
    OwnInvitation,
    invite,
    list_invitations,
    list_own_invitations,
    withdraw_invitation,
)
from marketplace.access.members import change_roles, leave, list_members, remove_member, set_department
from marketplace.access.ownership import (
    KEPT_ROLES,
    OfferOwnership,
    TransferRow,
    list_offered,
    list_own_offers,
    offer_ownership,
    withdraw_ownership,
)
from marketplace.access.permissions import ROLES, permissions_of
from marketplace.access.second_factor import read_status
from marketplace.access.sessions import list_sessions
from marketplace.departments.queries import list_departments
from marketplace.mail.bounces import find_bounces

Answer = Response[str] | Response[bytes]
REFUSED = 422
MANAGE = "members.manage"
_LINK = re.compile(r"https?://\S+")


@page(addresses.ACCOUNT, SIGNED_IN)
def account_page(page_request: Given[PageRequest]) -> Answer:
    """Name, password and browsers of who is signed in."""
    return page_request.render(_account(page_request))


@form_post(addresses.ACCOUNT, SIGNED_IN)
def change_account(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Change one's name and the language of one's mails."""
    try:
        change_own(page_request.request, form.text("name", most=200), form.text("locale", most=10))
    except DomainError as refused:
        return _refused(page_request, refused, name=form.values.get("name", "")[:200])
    return page_request.redirect(addresses.ACCOUNT, notice="account_changed")


@form_post(f"{addresses.ACCOUNT}/password", SIGNED_IN)
def change_password(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Set another password; other browsers are signed out."""
    try:
        change_own_password(
            page_request.request, form.text("current_password", most=1024), form.text("password", most=1024)
        )
    except DomainError as refused:
        return _refused(page_request, refused)
    return page_request.redirect(addresses.ACCOUNT, notice="password_changed")


@form_post("/account/sessions/{session_id:uuid}/end", SIGNED_IN)
def sign_out_browser(session_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Sign a browser out."""
    del form
    end_session(page_request.request, session_id)
    return page_request.redirect(addresses.ACCOUNT, notice="session_ended")


@form_post("/account/sessions/end-others", SIGNED_IN)
def sign_out_others(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Sign every other browser out."""
    del form
    end_other_sessions(page_request.request)
    return page_request.redirect(addresses.ACCOUNT, notice="sessions_ended")


@form_post("/account/leave", SIGNED_IN)
def leave_organization(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Leave the organization one acts for; with no other left, one is signed out."""
    del form
    try:
        page_request.transact(leave)
    except DomainError as refused:
        return _refused(page_request, refused)
    return page_request.redirect(addresses.SIGN_IN, notice="left")


@page(addresses.MEMBERS, MANAGE)
def members_page(page_request: Given[PageRequest]) -> Answer:
    """Members and open invitations."""
    return page_request.render(_members(page_request))


@form_post(f"{addresses.MEMBERS}/invite", MANAGE)
def invite_member(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Ask somebody to join, by mail."""
    email, role = form.text("email", most=254), form.text("role", most=20)
    roles = [role] if role else _roles(form)
    try:
        page_request.transact(lambda uow: invite(uow, Invite(email, roles, page_request.language)))
    except DomainError as refused:
        view = _members(page_request, email, role, failure(page_request, refused))
        return page_request.render(view, status=REFUSED, headers=headers_of(refused))
    return page_request.redirect(addresses.MEMBERS, notice="invited")


@form_post("/members/{member_id:uuid}/roles", MANAGE)
def change_member(member_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Give a member other roles. Who has taken away their own right to this page goes on at their account."""
    roles, own_id = _roles(form), _self(page_request).principal.person_id

    def act(uow: UnitOfWork) -> str:
        member = change_roles(uow, member_id, roles)
        is_over = member.person_id == own_id and MANAGE not in permissions_of(member.roles)
        return addresses.ACCOUNT if is_over else addresses.MEMBERS

    return _member_act(page_request, act, "roles_changed")


@form_post("/members/{member_id:uuid}/department", MANAGE)
def choose_department(member_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say whose spending it is what a member buys."""
    chosen = form.text("department_id", most=36)
    department_id = parse_uuid_or_404(chosen, "department_not_found") if chosen else None

    def act(uow: UnitOfWork) -> None:
        set_department(uow, member_id, department_id)

    return _member_act(page_request, act, "member_department_set")


@form_post("/members/{member_id:uuid}/remove", MANAGE)
def end_membership(member_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """End a membership."""
    del form
    return _member_act(page_request, lambda uow: remove_member(uow, member_id), "member_removed")


@form_post("/members/invitations/{invitation_id:uuid}/withdraw", MANAGE)
def take_back(invitation_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take an invitation back."""
    del form
    return _member_act(page_request, lambda uow: withdraw_invitation(uow, invitation_id), "invitation_withdrawn")


@form_post(addresses.OWNERSHIP_OFFER, MANAGE)
def hand_over(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Offer the ownership to a member."""
    member_id, keeps = parse_uuid_or_404(form.text("member_id"), "member_not_found"), form.text("keeps", most=20)
    command = OfferOwnership(member_id, keeps)
    return _member_act(page_request, lambda uow: offer_ownership(uow, command), "ownership_offered")


@form_post("/members/ownership/{transfer_id:uuid}/withdraw", MANAGE)
def take_ownership_back(transfer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take one's own offer back."""
    del form
    return _member_act(page_request, lambda uow: withdraw_ownership(uow, transfer_id), "ownership_withdrawn")


@form_post("/account/ownership/{transfer_id:uuid}/accept", SIGNED_IN)
def become_owner(transfer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Accept the ownership that was offered."""
    del form
    return _answered(page_request, lambda: accept_transfer(page_request.request, transfer_id), "ownership_accepted")


@form_post("/account/ownership/{transfer_id:uuid}/decline", SIGNED_IN)
def decline_to_own(transfer_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Decline it."""
    del form
    return _answered(page_request, lambda: decline_transfer(page_request.request, transfer_id), "ownership_declined")


@page(addresses.OUTBOX, PUBLIC)
def outbox_page(page_request: Given[PageRequest]) -> Answer:
    """The sandbox's mails."""
    to = page_request.query("to", most=254)
    mails = outbox(page_request.request, to)
    return page_request.render(
        OutboxView(tuple(MailLine(one.id, one.to, one.subject, one.sent_at) for one in mails), to)
    )


@page("/outbox/{mail_id:str}", PUBLIC)
def mail_page(mail_id: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """One of them."""
    one = mail_out(mail_id, message(page_request.request, mail_id))
    link = _LINK.search(one.text)
    address = urlsplit(link.group()) if link else None
    target = local_path(f"{address.path}?{address.query}" if address.query else address.path) if address else ""
    return page_request.render(MailView(one.id, one.to, one.subject, one.sent_at, tuple(one.text.splitlines()), target))


@page("/outbox/{mail_id:str}/html", PUBLIC)
def mail_html(mail_id: FromPath[str], page_request: Given[PageRequest]) -> Answer:
    """How it looks in a mail program: the message itself, shut in by its own policy."""
    body = message(page_request.request, mail_id).get_body(("html",))
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'"}
    content = str(body.get_content()) if body is not None else ""
    return Response(content, media_type=MediaType.HTML, headers=headers)


def _refused(page_request: PageRequest, refused: DomainError, *, name: str | None = None) -> Answer:
    view = _account(page_request, failure(page_request, refused), getattr(refused, "field", None) or "", name)
    return page_request.render(view, status=REFUSED, headers=headers_of(refused))


def _answered(page_request: PageRequest, act: Callable[[], None], done: str) -> Answer:
    try:
        act()
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, refused)
    return page_request.redirect(addresses.ACCOUNT, notice=done)


def _roles(form: Form) -> list[str]:
    """The roles that are ticked."""
    return [role for role in ROLES if form.text(f"role_{role}")]


def _member_act(page_request: PageRequest, act: Callable[[UnitOfWork], object], done: str) -> Answer:
    """Do it and come back, or go where it says."""
    try:
        next_page = page_request.transact(act)
    except DomainError as refused:
        return page_request.render(
            _members(page_request, error=failure(page_request, refused)),
            status=refused.status,
            headers=headers_of(refused),
        )
    return page_request.redirect(next_page if isinstance(next_page, str) else addresses.MEMBERS, notice=done)


def _account(
    page_request: PageRequest, error: str | None = None, error_field: str = "", name: str | None = None
) -> AccountView:
    own = _self(page_request)
    person_id = own.principal.person()
    with page_request.request.transaction(acting_as=PRE_AUTH) as uow:
        sessions = list_sessions(uow, person_id, own.session_id)
        second_factor, offered = read_status(uow, person_id), list_offered(uow, person_id)
        invitations = list_own_invitations(uow, page_request.services.signer, own.email)
        bounce = find_bounces(uow, {own.email}).get(own.email)
    return AccountView(
        name=own.person_name if name is None else name,
        email=own.email,
        locale=own.locale,
        sessions=tuple(
            OpenSession(
                str(one.id),
                one.is_current,
                browser_name(one.agent) or page_request.t("account.unknown_browser"),
                one.organization,
                one.network_address,
                one.created_at,
            )
            for one in sessions
        ),
        may_leave=not own.organization.is_platform,
        organization=own.organization.display_name,
        roles=own.organization.roles,
        invitations=tuple(_received(one) for one in invitations),
        bounced=bounce.reason if bounce else None,
        offered=tuple(_offered(one) for one in offered),
        by_provider=own.by_provider,
        has_second_factor=second_factor.since is not None,
        recovery_codes_left=second_factor.recovery_codes_left,
        error=error,
        error_field=error_field,
    )


def _members(
    page_request: PageRequest, email: str = "", role: str = "purchaser", error: str | None = None
) -> MembersView:
    own = _self(page_request)
    own_id, is_owner = own.principal.person_id, "owner" in own.organization.roles
    with page_request.work() as uow:
        members, invitations = list_members(uow), list_invitations(uow)
        departments = list_departments(uow, archived=True)
        handing_over = next(iter(list_own_offers(uow)), None) if is_owner else None
    return MembersView(
        members=tuple(
            MemberShown(
                str(one.id),
                one.name,
                one.email,
                one.roles,
                one.person_id == own_id,
                one.created_at,
                str(one.department_id or ""),
                department_choices(departments, page_request.language, one.department_id),
            )
            for one in members
            if one.state == "active"
        ),
        invitations=tuple(
            InvitationLine(
                str(one.id),
                one.email,
                one.roles,
                one.state == "expired",
                one.expires_at,
                one.bounced,
                one.state == "declined",
            )
            for one in invitations
        ),
        roles=tuple(ROLES),
        may_hand_over=is_owner,
        kept_roles=KEPT_ROLES,
        handing_over=_offered(handing_over) if handing_over else None,
        email=email,
        role=role,
        error=error,
    )


def _received(row: OwnInvitation) -> ReceivedInvitation:
    address = addresses.with_query(addresses.INVITATION, token=row.token)
    return ReceivedInvitation(address, row.organization, row.roles, row.invited_by, row.expires_at)


def _offered(row: TransferRow) -> OfferedOwnership:
    return OfferedOwnership(str(row.id), row.organization, row.from_name, row.to_name, row.keeps, row.expires_at)


def _self(page_request: PageRequest) -> SignedIn:
    if page_request.signed_in is None:
        raise Forbidden("person_required")
    return page_request.signed_in


routes = [
    account_page,
    change_account,
    change_password,
    sign_out_browser,
    sign_out_others,
    leave_organization,
    members_page,
    invite_member,
    change_member,
    choose_department,
    end_membership,
    take_back,
    hand_over,
    take_ownership_back,
    become_owner,
    decline_to_own,
    outbox_page,
    mail_page,
    mail_html,
]
