"""Signing up, a new password by mail, invitations, and another organization of one's own."""

from __future__ import annotations

from typing import Literal

from litestar import Response
from litestar.di import NamedDependency as Given

from api.auth import PUBLIC, SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.choices import country_choices
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.referrals.followed_referral import forgotten_referral, referral_code
from api.pages.sign_up.remembered import forgotten, remembered
from api.pages.sign_up.views import (
    AskView,
    CompleteView,
    DeadLinkView,
    InvitationView,
    NewPasswordView,
    OrganizationTyped,
    OrganizationView,
)
from api.problems import headers_of
from api.v1.invitations import accept, decline, shown_invitation
from api.v1.organizations import register_own
from api.v1.session import act_for
from api.v1.sign_ups import ask_to_reset, ask_to_sign_up, set_password, shown_link, sign_up
from kernel.errors import DomainError, Gone
from marketplace.access.email_proofs import Presented, Purpose
from marketplace.access.invitations import Newcomer
from marketplace.access.register_organization import RegisterOrganization

Answer = Response[str] | Response[bytes]
AskedFor = Literal["sign_up", "reset"]
PURPOSES: dict[AskedFor, Purpose] = {"sign_up": "sign_up", "reset": "reset_password"}
REFUSED = 422


@page(addresses.SIGN_UP, PUBLIC)
def sign_up_page(page_request: Given[PageRequest]) -> Answer:
    """Asks for an address; whoever is signed in goes on."""
    if page_request.signed_in is not None:
        return page_request.redirect(addresses.FEED)
    return page_request.render(AskView("sign_up", addresses.SIGN_UP, page_request.query("email", most=254)))


