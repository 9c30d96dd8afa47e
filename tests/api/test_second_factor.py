"""Two-step sign-in: switched on and off, codes that count once, guesses that are counted, and what must not be learned."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyotp
import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from api.context import Services
from app.embedded.engines import Addresses
from kernel import clock
from kernel.audit import AuditEntry
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Forbidden, NotFound
from kernel.principal import SYSTEM
from kernel.secrets import SecretBox
from marketplace.access.api_keys import MintApiKey, mint_api_key
from marketplace.access.models import Person, RecoveryCode, SecondFactor
from marketplace.access.second_factor import RECOVERY_CODES, SETUP_LASTS, reset_second_factor
from marketplace.access.sessions import CODE_WITHIN
from marketplace.access.sign_in_limits import ACCOUNT
from marketplace.access.totp import STEP_S
from marketplace.mail.models import Mail
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, acting, make_org

Client = TestClient[Any]
SITE = "https://market.example"
FACTOR = "/v1/me/second-factor"


class Phone:
    """An authenticator app, and the system time that both sides go by."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 12, tzinfo=UTC)
        self.secret = ""

    def code(self, *, later: int = 0) -> str:
        """What is shown `later` steps from now."""
        return pyotp.TOTP(self.secret).at(int(self.at.timestamp()) + later * STEP_S)

    def next_code(self) -> str:
        """Wait for the next one."""
        self.wait()
        return self.code()

    def wait(self, steps: int = 1) -> None:
        self.at += timedelta(seconds=steps * STEP_S)

    def wrong(self) -> str:
        """None of those that count at present."""
        right = {self.code(later=off) for off in (-1, 0, 1)}
        return next(one for one in (f"{n:06d}" for n in range(4)) if one not in right)


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def phone(monkeypatch: pytest.MonkeyPatch) -> Phone:
    made = Phone()
    monkeypatch.setattr(clock, "wall_now", lambda: made.at)
    return made


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


def browser(services: Services) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    client.follow_redirects = False
    return client


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    opened = client.post("/v1/session", json={"email": email, "password": password, **more})
    if opened.status_code == 201:
        client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return opened


@pytest.fixture
def owner(services: Services, org: Org) -> Client:
    client = browser(services)
    assert sign_in(client, org.email).status_code == 201
    return client


def twins(services: Services, client: Client, number: int) -> list[Client]:
    """The same browser, as often as it asks at once."""
    made = [browser(services) for _ in range(number)]
    for one in made:
        one.headers["X-CSRF-Token"] = client.headers["X-CSRF-Token"]
        one.cookies.update(client.cookies)
    return made


def switch_on(client: Client, phone: Phone) -> list[str]:
    """The recovery codes."""
    begun = client.post(FACTOR, json={"password": PASSWORD})
    assert begun.status_code == 201, begun.text
    phone.secret = begun.json()["secret"]
    done = client.put(FACTOR, json={"setup": begun.json()["setup"], "code": phone.code()})
    assert done.status_code == 200, done.text
    codes: list[str] = done.json()["recovery_codes"]
    return codes


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def told(services: Services, email: str) -> list[str]:
    with unit_of_work(services.db, SYSTEM) as uow:
        return list(uow.session.scalars(select(Mail.kind).where(Mail.to_address == email).order_by(Mail.id)))


def audited(services: Services, person_id: UUID) -> list[str]:
    with unit_of_work(services.db, SYSTEM) as uow:
        found = select(AuditEntry.action).where(AuditEntry.subject_id == person_id).order_by(AuditEntry.id)
        return [one for one in uow.session.scalars(found) if "second" in one or "recovery" in one]


