"""An organization's own sign-in: set by its owners, its domains approved by the platform, and the way in for everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency as Given
from litestar.params import FromPath

from api import provider_sign_in
from api.auth import PUBLIC
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, local_path, page, redirect
from api.pages.identity_provider.views import (
    DomainShown,
    IdentityProviderView,
    ProviderFoundView,
    ProviderTyped,
    WaitingDomainsView,
)
from api.pages.sign_in.handlers import challenge_cookie
from api.pages.sign_in.views import CodeView
from api.problems import headers_of
from api.v1.identity_provider import check_domain, save_provider
from api.v1.session import browser_of, session_cookie
from kernel.errors import DomainError, NotFound
from marketplace.access.authenticate import PRE_AUTH
from marketplace.access.sessions import CodeRequired, sign_challenge
from marketplace.identity_providers.email_domains import (
    DomainView,
    claim_domain,
    decide_domain,
    list_domains,
    remove_domain,
    waiting_domains,
)
from marketplace.identity_providers.provider_sign_in import find_provider_for
from marketplace.identity_providers.set_provider import (
    DEFAULT_ROLES,
    SetProvider,
    find_provider,
    is_owner,
    remove_provider,
)

Answer = Response[str] | Response[bytes]
MANAGE, REVIEW = "members.manage", "operator.reviews"


@page(addresses.IDENTITY_PROVIDER, MANAGE)
def show_settings(page_request: Given[PageRequest]) -> Answer:
    """The provider, and the domains whose addresses it may name."""
    return page_request.render(_view(page_request))


@form_post(addresses.IDENTITY_PROVIDER, MANAGE)
def save(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Set the provider, after a look at what it publishes."""
    typed = ProviderTyped(
        form.text("issuer"),
        form.text("client_id", most=255),
        form.text("default_role", most=40),
        form.text("is_required") == "yes",
    )
    command = SetProvider(
        typed.issuer, typed.client_id, form.text("client_secret"), typed.default_role or None, typed.is_required
    )
    try:
        save_provider(page_request.request, command)
    except DomainError as refused:
        return _refused(page_request, refused, "issuer", typed=typed)
    return page_request.redirect(addresses.IDENTITY_PROVIDER, notice="identity_provider_set")


