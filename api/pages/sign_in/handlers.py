"""Signing in and out, and the language and the organization a visitor chooses."""

from __future__ import annotations

from litestar import Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency as Given

from api.auth import PUBLIC, SIGNED_IN
from api.language import COOKIE as LANGUAGE_COOKIE
from api.network_address import network_address
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, local_path, page, parse_uuid_or_404
from api.pages.sign_in.views import SampleAccount, SignInView
from api.problems import headers_of
from api.v1.session import act_for, close_session, open_session, session_cookie
from kernel.errors import DomainError, TooMany
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.demo_accounts import list_demo_accounts
from marketplace.access.sessions import SignIn

YEAR_S = 365 * 86_400


REFUSED = 422


@page(addresses.SIGN_IN, PUBLIC)
def sign_in_page(page_request: Given[PageRequest]) -> Response[str] | Response[bytes]:
    """The sign-in form; whoever is signed in already goes on."""
    target = local_path(page_request.query("next", most=500) or addresses.FEED)
    if page_request.signed_in is not None:
        return page_request.redirect(target)
    return page_request.render(_sign_in_view(page_request, page_request.query("email", most=254), target))


@form_post(addresses.SIGN_IN, PUBLIC)
def sign_in(page_request: Given[PageRequest], form: Given[Form]) -> Response[str] | Response[bytes]:
    """Open a session and go on; a wrong password, or one too many, shows the form again and says so."""
    email, target = form.text("email", most=254), local_path(form.text("next", most=500) or addresses.FEED)
    origin = network_address(page_request.request, page_request.services.settings.forwarded_hops)
    try:
        _, cookies = open_session(
            page_request.request, SignIn(email, form.text("password", most=1024), network_address=origin)
        )
    except TooMany as refused:
        view = _sign_in_view(page_request, email, target, failure(page_request, refused))
        return page_request.render(view, status=refused.status, headers=headers_of(refused))
    except DomainError as refused:
        return page_request.render(
            _sign_in_view(page_request, email, target, failure(page_request, refused)), status=REFUSED
        )
    return page_request.redirect(target, cookies=cookies)


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
    https = page_request.services.settings.public_url.startswith("https://")
    cookie = Cookie(LANGUAGE_COOKIE, value=chosen, path="/", max_age=YEAR_S, samesite="lax", secure=https)
    return page_request.redirect(form.text("next", most=1000) or addresses.FEED, cookies=(cookie,))


@form_post(addresses.ORGANIZATION, SIGNED_IN)
def choose_organization(page_request: Given[PageRequest], form: Given[Form]) -> Response[bytes]:
    """Act for another of one's organizations. The page one was on belongs to the other one, so the feed is next."""
    act_for(page_request.request, parse_uuid_or_404(form.text("organization_id"), "organization_not_found"))
    return page_request.redirect(addresses.FEED)


def _sign_in_view(page_request: PageRequest, email: str, next_path: str, error: str | None = None) -> SignInView:
    return SignInView(email=email, next_path=next_path, error=error, samples=_samples(page_request))


def _samples(page_request: PageRequest) -> tuple[SampleAccount, ...]:
    if not page_request.services.sandbox:
        return ()
    with page_request.request.transaction(acting_as=PRE_AUTH) as uow:
        return tuple(SampleAccount(one.email, one.organization, one.role) for one in list_demo_accounts(uow))


routes = [sign_in_page, sign_in, sign_out, choose_language, choose_organization]
