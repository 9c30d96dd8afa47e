"""Guessing passwords: refused after a while, per account and per network address, whichever process is asked."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from api.app import create_app
from api.context import Services
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.access import sign_in_limits
from marketplace.access.models import SignInCount
from marketplace.access.sign_in_limits import ACCOUNT, KEPT, Limit, purge_old_counts
from tests.api_server import services_for
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, make_org

Client = TestClient[Any]
WINDOW_S = int(ACCOUNT.window.total_seconds())
FEW = Limit(6, ACCOUNT.window)
"""For a network address, so that it is reached soon."""


@pytest.fixture(scope="module")
def services(db: Database, tmp_path_factory: pytest.TempPathFactory) -> Services:
    return services_for(
        db,
        tmp_path_factory.mktemp("house"),
        signer=TokenSigner([secrets.token_bytes(32)]),
        box=SecretBox({"k1": secrets.token_bytes(32)}),
        policy=OutboundPolicy(),
        forwarded_hops=1,
    )


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def processes(services: Services) -> tuple[Client, Client]:
    """Two API processes over one database."""
    first, second = (TestClient(create_app(services), base_url="https://market.example") for _ in range(2))
    return first, second


@pytest.fixture
def org(db: Database) -> Org:
    with unit_of_work(db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def caller() -> str:
    """A network address of nobody else's."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::7"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign_in_limits, "ADDRESS", FEW)


def attempt(client: Client, email: str, password: str, caller: str, language: str = "en") -> Any:
    headers = {"X-Forwarded-For": caller, "Accept-Language": language}
    client.cookies.clear()
    return client.post("/v1/session", json={"email": email, "password": password}, headers=headers)


def fail(client: Client, email: str, caller: str, times: int) -> None:
    for _ in range(times):
        assert attempt(client, email, "wrong-password", caller).status_code == 401


def test_an_account_is_closed_to_guesses_in_every_process_until_the_window_is_over(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    fail(processes[0], org.email, caller, ACCOUNT.attempts)
    clock.advance(timedelta(minutes=4))
    refused = attempt(processes[1], org.email.upper(), PASSWORD, caller)
    assert refused.status_code == 429
    assert refused.headers["content-type"].startswith("application/problem+json")
    assert refused.json()["code"] == "sign_in_too_often"
    assert int(refused.headers["retry-after"]) == WINDOW_S - 240
    assert "11 min" in refused.json()["todo"]
    assert "11 分钟" in attempt(processes[1], org.email, PASSWORD, caller, "zh-CN").json()["todo"]
    clock.advance(timedelta(seconds=WINDOW_S - 240 - 1))
    assert attempt(processes[1], org.email, PASSWORD, caller).status_code == 429
    clock.advance(timedelta(seconds=1))
    assert attempt(processes[1], org.email, PASSWORD, caller).status_code == 201


def test_other_accounts_are_untouched(processes: tuple[Client, Client], org: Org, caller: str, db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        other = make_org(uow)
    fail(processes[0], org.email, caller, ACCOUNT.attempts)
    assert attempt(processes[0], other.email, PASSWORD, caller).status_code == 201


def test_an_unknown_account_is_refused_like_a_known_one(processes: tuple[Client, Client], caller: str) -> None:
    nobody = f"{secrets.token_hex(8)}@example.test"
    fail(processes[0], nobody, caller, ACCOUNT.attempts)
    assert attempt(processes[0], nobody, "wrong-password", caller).json()["code"] == "sign_in_too_often"


def test_the_right_password_forgets_the_failures_before_it(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    for _ in range(2):
        fail(processes[0], org.email, caller, ACCOUNT.attempts - 1)
        assert attempt(processes[0], org.email, PASSWORD, caller).status_code == 201


@pytest.mark.usefixtures("few")
def test_a_network_address_is_refused_whichever_account_it_tries_and_others_go_on(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    neighbour = caller.replace("::7", "::1:8")
    for _ in range(FEW.attempts - 1):
        fail(processes[0], f"{secrets.token_hex(8)}@example.test", caller, 1)
    # One's own account does not give the guesses back.
    assert attempt(processes[0], org.email, PASSWORD, caller).status_code == 201
    fail(processes[0], f"{secrets.token_hex(8)}@example.test", caller, 1)
    assert attempt(processes[1], org.email, PASSWORD, neighbour).status_code == 429
    assert attempt(processes[1], org.email, PASSWORD, "198.51.100.7").status_code == 201


@pytest.mark.usefixtures("few")
def test_what_the_caller_puts_before_the_proxys_word_is_not_believed(
    processes: tuple[Client, Client], caller: str
) -> None:
    for number in range(FEW.attempts):
        fail(processes[0], f"{secrets.token_hex(8)}@example.test", f"203.0.113.{number}, {caller}", 1)
    last = attempt(processes[0], f"{secrets.token_hex(8)}@example.test", "x", f"192.0.2.1, {caller}")
    assert last.status_code == 429


def test_guesses_in_parallel_are_no_more_than_the_limit(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    def guess(client: Client) -> list[int]:
        return [int(attempt(client, org.email, "wrong-password", caller).status_code) for _ in range(ACCOUNT.attempts)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(guess, processes)
    assert sorted(first + second) == [401] * ACCOUNT.attempts + [429] * ACCOUNT.attempts


@pytest.mark.parametrize(("language", "said"), [("en", "tried too often"), ("zh-CN", "过于频繁")])
def test_the_page_says_so_and_keeps_what_was_typed(
    processes: tuple[Client, Client], org: Org, caller: str, language: str, said: str
) -> None:
    client = processes[0]
    fail(client, org.email, caller, ACCOUNT.attempts)
    client.get("/sign-in")
    form = {"csrf": client.cookies["form"], "email": org.email, "password": PASSWORD, "next": "/orders"}
    headers = {"Accept": "text/html", "X-Forwarded-For": caller}
    answer = client.post("/sign-in", params={"lang": language}, data=form, headers=headers)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == WINDOW_S
    assert said in answer.text
    assert f'value="{org.email}"' in answer.text
    assert 'value="/orders"' in answer.text


def test_old_counts_are_forgotten_and_hold_nobodys_name(
    processes: tuple[Client, Client], org: Org, caller: str, db: Database
) -> None:
    fail(processes[0], org.email, caller, 1)
    with unit_of_work(db, SYSTEM) as uow:
        subjects = uow.session.scalars(select(SignInCount.subject)).all()
        assert subjects
        assert all(len(subject) == 64 and subject.isalnum() for subject in subjects)
        clock.advance(2 * KEPT)
        purge_old_counts(uow)
        # Other tests count by the real clock, which may be ahead of this file's.
        old = select(func.count()).select_from(SignInCount).where(SignInCount.since_at <= NOON)
        assert uow.session.scalar(old) == 0
