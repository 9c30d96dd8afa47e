"""Signing in and out, who one is, and for which organization one acts."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from pydantic import ConfigDict, Field

from api.auth import COOKIE, PUBLIC, SECURE_COOKIE, SIGNED_IN, Caller
from api.context import Services
from api.csrf import cover_token
from api.known_device import device_cookie, known_device
from api.network_address import network_address
from api.request import ApiRequest
from api.schema import Out, Wire
from kernel.errors import Forbidden
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.second_factor import counted_as
from marketplace.access.sessions import (
    LASTS,
    Browser,
    CodeRequired,
    NewSession,
    PasswordProved,
    SignIn,
    sign_in,
    sign_in_with_code,
    sign_out,
    switch_organization,
)
from marketplace.access.sign_in_limits import count_attempt


class SignInBody(Wire):
    """A local account's address and password; `org_id` chooses among several organizations."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "buyer@example.com", "password": "correct horse battery staple"}]}
    )

    email: Annotated[str, Field(min_length=3, max_length=254)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    org_id: UUID | None = None
    code: Annotated[str, Field(max_length=40)] = ""
    """Of the authenticator app, or a recovery code: asked for by `code_required`, where the account has a second factor."""


class SwitchBody(Wire):
    """The organization to act for from now on."""

    org_id: UUID


class MembershipOut(Out):
    """An organization one may act for."""

    org_id: UUID
    display_name: str
    roles: list[str]
    is_seller: bool


class SessionOut(Out):
    """A session just opened. Requests that change something carry `csrf` in `X-CSRF-Token`.

    It looks different in each answer; every one that the session was given works.
    """

    csrf: str
    org_id: UUID
    person_id: UUID


class MeOut(Out):
    """Who asks: a person with a session, or a key."""

    kind: str
    person_id: UUID | None
    name: str
    email: str | None
    locale: str | None
    org_id: UUID | None
    permissions: list[str]
    organizations: list[MembershipOut]
    csrf: str | None


def browser_of(request: ApiRequest) -> Browser:
    """What is known of where a request comes from."""
    origin = network_address(request, request.services.settings.forwarded_hops)
    return Browser(request.headers.get("user-agent", ""), origin or "")


def session_cookie(services: Services, token: str) -> Cookie:
    """The cookie of a session; pages set it too. Not readable by scripts, not sent from other sites' forms."""
    https = services.settings.public_url.startswith("https://")
    return Cookie(
        key=SECURE_COOKIE if https else COOKIE,
        value=token,
        httponly=True,
        secure=https,
        samesite="lax",
        path="/",
        max_age=int(LASTS.total_seconds()) if token else 0,
    )


Opened = tuple[NewSession, tuple[Cookie, ...]]
"""The session, and the cookies by which the browser is known from now on."""


def open_session(request: ApiRequest, command: SignIn, code: str = "") -> Opened:
    """Sign in, for the JSON route and the page alike.

    Raises as `count_attempt`, `sign_in` (where no code was given) and `sign_in_with_code`.
    """
    email, known = command.email, known_device(request, command.email)
    # Two transactions: the attempt stays counted when the second is refused.
    device_id = request.transact(
        lambda uow: count_attempt(uow, email, command.network_address, known), acting_as=PRE_AUTH
    )
    command = replace(command, device_id=device_id, agent=browser_of(request).agent)
    try:
        opened = request.transact(lambda uow: sign_in(uow, command), acting_as=PRE_AUTH)
    except CodeRequired as required:
        if not code:
            raise
        return open_with_code(request, PasswordProved(required.person_id, email), code, command)
    return opened, _known_from_now_on(request, email, device_id, opened)


def open_with_code(request: ApiRequest, proved: PasswordProved, code: str, command: SignIn) -> Opened:
    """The second step, after a right password. Raises as `count_attempt` and `sign_in_with_code`."""
    counted, known = counted_as(proved.person_id), known_device(request, proved.email)
    # As with the password: the guess stays counted.
    device_id = request.transact(
        lambda uow: count_attempt(uow, counted, command.network_address, known), acting_as=PRE_AUTH
    )
    box = request.services.secrets
    opened = request.transact(
        lambda uow: sign_in_with_code(uow, box, proved, code, command, device_id), acting_as=PRE_AUTH
    )
    return opened, _known_from_now_on(request, proved.email, known, opened)


def _known_from_now_on(
    request: ApiRequest, email: str, device_id: str | None, opened: NewSession
) -> tuple[Cookie, ...]:
    services = request.services
    # The session's last: a client that keeps headers in a mapping, as many do, has the one that it cannot do without.
    return device_cookie(services, email, device_id), session_cookie(services, opened.token)


def close_session(request: ApiRequest) -> None:
    """Sign out; without a session nothing happens."""
    signed_in = request.signed_in
    if signed_in is not None:
        request.transact(lambda uow: sign_out(uow, signed_in.session_id), acting_as=PRE_AUTH)


def act_for(request: ApiRequest, org_id: UUID) -> None:
    """Switch organizations. Raises Forbidden(`person_required`) for keys, NotFound(`organization_not_found`)."""
    signed_in = request.signed_in
    if signed_in is None:
        raise Forbidden("person_required")
    session_id, person_id = signed_in.session_id, signed_in.principal.person()
    request.transact(lambda uow: switch_organization(uow, session_id, person_id, org_id), acting_as=PRE_AUTH)


@post("/v1/session", permission=PUBLIC, refuses=[401, 429], sync_to_thread=True, tags=["people"])
def create_session(data: JSONBody[SignInBody], request: ApiRequest) -> Response[SessionOut]:
    """Sign in. The session is a cookie; programs use API keys instead. Too many failures are answered 429 for a while.

    Where the account has a second factor, a right password alone is answered 401 `code_required`: ask again with `code`.
    """
    origin = network_address(request, request.services.settings.forwarded_hops)
    opened, cookies = open_session(request, SignIn(data.email, data.password, data.org_id, origin), data.code)
    body = SessionOut(csrf=cover_token(opened.csrf), org_id=opened.org_id, person_id=opened.person_id)
    return Response(body, cookies=cookies)


@get("/v1/session", permission=SIGNED_IN, any_organization=True, sync_to_thread=True, tags=["people"])
def get_session(request: ApiRequest) -> MeOut:
    """Who is signed in, for which organization, with which permissions."""
    return me(request.caller)


@get("/v1/me", permission=SIGNED_IN, any_organization=True, sync_to_thread=True, tags=["people"])
def get_me(request: ApiRequest) -> MeOut:
    """The same as `session`, for keys as well."""
    return me(request.caller)


@patch(
    "/v1/session",
    permission=SIGNED_IN,
    any_organization=True,
    refuses=[404],
    sync_to_thread=True,
    status_code=204,
    tags=["people"],
)
def switch_session(data: JSONBody[SwitchBody], request: ApiRequest) -> None:
    """Act for another of one's organizations: at will, or as the last one is theirs no more (`organization_left`)."""
    act_for(request, data.org_id)


FORGOTTEN = [
    Cookie(key=COOKIE, value="", path="/", max_age=0, httponly=True, samesite="lax"),
    Cookie(key=SECURE_COOKIE, value="", path="/", max_age=0, httponly=True, samesite="lax", secure=True),
]
"""Both names a session's cookie may have, to be dropped by the browser."""


@delete(
    "/v1/session",
    permission=SIGNED_IN,
    any_organization=True,
    sync_to_thread=True,
    status_code=204,
    response_cookies=FORGOTTEN,
    tags=["people"],
)
def delete_session(request: ApiRequest) -> None:
    """Sign out."""
    close_session(request)


def me(caller: Caller) -> MeOut:
    """The wire form of who asks."""
    principal, signed_in = caller.principal, caller.signed_in
    return MeOut(
        kind=principal.kind.value,
        person_id=principal.person_id,
        name=signed_in.person_name if signed_in else principal.label,
        email=signed_in.email if signed_in else None,
        locale=signed_in.locale if signed_in else None,
        org_id=principal.org_id,
        permissions=sorted(principal.permissions),
        organizations=[
            MembershipOut(
                org_id=item.org_id, display_name=item.display_name, roles=list(item.roles), is_seller=item.is_seller
            )
            for item in (signed_in.organizations if signed_in else ())
        ],
        csrf=cover_token(signed_in.csrf) if signed_in else None,
    )


routes = [create_session, get_session, get_me, switch_session, delete_session]