@form_post(f"{addresses.IDENTITY_PROVIDER}/remove", MANAGE)
def remove(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Everybody signs in by password again."""
    del form
    page_request.transact(remove_provider)
    return page_request.redirect(addresses.IDENTITY_PROVIDER, notice="identity_provider_removed")


@form_post(f"{addresses.IDENTITY_PROVIDER}/domains", MANAGE)
def add_domain(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Claim a domain."""
    domain = form.text("domain", most=255)
    try:
        page_request.transact(lambda uow: claim_domain(uow, domain))
    except DomainError as refused:
        return _refused(page_request, refused, "domain", domain=domain)
    return page_request.redirect(addresses.IDENTITY_PROVIDER, notice="domain_claimed")


@form_post(f"{addresses.IDENTITY_PROVIDER}/domains/{{domain_id:uuid}}/remove", MANAGE)
def drop_domain(domain_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Take a claim back."""
    del form
    try:
        page_request.transact(lambda uow: remove_domain(uow, domain_id))
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, refused, "domains")
    return page_request.redirect(addresses.IDENTITY_PROVIDER, notice="domain_removed")


@form_post(f"{addresses.IDENTITY_PROVIDER}/domains/{{domain_id:uuid}}/check", MANAGE)
def check(domain_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Look for the record of a claim."""
    del form
    try:
        check_domain(page_request.request, domain_id)
    except NotFound:
        raise
    except DomainError as refused:
        return _refused(page_request, refused, "domains")
    return page_request.redirect(addresses.IDENTITY_PROVIDER, notice="domain_proved")


@page(addresses.EMAIL_DOMAINS, REVIEW)
def show_waiting(page_request: Given[PageRequest]) -> Answer:
    """Claims that wait for the platform's word, the oldest first."""
    return page_request.render(_waiting(page_request))


@form_post(f"{addresses.EMAIL_DOMAINS}/{{domain_id:uuid}}", REVIEW)
def decide(domain_id: FromPath[UUID], page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Approve or refuse a claim."""
    approve = form.text("decision", most=10) == "approve"
    try:
        page_request.transact(lambda uow: decide_domain(uow, domain_id, approve=approve))
    except NotFound:
        raise
    except DomainError as refused:
        view = replace(_waiting(page_request), error=failure(page_request, refused))
        return page_request.render(view, status=refused.status)
    return page_request.redirect(addresses.EMAIL_DOMAINS, notice="domain_approved" if approve else "domain_refused")


@page(addresses.PROVIDER_SIGN_IN, PUBLIC)
def ask_address(page_request: Given[PageRequest]) -> Answer:
    """Asks for an address; by its domain the provider is found."""
    next_path = local_path(page_request.query("next", most=500) or addresses.FEED)
    return page_request.render(ProviderFoundView(page_request.query("email", most=254), next_path))


@form_post(addresses.PROVIDER_SIGN_IN, PUBLIC)
def find(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Names the provider with a link to it: a form's answer may not lead to another site, a link may."""
    email, next_path = form.text("email", most=254), local_path(form.text("next", most=500) or addresses.FEED)
    view = ProviderFoundView(email, next_path)
    try:
        found = page_request.request.transact(lambda uow: find_provider_for(uow, email), acting_as=PRE_AUTH)
    except DomainError as refused:
        return page_request.render(replace(view, error=failure(page_request, refused)), status=refused.status)
    return page_request.render(
        replace(
            view,
            organization=found.organization,
            host=urlsplit(found.issuer).hostname or found.issuer,
            address=addresses.with_query(f"{addresses.PROVIDER_SIGN_IN}/{found.id}", next=next_path),
        )
    )


@page(f"{addresses.PROVIDER_SIGN_IN}/{{provider_id:uuid}}", PUBLIC)
def start(provider_id: FromPath[UUID], page_request: Given[PageRequest]) -> Answer:
    """Send the browser to the provider."""
    next_path = local_path(page_request.query("next", most=500) or addresses.FEED)
    try:
        address, kept = provider_sign_in.begin(page_request.request, provider_id, next_path)
    except NotFound:
        raise
    except DomainError as refused:
        return _way_in_refused(page_request, refused, next_path)
    return redirect(address, cookies=[kept])


@page(provider_sign_in.CALLBACK, PUBLIC)
def come_back(page_request: Given[PageRequest]) -> Answer:
    """The provider sent the browser back: open a session, or ask for the second factor's code."""
    query = page_request.request.query_params
    returned = provider_sign_in.Returned(
        *(str(query.get(name, ""))[:2000] for name in ("code", "state", "iss", "error"))
    )
    request = page_request.request
    try:
        opened, next_path = provider_sign_in.conclude(request, returned, browser_of(request))
    except DomainError as refused:
        return _way_in_refused(page_request, refused, addresses.FEED)
    forgotten = provider_sign_in.cookie(request, "")
    if isinstance(opened, CodeRequired):
        kept = challenge_cookie(page_request, sign_challenge(page_request.services.signer, opened))
        answer = page_request.render(CodeView(opened.email, next_path))
        for one in (forgotten, kept):
            answer.set_cookie(one)
        return answer
    return page_request.redirect(next_path, cookies=(forgotten, session_cookie(page_request.services, opened.token)))


def _way_in_refused(page_request: PageRequest, refused: DomainError, next_path: str) -> Answer:
    view = ProviderFoundView("", next_path, error=failure(page_request, refused))
    return page_request.render(view, status=refused.status, headers=headers_of(refused))


def _refused(page_request: PageRequest, refused: DomainError, field: str, **typed: Any) -> Answer:
    """The page with what was typed; the secret has to be typed again."""
    found = getattr(refused, "field", None) or field
    view = replace(_view(page_request), error=failure(page_request, refused), error_field=found, **typed)
    return page_request.render(view, status=refused.status, headers=headers_of(refused))


def _view(page_request: PageRequest) -> IdentityProviderView:
    with page_request.work() as uow:
        provider, domains, owner = find_provider(uow), list_domains(uow), is_owner(uow)
    typed = (
        ProviderTyped(provider.issuer, provider.client_id, provider.default_role or "", provider.is_required)
        if provider
        else ProviderTyped()
    )
    return IdentityProviderView(
        is_set=provider is not None,
        is_owner=owner,
        typed=typed,
        redirect_uri=provider_sign_in.redirect_uri(page_request.request),
        roles=DEFAULT_ROLES,
        domains=tuple(_shown(page_request, one) for one in domains),
    )


def _waiting(page_request: PageRequest) -> WaitingDomainsView:
    with page_request.work() as uow:
        return WaitingDomainsView(tuple(_shown(page_request, one) for one in waiting_domains(uow)))


def _shown(page_request: PageRequest, one: DomainView) -> DomainShown:
    waits = one.state == "pending" and page_request.services.txt_resolver is not None
    record = (one.record_name, one.record_value) if waits else ("", "")
    return DomainShown(str(one.id), one.domain, one.state, one.created_at, one.organization, *record)


routes = [
    show_settings,
    save,
    remove,
    add_domain,
    drop_domain,
    check,
    show_waiting,
    decide,
    ask_address,
    find,
    come_back,
    start,
]