class TestSwitchingOn:
    def test_it_takes_the_password_and_one_right_code(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        assert owner.get(FACTOR).json() == {"is_on": False, "since": None, "recovery_codes_left": 0}
        assert code_of(owner.post(FACTOR, json={"password": "wrong-password"})) == (422, "password_wrong")
        begun = owner.post(FACTOR, json={"password": PASSWORD}).json()
        phone.secret = begun["secret"]
        assert begun["secret"] in begun["uri"]
        refused = owner.put(FACTOR, json={"setup": begun["setup"], "code": phone.wrong()})
        assert code_of(refused) == (422, "setup_code_wrong")
        assert sign_in(browser(services), org.email).status_code == 201
        done = owner.put(FACTOR, json={"setup": begun["setup"], "code": phone.code()})
        assert len(set(done.json()["recovery_codes"])) == RECOVERY_CODES
        state = owner.get(FACTOR).json()
        assert (state["is_on"], state["recovery_codes_left"]) == (True, RECOVERY_CODES)
        assert code_of(owner.post(FACTOR, json={"password": PASSWORD})) == (409, "second_factor_on")
        assert told(services, org.email) == ["second_factor_on"]
        assert audited(services, org.owner.person()) == ["person.second_factor_on"]

    def test_confirmed_twice_it_is_one_and_says_the_same(self, services: Services, owner: Client, phone: Phone) -> None:
        begun = owner.post(FACTOR, json={"password": PASSWORD}).json()
        phone.secret = begun["secret"]
        body = {"setup": begun["setup"], "code": phone.code()}
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda client: client.put(FACTOR, json=body), twins(services, owner, 3)))
        assert [one.status_code for one in answers] == [200] * 3
        assert len({tuple(one.json()["recovery_codes"]) for one in answers}) == 1
        assert owner.get(FACTOR).json()["recovery_codes_left"] == RECOVERY_CODES

    def test_two_setups_at_once_leave_one(self, services: Services, owner: Client, phone: Phone) -> None:
        begun = [owner.post(FACTOR, json={"password": PASSWORD}).json() for _ in range(2)]

        def confirm(client: Client, one: dict[str, str]) -> int:
            body = {"setup": one["setup"], "code": pyotp.TOTP(one["secret"]).at(int(phone.at.timestamp()))}
            return client.put(FACTOR, json=body).status_code

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(confirm, twins(services, owner, 2), begun)) == [200, 409]

    def test_a_setup_is_of_its_session_and_of_its_time(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        begun = owner.post(FACTOR, json={"password": PASSWORD}).json()
        phone.secret = begun["secret"]
        other = browser(services)
        sign_in(other, org.email)
        for client, setup in ((other, begun["setup"]), (owner, begun["setup"][:-2] + "AA"), (owner, "x")):
            assert code_of(client.put(FACTOR, json={"setup": setup, "code": phone.code()})) == (422, "setup_expired")
        clock.advance(SETUP_LASTS)
        late = owner.put(FACTOR, json={"setup": begun["setup"], "code": phone.code()})
        assert code_of(late) == (422, "setup_expired")

    def test_nothing_readable_is_stored(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        codes = switch_on(owner, phone)
        with unit_of_work(services.db, SYSTEM) as uow:
            factor = uow.session.scalars(select(SecondFactor).where(SecondFactor.person_id == org.owner.person())).one()
            hashes = set(uow.session.scalars(select(RecoveryCode.code_hash).where(RecoveryCode.factor_id == factor.id)))
        assert phone.secret not in factor.secret_sealed
        assert len(hashes) == RECOVERY_CODES
        assert not any(code in one or code.replace("-", "") in one for code in codes for one in hashes)

    def test_a_key_has_none(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        with unit_of_work(services.db, SYSTEM) as uow, acting(uow, org.owner):
            key = mint_api_key(uow, MintApiKey("server", ("orders.read",))).text
        switch_on(owner, phone)
        server = browser(services)
        server.headers["Authorization"] = f"Bearer {key}"
        assert server.get("/v1/me").status_code == 200
        assert code_of(server.get(FACTOR)) == (403, "person_required")
        assert code_of(server.post(FACTOR, json={"password": PASSWORD})) == (403, "person_required")


class TestSigningIn:
    def test_a_right_password_is_asked_for_a_code(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        client = browser(services)
        assert code_of(sign_in(client, org.email)) == (401, "code_required")
        assert not client.cookies
        assert code_of(sign_in(client, org.email, code=phone.wrong())) == (401, "code_wrong")
        assert sign_in(client, org.email, code=phone.next_code()).status_code == 201
        assert client.get("/v1/me").json()["email"] == org.email

    def test_a_wrong_password_tells_nothing_of_it(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        with unit_of_work(services.db, SYSTEM) as uow:
            plain = make_org(uow)
        phone.wait()
        for more in ({}, {"code": phone.code()}, {"code": "x"}):
            tried = [sign_in(browser(services), email, "wrong-password", **more) for email in (org.email, plain.email)]
            assert [code_of(one) for one in tried] == [(401, "credentials_invalid")] * 2
            bodies = [re.sub(r'"(instance|request_id)":"[^"]*"', "", one.text) for one in tried]
            assert bodies[0] == bodies[1]
        # What was given with a wrong password was not looked at.
        assert sign_in(browser(services), org.email, code=phone.code()).status_code == 201
        assert sign_in(browser(services), plain.email, code="000000").status_code == 201

    def test_a_code_counts_once(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        switch_on(owner, phone)
        # The one that switched it on is used up, too.
        assert code_of(sign_in(browser(services), org.email, code=phone.code())) == (401, "code_wrong")
        code = phone.next_code()
        assert sign_in(browser(services), org.email, code=code).status_code == 201
        assert code_of(sign_in(browser(services), org.email, code=code)) == (401, "code_wrong")

    def test_a_code_counts_once_when_it_is_brought_at_once(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        codes = switch_on(owner, phone)
        phone.wait()
        for code in (phone.code(), codes[0]):

            def bring(_: int, code: str = code) -> int:
                return int(sign_in(browser(services), org.email, code=code).status_code)

            with ThreadPoolExecutor(4) as pool:
                assert sorted(pool.map(bring, range(4))) == [201, 401, 401, 401]
        assert owner.get(FACTOR).json()["recovery_codes_left"] == RECOVERY_CODES - 1

    def test_one_step_of_drift_is_allowed_and_no_older_code_after_it(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        phone.wait(10)
        for later in (-2, 2):
            assert code_of(sign_in(browser(services), org.email, code=phone.code(later=later)))[0] == 401
        assert sign_in(browser(services), org.email, code=phone.code(later=-1)).status_code == 201
        assert sign_in(browser(services), org.email, code=phone.code(later=1)).status_code == 201
        assert code_of(sign_in(browser(services), org.email, code=phone.code())) == (401, "code_wrong")

    def test_each_recovery_code_stands_once_for_the_app(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        codes = switch_on(owner, phone)
        assert sign_in(browser(services), org.email, code=codes[3].lower().replace("-", " ")).status_code == 201
        assert code_of(sign_in(browser(services), org.email, code=codes[3])) == (401, "code_wrong")
        assert sign_in(browser(services), org.email, code=codes[4]).status_code == 201
        assert owner.get(FACTOR).json()["recovery_codes_left"] == RECOVERY_CODES - 2
        assert told(services, org.email)[1:] == ["recovery_code_used"] * 2
        assert audited(services, org.owner.person())[1:] == ["person.recovery_code_used"] * 2

    def test_with_the_installations_key_lost_recovery_codes_still_count(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        codes = switch_on(owner, phone)
        other_key = Services(**{**vars(services), "secrets": SecretBox({"k1": secrets.token_bytes(32)})})
        assert code_of(sign_in(browser(other_key), org.email, code=phone.next_code())) == (401, "code_wrong")
        assert sign_in(browser(other_key), org.email, code=codes[0]).status_code == 201

    def test_one_persons_codes_are_no_others(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        codes = switch_on(owner, phone)
        with unit_of_work(services.db, SYSTEM) as uow:
            other = make_org(uow)
        client, theirs = browser(services), Phone()
        sign_in(client, other.email)
        switch_on(client, theirs)
        phone.wait()
        for code in (phone.code(), codes[0]):
            assert code_of(sign_in(browser(services), other.email, code=code)) == (401, "code_wrong")

    def test_a_new_password_by_mail_does_not_switch_it_off(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        client = browser(services)
        client.post("/v1/password-resets", json={"email": org.email})
        with unit_of_work(services.db, SYSTEM) as uow:
            mail = uow.session.scalars(
                select(Mail).where(Mail.to_address == org.email, Mail.kind == "reset_password")
            ).one()
        code = services.signer.short_code(mail.params["proof_purpose"], mail.params["proof_id"])
        body = {"email": org.email, "code": code, "password": "another long password"}
        assert client.post("/v1/password-resets/completion", json=body).status_code == 204
        assert code_of(sign_in(client, org.email, "another long password")) == (401, "code_required")
        done = sign_in(client, org.email, "another long password", code=phone.next_code())
        assert done.status_code == 201


class TestGuessing:
    def test_guesses_are_counted_and_the_owner_is_let_in_again(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        thief = browser(services)
        for _ in range(ACCOUNT.attempts):
            assert code_of(sign_in(thief, org.email, code=phone.wrong())) == (401, "code_wrong")
        assert code_of(sign_in(thief, org.email, code=phone.next_code())) == (429, "sign_in_too_often")
        # On the device that signed in before, nothing of that is felt.
        owner.delete("/v1/session")
        assert sign_in(owner, org.email, code=phone.next_code()).status_code == 201
        clock.advance(ACCOUNT.window)
        assert sign_in(thief, org.email, code=phone.next_code()).status_code == 201

    def test_guesses_sent_in_parallel_are_no_more(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)

        def guess(_: int) -> int:
            return int(sign_in(browser(services), org.email, code=phone.wrong()).status_code)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(guess, range(2 * ACCOUNT.attempts)))
        assert (answers.count(401), answers.count(429)) == (ACCOUNT.attempts, ACCOUNT.attempts)

    def test_a_right_password_gives_no_guesses_back(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        thief = browser(services)
        answers = []
        for _ in range(ACCOUNT.attempts):
            answers.append(code_of(sign_in(thief, org.email)))
            answers.append(code_of(sign_in(thief, org.email, code=phone.wrong())))
        assert answers.count((401, "code_wrong")) <= ACCOUNT.attempts
        assert answers[-1] == (429, "sign_in_too_often")

    def test_who_lacks_the_password_cannot_use_up_the_owners_guesses(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        for _ in range(ACCOUNT.attempts):
            sign_in(browser(services), org.email, "wrong-password", code="000000")
        clock.advance(ACCOUNT.window)
        for _ in range(ACCOUNT.attempts - 1):
            assert code_of(sign_in(browser(services), org.email, code=phone.wrong())) == (401, "code_wrong")
        assert sign_in(browser(services), org.email, code=phone.next_code()).status_code == 201

    def test_guesses_on_the_account_page_are_counted(self, owner: Client, phone: Phone) -> None:
        switch_on(owner, phone)
        body = {"password": PASSWORD, "code": phone.wrong()}
        # As many as from a known device, and as many more as from one that is not.
        for _ in range(2 * ACCOUNT.attempts):
            assert code_of(owner.post(f"{FACTOR}/removal", json=body)) == (422, "code_wrong")
        refused = owner.post(f"{FACTOR}/recovery-codes", json=body | {"code": phone.next_code()})
        assert code_of(refused) == (429, "sign_in_too_often")


class TestSwitchingOff:
    @pytest.mark.parametrize("way", ["app", "recovery code"])
    def test_it_takes_password_and_code(
        self, services: Services, org: Org, owner: Client, phone: Phone, way: str
    ) -> None:
        codes = switch_on(owner, phone)
        code = codes[0] if way == "recovery code" else phone.next_code()
        for body, refusal in (
            ({"password": "wrong-password", "code": code}, "password_wrong"),
            ({"password": PASSWORD, "code": phone.wrong()}, "code_wrong"),
        ):
            assert code_of(owner.post(f"{FACTOR}/removal", json=body)) == (422, refusal)
        assert code_of(sign_in(browser(services), org.email)) == (401, "code_required")
        assert owner.post(f"{FACTOR}/removal", json={"password": PASSWORD, "code": code}).status_code == 204
        assert sign_in(browser(services), org.email).status_code == 201
        assert owner.get(FACTOR).json() == {"is_on": False, "since": None, "recovery_codes_left": 0}
        again = owner.post(f"{FACTOR}/removal", json={"password": PASSWORD, "code": code})
        assert code_of(again) == (409, "second_factor_off")
        assert told(services, org.email)[-1] == "second_factor_off"
        assert audited(services, org.owner.person())[-1] == "person.second_factor_off"
        phone.wait()
        switch_on(owner, phone)
        assert code_of(sign_in(browser(services), org.email, code=codes[1])) == (401, "code_wrong")

    def test_new_recovery_codes_take_the_place_of_the_old(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        old = switch_on(owner, phone)
        assert sign_in(browser(services), org.email, code=old[0]).status_code == 201
        made = owner.post(f"{FACTOR}/recovery-codes", json={"password": PASSWORD, "code": phone.next_code()})
        assert made.status_code == 201, made.text
        new = made.json()["recovery_codes"]
        assert not set(old) & set(new)
        assert owner.get(FACTOR).json()["recovery_codes_left"] == RECOVERY_CODES
        assert code_of(sign_in(browser(services), org.email, code=old[1])) == (401, "code_wrong")
        assert sign_in(browser(services), org.email, code=new[0]).status_code == 201
        assert "recovery_codes_made" in told(services, org.email)

    def test_the_installation_switches_it_off_for_who_has_lost_both(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        assert code_of(sign_in(browser(services), org.email)) == (401, "code_required")
        with pytest.raises(Forbidden, match="permission_missing"), unit_of_work(services.db, org.owner) as uow:
            reset_second_factor(uow, org.email)
        with unit_of_work(services.db, SYSTEM) as uow:
            reset_second_factor(uow, org.email.upper())
        assert sign_in(browser(services), org.email).status_code == 201
        assert told(services, org.email)[-1] == "second_factor_off"
        with pytest.raises(Conflict, match="second_factor_off"), unit_of_work(services.db, SYSTEM) as uow:
            reset_second_factor(uow, org.email)
        with pytest.raises(NotFound, match="person_not_found"), unit_of_work(services.db, SYSTEM) as uow:
            reset_second_factor(uow, "nobody@firm.example")

    def test_the_installations_command_does_it_in_a_process_of_its_own(
        self, services: Services, addresses: Addresses, org: Org, owner: Client, phone: Phone, tmp_path: Path
    ) -> None:
        """It knows no more than what it imports; the mail that is to be sent is known to it all the same."""
        switch_on(owner, phone)
        told_where = {
            "MARKET_HOME": str(tmp_path),
            "DATABASE_URL": addresses.database_url,
            "REDIS_URL": addresses.redis_url,
        }
        command = [sys.executable, "-m", "app.cli", "operator", "reset-second-factor", org.email]
        done = subprocess.run(
            command, env=os.environ | told_where, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        assert sign_in(browser(services), org.email).status_code == 201
        assert told(services, org.email)[-1] == "second_factor_off"

    def test_it_is_switched_off_while_somebody_types_a_code(
        self, services: Services, org: Org, owner: Client, phone: Phone
    ) -> None:
        switch_on(owner, phone)
        phone.wait()
        bodies = {"password": PASSWORD, "code": phone.code()}
        with ThreadPoolExecutor(2) as pool:
            off = pool.submit(lambda: owner.post(f"{FACTOR}/removal", json=bodies).status_code)
            opened = pool.submit(lambda: sign_in(browser(services), org.email, code=phone.code()).status_code)
            # One code, one use: who switched it off, or who signed in with it; after it is off the password is enough.
            assert (off.result(), opened.result()) in {(204, 401), (422, 201), (204, 201)}


def form(client: Client, path: str, **values: str) -> Any:
    shown = client.get(path)
    found = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    assert found is not None, shown.text
    return found.group(1), shown


def post(client: Client, page: str, path: str, **values: str) -> Any:
    csrf, _ = form(client, page)
    return client.post(path, data={"csrf": csrf, **values})


class TestPages:
    def test_the_second_step_of_signing_in(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        switch_on(owner, phone)
        client = browser(services)
        assert client.get("/sign-in/code").headers["location"].startswith("/sign-in")
        first = post(client, "/sign-in", "/sign-in", email=org.email, password=PASSWORD, next="/orders")
        assert (first.status_code, first.headers["location"]) == (303, "/sign-in/code?next=%2Forders")
        assert "__Host-session" not in client.cookies
        csrf, shown = form(client, "/sign-in/code?next=/orders")
        assert PASSWORD not in shown.text
        assert org.email in shown.text
        wrong = client.post("/sign-in/code", data={"csrf": csrf, "code": phone.wrong(), "next": "/orders"})
        assert (wrong.status_code, 'role="alert"' in wrong.text) == (422, True)
        done = client.post("/sign-in/code", data={"csrf": csrf, "code": phone.next_code(), "next": "/orders"})
        assert (done.status_code, done.headers["location"]) == (303, "/orders")
        assert client.get("/orders").status_code == 200
        # The challenge is forgotten by the browser.
        assert "__Host-sign-in" not in client.cookies

    @pytest.mark.parametrize("over", ["late", "altered", "another password", "none"])
    def test_the_step_is_over(self, services: Services, org: Org, owner: Client, phone: Phone, over: str) -> None:
        switch_on(owner, phone)
        client = browser(services)
        post(client, "/sign-in", "/sign-in", email=org.email, password=PASSWORD)
        csrf, _ = form(client, "/sign-in/code")
        if over == "late":
            clock.advance(CODE_WITHIN)
        elif over == "another password":
            with unit_of_work(services.db, SYSTEM) as uow:
                changed = update(Person).where(Person.id == org.owner.person()).values(password_hash="x")
                uow.session.execute(changed)
        else:
            token = client.cookies["__Host-sign-in"]
            client.cookies.delete("__Host-sign-in")
            if over == "altered":
                client.cookies.set("__Host-sign-in", token[:-3] + secrets.token_hex(2)[:3])
        done = client.post("/sign-in/code", data={"csrf": csrf, "code": phone.next_code(), "next": "//evil.example"})
        assert done.status_code == 303
        assert done.headers["location"].startswith("/sign-in?")
        assert "evil" not in done.headers["location"]
        assert "__Host-session" not in client.cookies

    def test_on_new_codes_and_off_again(self, services: Services, org: Org, owner: Client, phone: Phone) -> None:
        page = "/account/second-factor"
        assert page in owner.get("/account").text
        refused = post(owner, page, f"{page}/setup", password="wrong-password")
        assert (refused.status_code, "aria-invalid" in refused.text) == (422, True)
        setup = post(owner, page, f"{page}/setup", password=PASSWORD)
        assert (setup.status_code, "<svg" in setup.text) == (200, True)
        assert PASSWORD not in setup.text
        assert "no-store" in setup.headers["cache-control"]
        found = re.search(r"<code>([A-Z2-7 ]+)</code>", setup.text)
        sealed = re.search(r'name="setup" value="([^"]+)"', setup.text)
        assert found is not None
        assert sealed is not None
        phone.secret = found.group(1).replace(" ", "")
        wrong = post(owner, page, f"{page}/confirm", setup=sealed.group(1), code=phone.wrong())
        assert (wrong.status_code, found.group(1) in wrong.text) == (422, True)
        done = post(owner, page, f"{page}/confirm", setup=sealed.group(1), code=phone.code())
        codes = re.findall(r"\b(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}\b", done.text)
        assert (done.status_code, len(set(codes))) == (200, RECOVERY_CODES)
        assert str(RECOVERY_CODES) in owner.get("/account").text
        renewed = post(owner, page, f"{page}/recovery-codes", password=PASSWORD, code=codes[0])
        new = re.findall(r"\b(?:[A-Z2-9]{4}-){3}[A-Z2-9]{4}\b", renewed.text)
        assert (renewed.status_code, len(set(new) - set(codes))) == (200, RECOVERY_CODES)
        off = post(owner, page, f"{page}/off", password=PASSWORD, code=codes[1])
        assert (off.status_code, "aria-invalid" in off.text) == (422, True)
        off = post(owner, page, f"{page}/off", password=PASSWORD, code=phone.next_code())
        assert (off.status_code, off.headers["location"]) == (303, "/account")
        assert sign_in(browser(services), org.email).status_code == 201