@form_post(addresses.SIGN_UP, PUBLIC)
def ask_sign_up(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Mail a code and a link."""
    return _ask(page_request, form, "sign_up", addresses.SIGN_UP, addresses.SIGN_UP_COMPLETE)


@page(addresses.PASSWORD, PUBLIC)
def password_page(page_request: Given[PageRequest]) -> Answer:
    """Asks for the address of the account whose password is forgotten."""
    return page_request.render(AskView("reset", addresses.PASSWORD, page_request.query("email", most=254)))


@form_post(addresses.PASSWORD, PUBLIC)
def ask_password(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Mail a code and a link."""
    return _ask(page_request, form, "reset", addresses.PASSWORD, addresses.PASSWORD_COMPLETE)


def _ask(page_request: PageRequest, form: Form, purpose: AskedFor, address: str, then: str) -> Answer:
    email = form.text("email", most=254)
    ask = ask_to_sign_up if purpose == "sign_up" else ask_to_reset
    try:
        ask(page_request.request, email, page_request.language)
    except DomainError as refused:
        view = AskView(purpose, address, email, failure(page_request, refused))
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    return page_request.redirect(addresses.with_query(then, email=email))


@page(addresses.SIGN_UP_COMPLETE, PUBLIC)
def complete_page(page_request: Given[PageRequest]) -> Answer:
    """The form behind the mail: by its link, or with its code."""
    found = _brought(page_request, "sign_up", addresses.SIGN_UP)
    if isinstance(found, DeadLinkView):
        return page_request.render(found, status=Gone.status)
    return page_request.render(
        CompleteView(
            countries=country_choices(page_request.language),
            email=found.email,
            token=found.token,
            shows_outbox=_shows_outbox(page_request),
        )
    )


@form_post(addresses.SIGN_UP_COMPLETE, PUBLIC)
def complete(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make the account and go on signed in, at the page that says what comes first."""
    presented, typed = _presented(form), _organization(form)
    try:
        opened, cookies = sign_up(
            page_request.request,
            presented,
            form.text("name", most=100),
            form.text("password", most=1024),
            _registration(page_request, typed),
            referral_code(page_request.request),
        )
    except DomainError as refused:
        if refused.code == "sign_in_required":
            # All is made; the account's second factor is asked for there.
            return page_request.redirect(
                addresses.with_query(addresses.SIGN_IN, email=presented.email or ""), notice="welcome"
            )
        again = _again(page_request, "sign_up", presented, refused)
        view = CompleteView(
            countries=country_choices(page_request.language),
            email=again.email,
            code=again.code,
            token=again.token,
            link_died=again.token != presented.token,
            name=form.text("name", most=100),
            typed=typed,
            error=failure(page_request, refused),
            error_field=getattr(refused, "field", None) or "",
            shows_outbox=_shows_outbox(page_request),
        )
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    del opened
    if referral_code(page_request.request):
        cookies = (*cookies, forgotten_referral())
    going = remembered(page_request)
    if going is not None:
        return page_request.redirect(going, notice="welcome", cookies=(*cookies, forgotten()))
    return page_request.redirect(
        addresses.SELLER_START if typed.is_seller else addresses.ORDERS, notice="welcome", cookies=cookies
    )


@page(addresses.PASSWORD_COMPLETE, PUBLIC)
def new_password_page(page_request: Given[PageRequest]) -> Answer:
    """The form behind the mail: by its link, or with its code."""
    found = _brought(page_request, "reset", addresses.PASSWORD)
    if isinstance(found, DeadLinkView):
        return page_request.render(found, status=Gone.status)
    return page_request.render(
        NewPasswordView(email=found.email, token=found.token, shows_outbox=_shows_outbox(page_request))
    )


@form_post(addresses.PASSWORD_COMPLETE, PUBLIC)
def new_password(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Set the password; whoever did signs in with it next."""
    presented = _presented(form)
    try:
        set_password(page_request.request, presented, form.text("password", most=1024))
    except DomainError as refused:
        again = _again(page_request, "reset", presented, refused)
        view = NewPasswordView(
            email=again.email,
            code=again.code,
            token=again.token,
            link_died=again.token != presented.token,
            error=failure(page_request, refused),
            error_field=getattr(refused, "field", None) or "",
            shows_outbox=_shows_outbox(page_request),
        )
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    target = addresses.with_query(addresses.SIGN_IN, email=presented.email)
    return page_request.redirect(target, notice="password_set")


@page(addresses.INVITATION, PUBLIC, any_organization=True)
def invitation_page(page_request: Given[PageRequest]) -> Answer:
    """Says who asks, for what, and lets the person asked answer."""
    return page_request.render(_invitation(page_request, page_request.query("token", most=1000)))


@form_post(addresses.INVITATION, PUBLIC)
def accept_invitation(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Join, and act for the organization from now on."""
    token, name = form.text("token", most=1000), form.text("name", most=100)
    password = form.text("password", most=1024)
    newcomer = Newcomer(name, password, page_request.language) if name or password else None
    try:
        _, cookies = accept(page_request.request, token, newcomer)
    except DomainError as refused:
        view = _invitation(
            page_request, token, name, failure(page_request, refused), getattr(refused, "field", None) or ""
        )
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    return page_request.redirect(addresses.ACCOUNT, notice="joined", cookies=cookies)


@form_post(addresses.INVITATION_DECLINE, PUBLIC)
def decline_invitation(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Say no."""
    decline(page_request.request, form.text("token", most=1000))
    return page_request.redirect(addresses.ACCOUNT if page_request.signed_in else addresses.SIGN_IN, notice="declined")


@page(addresses.ORGANIZATION_NEW, SIGNED_IN)
def organization_page(page_request: Given[PageRequest]) -> Answer:
    """The form for another organization."""
    return page_request.render(OrganizationView(country_choices(page_request.language)))


@form_post(addresses.ORGANIZATION_NEW, SIGNED_IN)
def register_organization(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Register it and act for it from now on."""
    typed = _organization(form)
    try:
        made = register_own(page_request.request, _registration(page_request, typed))
    except DomainError as refused:
        view = OrganizationView(
            country_choices(page_request.language),
            typed,
            failure(page_request, refused),
            str(refused.params.get("field", "")),
        )
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    act_for(page_request.request, made.org_id)
    return page_request.redirect(
        addresses.SELLER_START if typed.is_seller else addresses.ORDERS, notice="organization_made"
    )


def _invitation(
    page_request: PageRequest, token: str, name: str = "", error: str | None = None, error_field: str = ""
) -> InvitationView:
    shown, signed_in = shown_invitation(page_request.request, token), page_request.signed_in
    way: Literal["join", "newcomer", "returning", "sign_in", "other_account"]
    if signed_in is not None:
        way = "join" if signed_in.email == shown.email else "other_account"
    else:
        way = "sign_in" if shown.may_sign_in else "returning" if shown.has_account else "newcomer"
    return InvitationView(
        token=token,
        organization=shown.organization,
        invited_by=shown.invited_by,
        email=shown.email,
        roles=shown.roles,
        way=way,
        name=name,
        error=error,
        error_field=error_field,
    )


def _brought(page_request: PageRequest, purpose: AskedFor, address: str) -> Presented | DeadLinkView:
    """What the address of the page brings: a link that is good, the address that a code went to, or a link that is dead."""
    token = page_request.query("token", most=1000)
    if not token:
        return Presented(email=page_request.query("email", most=254))
    shown = shown_link(page_request.request, PURPOSES[purpose], token)
    if shown.standing == "open":
        return Presented(token, shown.email)
    return DeadLinkView(purpose, shown.standing, address, shown.email)


def _again(page_request: PageRequest, purpose: AskedFor, presented: Presented, refused: DomainError) -> Presented:
    """What the form asks for after a refusal: in place of a link that has died the code of another mail."""
    if refused.code != "link_invalid":
        return presented
    return Presented(email=shown_link(page_request.request, PURPOSES[purpose], presented.token).email)


def _presented(form: Form) -> Presented:
    return Presented(form.text("token", most=1000), form.text("email", most=254), form.text("code", most=20))


def _organization(form: Form) -> OrganizationTyped:
    return OrganizationTyped(
        legal_name=form.text("legal_name", most=400),
        display_name=form.text("display_name", most=400),
        country=form.text("country", most=2),
        tax_id=form.text("tax_id", most=60),
        is_seller=form.text("is_seller") == "yes",
    )


def _registration(page_request: PageRequest, typed: OrganizationTyped) -> RegisterOrganization:
    return RegisterOrganization(
        legal_name=typed.legal_name,
        display_name=typed.display_name or typed.legal_name,
        country=typed.country,
        tax_id=typed.tax_id or None,
        locale=page_request.language,
        is_seller=typed.is_seller,
    )


def _shows_outbox(page_request: PageRequest) -> bool:
    return page_request.services.sandbox and not page_request.services.settings.smtp_url


def _status(refused: DomainError) -> int:
    return refused.status if refused.status == 429 else REFUSED


routes = [
    sign_up_page,
    ask_sign_up,
    password_page,
    ask_password,
    complete_page,
    complete,
    new_password_page,
    new_password,
    invitation_page,
    accept_invitation,
    decline_invitation,
    organization_page,
    register_organization,
]
