"""A caller who asks too often is refused before a statement is asked, and is said beforehand how much is left."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from kernel.rate_limit import RateLimiter
from marketplace.access import mail_limits
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_org
from tests.statement_counter import counting

LIMIT = 10
HERE = {"X-Forwarded-For": "198.51.100.7"}
ELSEWHERE = {"X-Forwarded-For": "198.51.100.8"}


@pytest.fixture
def limited(services: Services) -> Services:
    """Ten requests a minute of a credential or a network, behind one proxy."""
    changed = {"rate_limit_credential": LIMIT, "rate_limit_network": LIMIT, "forwarded_hops": 1}
    return replace(
        services, settings=services.settings.model_copy(update=changed), limiter=RateLimiter(now=lambda: 6_000.5)
    )


@pytest.fixture
def browser(limited: Services) -> TestClient[Any]:
    return TestClient(application(limited), base_url="https://market.example")


def test_a_network_is_told_what_is_left_and_refused_what_is_more(browser: TestClient[Any]) -> None:
    for left in reversed(range(LIMIT)):
        answer = browser.get("/v1/listings", headers=HERE)
        assert answer.status_code == 200
        assert answer.headers["RateLimit-Policy"] == f'"network";q={LIMIT};w=60'
        assert answer.headers["RateLimit"] == f'"network";r={left};t=60'
    refused = browser.get("/v1/listings", headers=HERE)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["RateLimit"] == '"network";r=0;t=60'
    assert browser.get("/v1/listings", headers=ELSEWHERE).status_code == 200


def test_what_is_refused_asks_the_database_nothing(browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(LIMIT):
        browser.get("/v1/listings", headers=HERE)
    with counting(monkeypatch) as asked:
        assert browser.get("/v1/listings", headers=HERE).status_code == 429
    assert asked.statements == []


def test_a_page_says_it_in_a_persons_words(browser: TestClient[Any]) -> None:
    for _ in range(LIMIT):
        browser.get("/sign-in", headers=HERE)
    refused = browser.get("/sign-in", headers=HERE | {"Accept": "text/html", "Accept-Language": "en"})
    assert refused.status_code == 429
    assert "Too many requests." in refused.text


def test_a_credential_has_its_own_wherever_it_comes_from(limited: Services, browser: TestClient[Any]) -> None:
    with unit_of_work(limited.db, SYSTEM) as uow:
        emails = [make_org(uow).email for _ in range(2)]
    first, second = (TestClient(application(limited), base_url="https://market.example") for _ in emails)
    for client, email in ((first, emails[0]), (second, emails[1])):
        opened = client.post("/v1/session", json={"email": email, "password": PASSWORD}, headers=HERE)
        assert opened.status_code == 201, opened.text
    seen = [first.get("/v1/orders", headers=where) for where in (HERE, ELSEWHERE) * LIMIT]
    assert [one.status_code for one in seen] == [200] * LIMIT + [429] * LIMIT
    assert '"credential"' in seen[-1].headers["RateLimit"]
    assert second.get("/v1/orders", headers=HERE).status_code == 200


def test_made_up_credentials_are_counted_by_where_they_come_from(
    limited: Services, browser: TestClient[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit_of_work(limited.db, SYSTEM) as uow:
        email = make_org(uow).email
    good = TestClient(application(limited), base_url="https://market.example")
    good.post("/v1/session", json={"email": email, "password": PASSWORD}, headers=HERE)
    assert good.get("/v1/orders", headers=HERE).status_code == 200

    def made_up(number: int, where: dict[str, str]) -> int:
        return browser.get("/v1/orders", headers=where | {"Authorization": f"Bearer x{number}"}).status_code

    assert [made_up(n, HERE) for n in range(LIMIT)] == [401] * LIMIT
    with counting(monkeypatch) as asked:
        assert made_up(LIMIT, HERE) == 429
    assert asked.statements == []
    assert made_up(LIMIT, ELSEWHERE) == 401
    assert good.get("/v1/orders", headers=HERE).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/favicon.ico"])
def test_what_watches_and_our_own_files_are_not_counted(browser: TestClient[Any], path: str) -> None:
    answers = [browser.get(path, headers=HERE) for _ in range(LIMIT + 1)]
    assert {one.status_code for one in answers} == {200}
    assert all("RateLimit" not in one.headers for one in answers)


def test_no_limit_says_nothing(services: Services) -> None:
    off = services.settings.model_copy(update={"rate_limit_network": 0, "forwarded_hops": 1})
    client: TestClient[Any] = TestClient(application(replace(services, settings=off)))
    assert not re.search("ratelimit", str(client.get("/v1/listings", headers=HERE).headers), re.IGNORECASE)


@pytest.mark.parametrize("path", ["/sign-up", "/v1/sign-ups"])
def test_the_limit_that_refused_is_the_one_that_is_named(services: Services, path: str) -> None:
    """It named the caller's own, of which nearly everything was left."""
    wide = services.settings.model_copy(update={"forwarded_hops": 1})
    client: TestClient[Any] = TestClient(
        application(replace(services, settings=wide)), base_url="https://market.example"
    )
    email, most = f"limited-{uuid7()}@firm.example", mail_limits.TO_ADDRESS.attempts

    def ask() -> Any:
        if path.startswith("/v1/"):
            return client.post(path, json={"email": email}, headers=HERE)
        found = re.search(r'name="csrf" value="([^"]+)"', client.get(path, headers=HERE).text)
        assert found is not None
        form = {"csrf": found.group(1), "email": email}
        return client.post(path, data=form, headers=HERE | {"Accept": "text/html"}, follow_redirects=False)

    for _ in range(most):
        passed = ask()
        assert passed.status_code in {202, 303}
        assert passed.headers["RateLimit"].startswith('"network";r=')
    refused = ask()
    assert refused.status_code == 429
    assert refused.headers["RateLimit-Policy"] == f'"mail";q={most};w=3600'
    assert refused.headers["RateLimit"] == f'"mail";r=0;t={refused.headers["Retry-After"]}'
