"""Who a request is from, and what is refused to whom: every way a browser or a program can say it, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import RequestFactory

from api import auth
from api.auth import NOBODY, PUBLIC, SIGNED_IN, Caller, Connection, authenticate, refuse_unpermitted
from api.csrf import cover_token
from kernel.db.uow import UnitOfWork
from kernel.errors import Forbidden, Unauthenticated
from kernel.principal import Principal, PrincipalKind
from marketplace.access.authenticate import Membership, SignedIn

ORG, PERSON, SESSION = UUID(int=1), UUID(int=2), UUID(int=3)
OURS, THEIRS = "https://market.example", "https://elsewhere.example"
CSRF = "Q0FSRUZVTC1UT0tFTg"
HERE = Membership(ORG, "测试企业", ("purchaser",), is_seller=False, is_platform=False)
BUYER = Principal(PrincipalKind.PERSON, ORG, PERSON, frozenset({"orders.buy"}))
BROWSER = Caller(
    BUYER, SignedIn(BUYER, SESSION, CSRF, "买方", "b@example.test", "zh-CN", "Asia/Shanghai", HERE, (HERE,))
)
KEY = Caller(Principal(PrincipalKind.API_KEY, ORG, None, frozenset({"orders.buy"}), "erp", PERSON))
UOW = cast("UnitOfWork", object())
"""Only handed on."""


def asks(method: str = "GET", /, **headers: str) -> Connection:
    """A request with these headers (`sec_fetch_site` for `Sec-Fetch-Site`)."""
    settings = SimpleNamespace(base_url=OURS, public_url=OURS)
    app = Litestar(state=State({"services": SimpleNamespace(settings=settings)}))
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request: Connection = getattr(RequestFactory(app=app), method.lower())("/", headers=named)
    return request


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer cm_1.2"}, "cm_1.2"),
        ({"authorization": "bEARER  cm_1.2 "}, "cm_1.2"),
        ({"authorization": "Basic Y206MQ=="}, None),
        ({"authorization": "Bearer"}, None),
        ({"authorization": "Bearers cm_1.2"}, None),
    ],
)
def test_a_key_is_what_follows_the_word_bearer(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, str], key: str | None
) -> None:
    seen: list[tuple[Any, str]] = []

    def known(uow: UnitOfWork, text: str) -> Principal:
        seen.append((uow, text))
        return KEY.principal

    monkeypatch.setattr(auth, "principal_for_api_key", known)
    monkeypatch.setattr(auth, "principal_for_session", lambda *_: pytest.fail("no cookie was sent"))
    request = asks(**sent)
    assert auth.has_bearer(request) == auth.has_credentials(request) == (key is not None)
    assert authenticate(UOW, request) == (NOBODY if key is None else KEY)
    assert seen == ([] if key is None else [(UOW, key)])


@pytest.mark.parametrize(
    ("sent", "token"),
    [
        ({}, None),
        ({"cookie": "session=plain"}, "plain"),
        ({"cookie": "__Host-session=secure"}, "secure"),
        ({"cookie": "session=plain; __Host-session=secure"}, "secure"),
        ({"cookie": "session="}, None),
        ({"cookie": "other=x"}, None),
    ],
)
def test_a_session_is_the_cookie_that_no_sibling_domain_can_set_first(
    monkeypatch: pytest.MonkeyPatch, sent: dict[str, str], token: str | None
) -> None:
    seen: list[tuple[Any, str]] = []

    def known(uow: UnitOfWork, text: str) -> SignedIn | None:
        seen.append((uow, text))
        return BROWSER.signed_in

    monkeypatch.setattr(auth, "principal_for_session", known)
    request = asks(**sent)
    assert auth.session_token(request) == token
    assert auth.has_credentials(request) == (token is not None)
    assert not auth.has_bearer(request)
    assert authenticate(UOW, request) == (NOBODY if token is None else BROWSER)
    assert seen == ([] if token is None else [(UOW, token)])


def test_what_is_presented_and_unknown_is_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "principal_for_api_key", lambda *_: None)
    monkeypatch.setattr(auth, "principal_for_session", lambda *_: BROWSER.signed_in)
    assert authenticate(UOW, asks(cookie="session=good", authorization="Bearer bad")) == NOBODY
    monkeypatch.setattr(auth, "principal_for_session", lambda *_: None)
    assert authenticate(UOW, asks(cookie="session=bad")) == NOBODY


class TestPermission:
    @pytest.mark.parametrize("caller", [NOBODY, BROWSER, KEY])
    def test_what_is_public_is_open_to_everybody(self, caller: Caller) -> None:
        refuse_unpermitted(asks(), caller, PUBLIC)

    @pytest.mark.parametrize("permission", [SIGNED_IN, "orders.buy", "orders.approve"])
    def test_nobody_is_told_to_sign_in(self, permission: str) -> None:
        with pytest.raises(Unauthenticated) as refused:
            refuse_unpermitted(asks(), NOBODY, permission)
        assert refused.value.code == "sign_in_required"

    @pytest.mark.parametrize("caller", [BROWSER, KEY])
    def test_who_is_known_may_do_what_they_hold_and_nothing_else(self, caller: Caller) -> None:
        refuse_unpermitted(asks(), caller, SIGNED_IN)
        refuse_unpermitted(asks(), caller, "orders.buy")
        with pytest.raises(Forbidden) as refused:
            refuse_unpermitted(asks(), caller, "orders.approve")
        assert (refused.value.code, refused.value.params) == ("permission_missing", {"permission": "orders.approve"})


class TestForgery:
    PROVEN: Sequence[dict[str, str]] = (
        {"x_csrf_token": CSRF},
        {"x_csrf_token": cover_token(CSRF)},
        {"x_csrf_token": CSRF, "sec_fetch_site": "cross-site", "origin": THEIRS},
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": THEIRS},
        {"origin": OURS},
    )
    UNPROVEN: Sequence[dict[str, str]] = (
        {},
        {"x_csrf_token": "wrong", "sec_fetch_site": "same-origin", "origin": OURS},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": OURS},
        {"sec_fetch_site": "none"},
        {"origin": THEIRS},
        {"origin": "null"},
    )
    FROM_ELSEWHERE: Sequence[dict[str, str]] = (
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": OURS},
        {"origin": THEIRS},
    )
    FROM_HERE: Sequence[dict[str, str]] = (
        {},
        {"sec_fetch_site": "same-origin", "origin": THEIRS},
        {"sec_fetch_site": "none"},
        {"origin": OURS},
    )

    @pytest.mark.parametrize("sent", PROVEN)
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_a_session_acts_when_the_request_comes_from_our_pages(self, method: str, sent: dict[str, str]) -> None:
        refuse_unpermitted(asks(method, **sent), BROWSER, "orders.buy")

    @pytest.mark.parametrize("sent", UNPROVEN)
    @pytest.mark.parametrize("permission", [PUBLIC, SIGNED_IN, "orders.buy"])
    def test_a_session_without_proof_is_refused_before_anything_else(
        self, permission: str, sent: dict[str, str]
    ) -> None:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with pytest.raises(Forbidden) as refused:
                refuse_unpermitted(asks(method, **sent), BROWSER, permission)
            assert refused.value.code == "csrf_refused"
        refuse_unpermitted(asks("GET", **sent), BROWSER, permission)

    @pytest.mark.parametrize("sent", FROM_ELSEWHERE)
    def test_nobody_is_signed_in_by_another_site_and_a_key_needs_no_page(self, sent: dict[str, str]) -> None:
        with pytest.raises(Forbidden) as refused:
            refuse_unpermitted(asks("POST", **sent), NOBODY, PUBLIC)
        assert refused.value.code == "csrf_refused"
        refuse_unpermitted(asks("POST", **sent), KEY, "orders.buy")
        refuse_unpermitted(asks("GET", **sent), NOBODY, PUBLIC)

    @pytest.mark.parametrize("sent", FROM_HERE)
    def test_a_program_or_our_own_page_may_sign_in(self, sent: dict[str, str]) -> None:
        refuse_unpermitted(asks("POST", **sent), NOBODY, PUBLIC)
