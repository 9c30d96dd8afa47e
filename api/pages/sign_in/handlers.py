"""Signing in and out, and the language and the organization a visitor chooses."""

from __future__ import annotations

from dataclasses import replace

from litestar import Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency as Given

from api.auth import PUBLIC, SIGNED_IN
from api.language import COOKIE as LANGUAGE_COOKIE
from api.network_address import network_address
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, local_path, page, parse_uuid_or_404
from api.pages.sign_in.views import CodeView, OrganizationLeftView, SampleAccount, SignInView
from api.pages.sign_up.remembered import remember, remembered
from api.problems import headers_of
from api.v1.session import act_for, browser_of, close_session, open_session, open_with_code, session_cookie
from kernel.errors import DomainError, TooMany, Unauthenticated
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.demo_accounts import list_demo_accounts
from marketplace.access.sessions import (
    CODE_WITHIN,
    CodeRequired,
    PasswordProved,
    SignIn,
    leave_behind,
    open_challenge,
    sign_challenge,
)

YEAR_S = 365 * 86_400


REFUSED = 422
CHALLENGE = "sign-in"
"""The cookie of who has typed a right password and is asked for a code."""


@page(addresses.SIGN_IN, PUBLIC)
def sign_in_page(page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sign-in form; whoever is signed in already goes on. Who has no account comes to the same page from signing up."""
    target = local_path(page_request.query("next", most=500) or addresses.FEED)
    if page_request.signed_in is not None:
        return page_request.redirect(target)
    view = _sign_in_view(page_request, page_request.query("email", most=254), target)
    answer = page_request.render(replace(view, unsaved=bool(page_request.query("unsaved", most=1))))
    if target != addresses.FEED and remembered(page_request) is None:
        answer.set_cookie(remember(page_request.services, target))
    return answer


@form_post(addresses.SIGN_IN, PUBLIC)
def sign_in(page_request: Given[PageRequest], form: Given[Form]) -> Response[str] | Response[bytes]:
    """Open a session and go on; a wrong password, or one too many, shows the form again and says so."""
    email, target = form.text("email", most=254), local_path(form.text("next", most=500) or addresses.FEED)
    origin = network_address(page_request.request, page_request.services.settings.forwarded_hops)
    try:
        _, cookies = open_session(
            page_request.request, SignIn(email, form.text("password", most=1024), network_address=origin)
        )
    except CodeRequired as required:
        challenge = challenge_cookie(page_request, sign_challenge(page_request.services.signer, required))
        return page_request.redirect(addresses.with_query(addresses.SIGN_IN_CODE, next=target), cookies=(challenge,))
    except TooMany as refused:
        view = _sign_in_view(page_request, email, target, failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    except DomainError as refused:
        return page_request.render(
            _sign_in_view(page_request, email, target, failure(page_request, refused)), status=REFUSED
        )
    return page_request.redirect(target, cookies=cookies)


@page(addresses.SIGN_IN_CODE, PUBLIC)
def code_page(page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """Asks for the second factor's code; without a right password before, it leads back to where that is asked."""
    target = local_path(page_request.query("next", most=500) or addresses.FEED)
    try:
        proved = _proved(page_request)
    except Unauthenticated:
        return page_request.redirect(addresses.with_query(addresses.SIGN_IN, next=target))
    return page_request.render(CodeView(proved.email, target))


@form_post(addresses.SIGN_IN_CODE, PUBLIC)
def sign_in_with_code(page_request: Given[PageRequest], form: Given[Form]) -> Response[str] | Response[bytes]:
    """Open a session and go on; a wrong code, or one too many, shows the form again and says so."""
    target = local_path(form.text("next", most=500) or addresses.FEED)
    try:
        proved = _proved(page_request)
    except Unauthenticated:
        return page_request.redirect(addresses.with_query(addresses.SIGN_IN, next=target), notice="challenge_over")
    request, browser = page_request.request, browser_of(page_request.request)
    command = SignIn(proved.email, "", network_address=browser.network_address or None, agent=browser.agent)
    try:
        _, cookies = open_with_code(request, proved, form.text("code", most=40), command)
    except DomainError as refused:
        status = refused.status if isinstance(refused, TooMany) else REFUSED
        view = CodeView(proved.email, target, failure(page_request, refused))
        return page_request.render(view, status=status, headers=headers_of(refused))
    return page_request.redirect(target, cookies=(challenge_cookie(page_request, ""), *cookies))


@form_post(addresses.SIGN_OUT, PUBLIC)
def sign_out(page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """End the session; ended already, nothing changes."""
    del form
    close_session(page_request.request)
    return page_request.redirect(addresses.SIGN_IN, cookies=(session_cookie(page_request.services, ""),))


@form_post(addresses.LANGUAGE, PUBLIC)
def choose_language(page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Remember the language and come back to the page one was on."""
    chosen = "en" if form.text("language", most=10) == "en" else "zh-CN"
    secure = _is_https(page_request)
    cookie = Cookie(LANGUAGE_COOKIE, value=chosen, path="/", max_age=YEAR_S, samesite="lax", secure=secure)
    return page_request.redirect(form.text("next", most=1000) or addresses.FEED, cookies=(cookie,))


@form_post(addresses.ORGANIZATION, SIGNED_IN, any_organization=True)
def choose_organization(page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Act for another of one's organizations. The page one was on belongs to the other one, so the feed is next."""
    act_for(page_request.request, parse_uuid_or_404(form.text("organization_id"), "organization_not_found"))
    return page_request.redirect(addresses.FEED)


@page(addresses.ORGANIZATION_LEFT, SIGNED_IN, any_organization=True)
def organization_left(page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """Says to somebody whose organization is theirs no more for which one they act from now on."""
    own = page_request.signed_in
    if own is None or not own.is_displaced:
        return page_request.redirect(addresses.FEED)
    session_id, person_id, org_id = own.session_id, own.principal.person(), own.organization.org_id
    left = page_request.request.transact(
        lambda uow: leave_behind(uow, session_id, person_id, org_id), acting_as=PRE_AUTH
    )
    return page_request.render(OrganizationLeftView(left, own.organization.display_name, own.organization.roles))


def _proved(page_request: PageRequest) -> PasswordProved:
    """Whose password was right in this browser. Raises Unauthenticated(`challenge_over`)."""
    signer, token = page_request.services.signer, page_request.request.cookies.get(_challenge_name(page_request), "")
    with page_request.request.transaction(acting_as=PRE_AUTH) as uow:
        return open_challenge(uow, signer, token)


def challenge_cookie(page_request: PageRequest, token: str) -> Cookie:
    """In a cookie, not in the address: an address is seen over shoulders and kept by browsers."""
    return Cookie(
        key=_challenge_name(page_request),
        value=token,
        httponly=True,
        secure=_is_https(page_request),
        samesite="strict",
        path="/",
        max_age=int(CODE_WITHIN.total_seconds()) if token else 0,
    )


def _challenge_name(page_request: PageRequest) -> str:
    return f"{'__Host-' if _is_https(page_request) else ''}{CHALLENGE}"


def _is_https(page_request: PageRequest) -> bool:
    return page_request.services.settings.public_url.startswith("https://")


def _sign_in_view(page_request: PageRequest, email: str, next_path: str, error: str | None = None) -> SignInView:
    return SignInView(email=email, next_path=next_path, error=error, samples=_samples(page_request))


def _samples(page_request: PageRequest) -> tuple[SampleAccount, ...]:
    if not page_request.services.sandbox:
        return ()
    with page_request.request.transaction(acting_as=PRE_AUTH) as uow:
        return tuple(SampleAccount(one.email, one.organization, one.role) for one in list_demo_accounts(uow))


routes = [
    sign_in_page,
    sign_in,
    code_page,
    sign_in_with_code,
    sign_out,
    choose_language,
    choose_organization,
    organization_left,
]
