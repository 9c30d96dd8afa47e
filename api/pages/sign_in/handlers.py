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
from api.pages.frame.site import Form, Visit, form_post, local_path, page, parse_uuid_or_404
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
def sign_in_page(visit: Given[Visit]) -> Response[str] | Response[bytes]:
    """The sign-in form; whoever is signed in already goes on."""
    target = local_path(visit.query("next", most=500) or addresses.FEED)
    if visit.signed_in is not None:
        return visit.go(target)
    return visit.show(_sign_in_view(visit, visit.query("email", most=254), target))


@form_post(addresses.SIGN_IN, PUBLIC)
def sign_in(visit: Given[Visit], form: Given[Form]) -> Response[str] | Response[bytes]:
    """Open a session and go on; a wrong password, or one too many, shows the form again and says so."""
    email, target = form.text("email", most=254), local_path(form.text("next", most=500) or addresses.FEED)
    origin = network_address(visit.request, visit.services.settings.forwarded_hops)
    try:
        opened = open_session(visit.request, SignIn(email, form.text("password", most=1024), network_address=origin))
    except TooMany as refused:
        view = _sign_in_view(visit, email, target, failure(visit, refused))
        return visit.show(view, status=refused.status, headers=headers_of(refused))
    except DomainError as refused:
        return visit.show(_sign_in_view(visit, email, target, failure(visit, refused)), status=REFUSED)
    return visit.go(target, cookies=(session_cookie(visit.services, opened.token),))


@form_post(addresses.SIGN_OUT, PUBLIC)
def sign_out(visit: Given[Visit], form: Given[Form]) -> Response[bytes]:
    """End the session; ended already, nothing changes."""
    del form
    close_session(visit.request)
    return visit.go(addresses.SIGN_IN, cookies=(session_cookie(visit.services, ""),))


@form_post(addresses.LANGUAGE, PUBLIC)
def choose_language(visit: Given[Visit], form: Given[Form]) -> Response[bytes]:
    """Remember the language and come back to the page one was on."""
    chosen = "en" if form.text("language", most=10) == "en" else "zh-CN"
    https = visit.services.settings.public_url.startswith("https://")
    cookie = Cookie(LANGUAGE_COOKIE, value=chosen, path="/", max_age=YEAR_S, samesite="lax", secure=https)
    return visit.go(form.text("next", most=1000) or addresses.FEED, cookies=(cookie,))


@form_post(addresses.ORGANIZATION, SIGNED_IN)
def choose_organization(visit: Given[Visit], form: Given[Form]) -> Response[bytes]:
    """Act for another of one's organizations. The page one was on belongs to the other one, so the feed is next."""
    act_for(visit.request, parse_uuid_or_404(form.text("organization_id"), "organization_not_found"))
    return visit.go(addresses.FEED)


def _sign_in_view(visit: Visit, email: str, next_path: str, error: str | None = None) -> SignInView:
    return SignInView(email=email, next_path=next_path, error=error, samples=_samples(visit))


def _samples(visit: Visit) -> tuple[SampleAccount, ...]:
    if not visit.services.sandbox:
        return ()
    with visit.request.transaction(acting_as=PRE_AUTH) as uow:
        return tuple(SampleAccount(one.email, one.organization, one.role) for one in list_demo_accounts(uow))


routes = [sign_in_page, sign_in, sign_out, choose_language, choose_organization]
