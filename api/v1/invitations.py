"""Invitations: an organization's own, and the one whose link somebody holds."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.datastructures import Cookie
from litestar.params import FromPath, JSONBody
from pydantic import Field

from api.auth import PUBLIC, SIGNED_IN
from api.csrf import cover_token
from api.known_device import device_cookie
from api.request import ApiRequest
from api.schema import Wire
from api.v1.members import Roles
from api.v1.organizations import require_own_organization
from api.v1.session import SessionOut, browser_of, session_cookie
from api.v1.sign_ups import Password, Token, count_link
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Unauthenticated
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.invitations import (
    InvitationRow,
    InvitationShown,
    Invite,
    Newcomer,
    OwnInvitation,
    accept_invitation,
    decline_invitation,
    invite,
    list_invitations,
    list_own_invitations,
    read_invitation,
    withdraw_invitation,
)
from marketplace.access.second_factor import find_second_factor
from marketplace.access.sessions import NewSession, begin_session


class InvitationIn(Wire):
    """Whom to ask, and what they may do then. The mail is in `locale`."""

    email: Annotated[str, Field(min_length=3, max_length=254)]
    roles: Roles
    locale: Literal["zh-CN", "en"] = "zh-CN"


class TokenIn(Wire):
    """What the invitation's link carries."""

    token: Token


class AcceptIn(TokenIn):
    """`name` and `password` where the address is new here; `password` alone of an account that has no organization left to sign
    in for (`may_sign_in`); who has one signs in first.
    """

    name: Annotated[str, Field(max_length=100)] = ""
    password: Annotated[Password, Field(min_length=0)] = ""
    locale: Literal["zh-CN", "en"] = "zh-CN"


@get("/v1/organizations/{org_id:uuid}/invitations", permission="members.manage", sync_to_thread=True, tags=["people"])
def get_invitations(org_id: FromPath[UUID], request: ApiRequest) -> list[InvitationRow]:
    """Open and expired invitations of one's own organization."""
    require_own_organization(request.principal, org_id)
    with request.transaction() as uow:
        return list_invitations(uow)


@post(
    "/v1/organizations/{org_id:uuid}/invitations",
    permission="members.manage",
    refuses=[409, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_invitation(org_id: FromPath[UUID], data: JSONBody[InvitationIn], request: ApiRequest) -> InvitationRow:
    """Ask somebody to join, by mail. They become a member when they accept. Asked again, the mail is sent again."""
    require_own_organization(request.principal, org_id)
    return request.transact(lambda uow: invite(uow, Invite(data.email, data.roles, data.locale)))


@delete(
    "/v1/organizations/{org_id:uuid}/invitations/{invitation_id:uuid}",
    permission="members.manage",
    refuses=[409],
    sync_to_thread=True,
    tags=["people"],
)
def delete_invitation(org_id: FromPath[UUID], invitation_id: FromPath[UUID], request: ApiRequest) -> None:
    """Take an invitation back."""
    require_own_organization(request.principal, org_id)
    request.transact(lambda uow: withdraw_invitation(uow, invitation_id))


@get("/v1/me/invitations", permission=SIGNED_IN, sync_to_thread=True, tags=["people"])
def get_own_invitations(request: ApiRequest) -> list[OwnInvitation]:
    """Open invitations to one's own address. The `token` of one answers it, as its mail's link does."""
    return own_invitations(request)


@post(
    "/v1/invitations/lookup",
    permission=PUBLIC,
    refuses=[410, 429],
    status_code=200,
    sync_to_thread=True,
    tags=["people"],
)
def look_up_invitation(data: JSONBody[TokenIn], request: ApiRequest) -> InvitationShown:
    """What an invitation's link is about. A POST, so that the token stands in no log of addresses."""
    return shown_invitation(request, data.token)


@post(
    "/v1/invitations/acceptance",
    permission=PUBLIC,
    refuses=[401, 403, 409, 410, 429],
    sync_to_thread=True,
    tags=["people"],
)
def create_membership(data: JSONBody[AcceptIn], request: ApiRequest) -> Response[SessionOut]:
    """Accept: as who is signed in, or as somebody new. A session for the organization is opened."""
    newcomer = Newcomer(data.name, data.password, data.locale) if data.name or data.password else None
    opened, cookies = accept(request, data.token, newcomer)
    body = SessionOut(csrf=cover_token(opened.csrf), org_id=opened.org_id, person_id=opened.person_id)
    return Response(body, status_code=201, cookies=cookies)


@post(
    "/v1/invitations/refusal",
    permission=PUBLIC,
    refuses=[410, 429],
    status_code=204,
    sync_to_thread=True,
    tags=["people"],
)
def create_refusal(data: JSONBody[TokenIn], request: ApiRequest) -> None:
    """Decline."""
    decline(request, data.token)


def own_invitations(request: ApiRequest) -> list[OwnInvitation]:
    """For the JSON route and the page alike. Raises Forbidden(`person_required`) for keys."""
    if request.signed_in is None:
        raise Forbidden("person_required")
    email, signer = request.signed_in.email, request.services.signer
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return list_own_invitations(uow, signer, email)


def shown_invitation(request: ApiRequest, token: str) -> InvitationShown:
    """For the JSON route and the page alike. Raises as `read_invitation`."""
    count_link(request)
    signer = request.services.signer
    with request.transaction(acting_as=PRE_AUTH) as uow:
        return read_invitation(uow, signer, token)


def accept(request: ApiRequest, token: str, newcomer: Newcomer | None) -> tuple[NewSession, tuple[Cookie, ...]]:
    """Join, and act for the organization from now on.

    Raises: as `accept_invitation`; Unauthenticated `sign_in_required` for nobody at all and, having joined, where the account
    asks for a second factor.
    """
    count_link(request)
    signed_in, services = request.signed_in, request.services
    who = newcomer if newcomer is not None or signed_in is None else signed_in.principal.person()
    if who is None:
        raise Unauthenticated("sign_in_required")

    def work(uow: UnitOfWork) -> tuple[NewSession | None, str]:
        shown = read_invitation(uow, services.signer, token)
        joined = accept_invitation(uow, services.signer, token, who)
        if signed_in is None and find_second_factor(uow, joined.person_id) is not None:
            return None, shown.email
        return begin_session(uow, joined.person_id, joined.org_id, browser_of(request)), shown.email

    opened, email = request.transact(work, acting_as=PRE_AUTH)
    if opened is None:
        raise Unauthenticated("sign_in_required")
    return opened, (device_cookie(services, email, None), session_cookie(services, opened.token))


def decline(request: ApiRequest, token: str) -> None:
    """For the JSON route and the page alike. Raises as `decline_invitation`."""
    count_link(request)
    request.transact(lambda uow: decline_invitation(uow, request.services.signer, token), acting_as=PRE_AUTH)


routes = [
    get_invitations,
    get_own_invitations,
    create_invitation,
    delete_invitation,
    look_up_invitation,
    create_membership,
    create_refusal,
]
