"""A link of a mail says at once whether it is good, and a form behind it loses nothing of what was typed."""

from __future__ import annotations

import html
import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.access import email_proofs
from tests.api.test_accounts import SITE, code_in, mails, token_in
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, make_org, new_tax_id

Client = TestClient[Any]
FORM = {"name": "新人", "password": PASSWORD, "legal_name": "新来有限公司", "country": "DE", "is_seller": "yes"}


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def browser(services: Services) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    client.headers.update({"Accept": "text/html", "Accept-Language": "en"})
    return client


@pytest.fixture
def email() -> str:
    return f"new-{secrets.token_hex(6)}@firm.example"


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


def asked(services: Services, browser: Client, email: str, path: str = "/v1/sign-ups") -> tuple[str, str]:
    """Token and code of the mail that was asked for."""
    assert browser.post(path, json={"email": email, "locale": "en"}).status_code == 202
    text = mails(services, email)[0][1]
    return token_in(text), code_in(text)


def send(browser: Client, path: str, form: dict[str, str]) -> Any:
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/sign-up").text)
    assert csrf is not None
    return browser.post(path, data={"csrf": csrf.group(1), **form}, follow_redirects=False)


def test_a_good_link_names_the_address_and_is_not_used_up_by_looking(
    services: Services, browser: Client, email: str
) -> None:
    token, _ = asked(services, browser, email)
    for _ in range(2):
        shown = browser.get("/sign-up/complete", params={"token": token})
        assert shown.status_code == 200
        assert f"{email} is confirmed." in shown.text
    done = send(browser, "/sign-up/complete", {"token": token, **FORM, "country": "CN", "tax_id": new_tax_id()})
    assert done.status_code == 303, done.text


@pytest.mark.parametrize(
    ("led", "goes_on"),
    [
        ("/partners?seller=01a2314a-8f54-7fb7-8abb-5d24c529efcf", "/partners?seller="),
        ("https://elsewhere.example/partners", "/orders"),
        ("//elsewhere.example/", "/orders"),
    ],
)
def test_who_was_asked_to_sign_in_comes_to_the_same_page_from_signing_up(
    services: Services, browser: Client, email: str, led: str, goes_on: str
) -> None:
    assert browser.get("/sign-in", params={"next": led}).status_code == 200
    # The first page that somebody was led to counts.
    browser.get("/sign-in", params={"next": "/orders"})
    token, _ = asked(services, browser, email)
    done = send(browser, "/sign-up/complete", {"token": token, **FORM, "country": "CN", "tax_id": new_tax_id()})
    assert (done.status_code, done.headers["Location"].startswith(goes_on)) == (303, True), done.headers["Location"]


@pytest.mark.parametrize("end", ["used", "expired", "forged"])
@pytest.mark.parametrize("purpose", ["sign_up", "reset_password"])
def test_a_dead_link_says_so_before_anything_is_typed(
    services: Services, browser: Client, org: Org, email: str, purpose: str, end: str
) -> None:
    signs_up = purpose == "sign_up"
    address, path, page = (
        (email, "/v1/sign-ups", "/sign-up") if signs_up else (org.email, "/v1/password-resets", "/password")
    )
    token, _ = asked(services, browser, address, path)
    if end == "used":
        form = FORM | {"country": "CN", "tax_id": new_tax_id()} if signs_up else {"password": PASSWORD}
        assert send(browser, f"{page}/complete", {"token": token, **form}).status_code == 303
        browser.cookies.clear()
    elif end == "expired":
        clock.advance(email_proofs.LASTS)
    else:
        token = f"{token[:-4]}AAAA"
    shown = browser.get(f"{page}/complete", params={"token": token})
    assert shown.status_code == 410
    assert "is confirmed" not in shown.text
    assert 'name="password"' not in shown.text
    said = {"used": "has been used", "expired": "is too old", "forged": "is not complete"}[end]
    assert said in shown.text
    # The way on: another mail, to the address where it is known.
    assert f'action="{page}"' in shown.text
    assert (f'value="{address}"' in shown.text) is (end != "forged")


def test_a_link_that_dies_meanwhile_loses_nothing_of_what_was_typed(
    services: Services, browser: Client, email: str
) -> None:
    token, _ = asked(services, browser, email)
    clock.advance(email_proofs.LASTS)
    typed = FORM | {"tax_id": "DE136695976"}
    refused = send(browser, "/sign-up/complete", {"token": token, **typed})
    assert refused.status_code == 422
    form = html.unescape(refused.text)
    assert all(f'value="{typed[name]}"' in form for name in ("name", "legal_name", "tax_id"))
    assert '<option value="DE" selected>' in form
    assert 'value="yes" checked' in form
    assert PASSWORD not in form
    # Another mail's code is typed into the same form.
    assert f'name="email" value="{email}"' in form
    _, code = asked(services, browser, email)
    done = send(browser, "/sign-up/complete", {"email": email, "code": code, **typed})
    assert done.status_code == 303, done.text


def test_who_comes_without_link_or_address_can_name_it(browser: Client) -> None:
    """The code could only be refused: the address that it belongs to was an empty hidden field."""
    for path in ("/sign-up/complete", "/password/complete"):
        assert re.search(r'<input class="input" id="email" name="email" type="email"', browser.get(path).text)
