"""Guessing passwords: refused after a while, and never to the harm of whom the account belongs to, whichever process is asked."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import func, select

from api.context import Services
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from kernel.signing import TokenSigner
from marketplace.access import sign_in_limits
from marketplace.access.counted_limits import Limit
from marketplace.access.models import SignInCount
from marketplace.access.sign_in_limits import ACCOUNT, FREE, KEPT, SLOWEST_S, purge_old_counts
from tests.api_server import application, services_for
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
        base_url="https://market.example",
    )


@pytest.fixture(scope="module")
def another_process(services: Services) -> Services:
    return replace(services)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def processes(services: Services, another_process: Services) -> tuple[Client, Client]:
    """Two API processes over one database."""
    first, second = (
        TestClient(application(of), base_url="https://market.example") for of in (services, another_process)
    )
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


def networks(count: int) -> list[str]:
    """So many networks of a guesser's."""
    first = secrets.token_hex(2)
    return [f"2001:db9:{first}:{number:x}::1" for number in range(count)]


def guess_from(client: Client, email: str, sources: list[str]) -> None:
    """As many wrong passwords as are taken, from each network, with all the patience that is asked for."""
    for source in sources:
        for _ in range(ACCOUNT.attempts):
            while (answer := attempt(client, email, "wrong-password", source)).status_code == 429:
                assert answer.json()["code"] == "sign_in_slowed"
                clock.advance(timedelta(seconds=int(answer.headers["retry-after"])))
            assert answer.status_code == 401


def known(client: Client, email: str, caller: str) -> dict[str, str]:
    """The cookies of a browser in which the account has signed in, and out again."""
    opened = attempt(client, email, PASSWORD, caller)
    assert opened.status_code == 201
    cookies = {name: value for name, value in client.cookies.items() if "device" in name}
    assert len(cookies) == 1
    (cookie,) = (one for one in opened.headers.get_list("set-cookie") if "device" in one)
    assert {"HttpOnly", "Secure", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    # A client that keeps headers in a mapping has the last of a name: the one without which it is not signed in.
    assert "session=" in opened.headers.get_list("set-cookie")[-1]
    return cookies


def attempt_knowing(client: Client, email: str, password: str, caller: str, cookies: dict[str, str]) -> Any:
    client.cookies.clear()
    return client.post(
        "/v1/session",
        json={"email": email, "password": password},
        headers={"X-Forwarded-For": caller, "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
    )


def test_a_guesser_does_not_lock_the_owner_out_of_a_known_device(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    cookies = known(processes[0], org.email, caller)
    guess_from(processes[0], org.email, networks(3))
    # The guesser even sits in the owner's own network, and has used up what may be done from there.
    guess_from(processes[0], org.email, [caller])
    assert attempt(processes[0], org.email, PASSWORD, caller).status_code == 429
    assert attempt_knowing(processes[1], org.email, PASSWORD, caller, cookies).status_code == 201
    # That forgives nothing of what the guesser did.
    assert attempt(processes[0], org.email, PASSWORD, caller).status_code == 429


def test_a_guesser_keeps_the_owner_waiting_for_seconds_on_a_new_device(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    guess_from(processes[0], org.email, networks(3))
    refused = attempt(processes[1], org.email, PASSWORD, caller)
    assert (refused.status_code, refused.json()["code"]) == (429, "sign_in_slowed")
    wait_s = int(refused.headers["retry-after"])
    assert wait_s <= SLOWEST_S
    assert f"{wait_s} s" in refused.json()["todo"]
    assert f"{wait_s} 秒" in attempt(processes[1], org.email, PASSWORD, caller, "zh-CN").json()["todo"]
    clock.advance(timedelta(seconds=wait_s))
    assert attempt(processes[1], org.email, PASSWORD, caller).status_code == 201


def test_one_network_alone_does_not_even_slow_the_account_down(
    processes: tuple[Client, Client], org: Org, caller: str
) -> None:
    (there,) = networks(1)
    fail(processes[0], org.email, there, ACCOUNT.attempts)
    for _ in range(FREE):
        assert attempt(processes[0], org.email, "wrong-password", there).status_code == 429
    assert attempt(processes[1], org.email, PASSWORD, caller).status_code == 201


def test_a_guesser_in_many_networks_is_slowed_down(processes: tuple[Client, Client], org: Org) -> None:
    sources, waits = networks(40), []
    for source in sources[:FREE]:
        fail(processes[0], org.email, source, 1)
    for source in sources[FREE : FREE + 7]:
        refused = attempt(processes[1], org.email, "wrong-password", source)
        assert refused.status_code == 429
        waits.append(int(refused.headers["retry-after"]))
        clock.advance(timedelta(seconds=waits[-1]))
        fail(processes[1], org.email, source, 1)
    assert waits == [1, 2, 4, 8, 16, SLOWEST_S, SLOWEST_S]


def test_guesses_in_parallel_from_many_networks_are_one_a_pause(processes: tuple[Client, Client], org: Org) -> None:
    sources = networks(FREE + 16)
    for source in sources[:FREE]:
        fail(processes[0], org.email, source, 1)
    clock.advance(timedelta(seconds=1))

    def guess(number: int) -> int:
        client = processes[number % 2]
        headers = {"X-Forwarded-For": sources[FREE + number]}
        body = {"email": org.email, "password": "wrong-password"}
        return int(client.post("/v1/session", json=body, headers=headers).status_code)

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(guess, range(16))) == [401] + [429] * 15


def test_a_known_device_that_guesses_is_known_no_more(processes: tuple[Client, Client], org: Org, caller: str) -> None:
    cookies = known(processes[0], org.email, caller)
    for _ in range(2 * ACCOUNT.attempts):
        assert attempt_knowing(processes[0], org.email, "wrong-password", caller, cookies).status_code == 401
    assert attempt_knowing(processes[1], org.email, PASSWORD, caller, cookies).status_code == 429


def test_a_device_is_known_to_its_account_alone_and_by_our_word_alone(
    processes: tuple[Client, Client], org: Org, caller: str, db: Database
) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        other = make_org(uow)
    own, ((theirs, token),) = known(processes[0], org.email, caller), known(processes[0], other.email, caller).items()
    (name,) = own
    said, _, signature = own[name].rpartition(".")
    forged = f"{said}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"
    fail(processes[0], org.email, caller, ACCOUNT.attempts)
    for cookies in ({name: token}, {theirs: token}, {name: forged}, {name: "x.y"}, {name: ""}):
        assert attempt_knowing(processes[0], org.email, PASSWORD, caller, cookies).status_code == 429
    assert attempt_knowing(processes[0], org.email, PASSWORD, caller, own).status_code == 201


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
