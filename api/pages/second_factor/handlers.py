"""Two-step sign-in of one's own account: switched on with an authenticator app, off again, and its recovery codes."""

from __future__ import annotations

import segno
from litestar import Response
from litestar.di import NamedDependency as Given

from api.auth import SIGNED_IN
from api.pages.frame import addresses
from api.pages.frame.phrases import failure
from api.pages.frame.site import Form, PageRequest, form_post, page
from api.pages.second_factor.views import RecoveryCodesView, SecondFactorView, SetupView
from api.problems import headers_of
from api.v1.second_factor import (
    new_recovery_codes,
    opened_setup,
    own_setup,
    own_status,
    switch_off,
    switch_on,
    uri_of,
)
from kernel.errors import DomainError
from marketplace.access.second_factor import Setup

Answer = Response[str] | Response[bytes]
REFUSED = 422
QR_SCALE = 4
"""Pixels a module: some 220 in all, which fits beside nothing on the smallest phone."""


@page(addresses.SECOND_FACTOR, SIGNED_IN)
def second_factor_page(page_request: Given[PageRequest]) -> Answer:
    """Whether it is on, and what can be done about it."""
    return page_request.render(_view(page_request))


@form_post(addresses.SECOND_FACTOR_SETUP, SIGNED_IN)
def begin(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Show the secret to who has typed their password."""
    try:
        setup = own_setup(page_request.request, form.text("password", most=1024))
    except DomainError as refused:
        return _refused(page_request, refused, "begin")
    return page_request.render(_setup(page_request, setup))


@form_post(addresses.SECOND_FACTOR_CONFIRM, SIGNED_IN)
def confirm(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Switch it on by a first right code, and show the recovery codes."""
    sealed = form.text("setup", most=4000)
    try:
        codes = switch_on(page_request.request, sealed, form.text("code", most=40))
    except DomainError as refused:
        if refused.code in {"setup_expired", "second_factor_on"}:
            return _refused(page_request, refused, "begin")
        view = _setup(page_request, opened_setup(page_request.request, sealed), refused)
        return page_request.render(view, status=_status(refused), headers=headers_of(refused))
    return page_request.render(RecoveryCodesView(_email(page_request), codes, is_new=True))


@form_post(addresses.RECOVERY_CODES, SIGNED_IN)
def renew(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Make new recovery codes and show them."""
    password, code = form.text("password", most=1024), form.text("code", most=40)
    try:
        codes = new_recovery_codes(page_request.request, password, code)
    except DomainError as refused:
        return _refused(page_request, refused, "renew")
    return page_request.render(RecoveryCodesView(_email(page_request), codes, is_new=False))


@form_post(addresses.SECOND_FACTOR_OFF, SIGNED_IN)
def remove(page_request: Given[PageRequest], form: Given[Form]) -> Answer:
    """Switch it off."""
    try:
        switch_off(page_request.request, form.text("password", most=1024), form.text("code", most=40))
    except DomainError as refused:
        return _refused(page_request, refused, "off")
    return page_request.redirect(addresses.ACCOUNT, notice="second_factor_off")


def _view(page_request: PageRequest, refused: DomainError | None = None, opened: str = "") -> SecondFactorView:
    found = own_status(page_request.request)
    return SecondFactorView(
        email=_email(page_request),
        since=found.since,
        recovery_codes_left=found.recovery_codes_left,
        error=failure(page_request, refused) if refused else None,
        error_field=str(getattr(refused, "field", None) or ""),
        opened=opened,
    )


def _setup(page_request: PageRequest, setup: Setup, refused: DomainError | None = None) -> SetupView:
    uri = uri_of(page_request.request, setup)
    drawn = segno.make(uri, error="m", micro=False)
    return SetupView(
        setup=setup.sealed,
        secret=" ".join(setup.secret[at : at + 4] for at in range(0, len(setup.secret), 4)),
        uri=uri,
        # A light ground with its quiet zone, or a dark page's camera reads nothing.
        qr_code=drawn.svg_inline(scale=QR_SCALE, border=4, dark="#000", light="#fff"),
        error=failure(page_request, refused) if refused else None,
        error_field=str(getattr(refused, "field", None) or ""),
    )


def _refused(page_request: PageRequest, refused: DomainError, opened: str) -> Answer:
    view = _view(page_request, refused, opened)
    return page_request.render(view, status=_status(refused), headers=headers_of(refused))


def _status(refused: DomainError) -> int:
    return refused.status if refused.status == 429 else REFUSED


def _email(page_request: PageRequest) -> str:
    return page_request.signed_in.email if page_request.signed_in else ""


routes = [second_factor_page, begin, confirm, renew, remove]
