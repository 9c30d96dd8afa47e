"""People come in by themselves: sign-up, new passwords, sessions, invitations, and what must not be learned or done by them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import select, update

from api.context import Services
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.context import JobClaim
from kernel.principal import SYSTEM
from marketplace.access import email_proofs, identity_limits, invitations, mail_limits
from marketplace.access.counted_limits import Limit
from marketplace.access.members import change_roles, remove_member
from marketplace.access.models import EmailProof, Member, Person, SignInSession
from marketplace.mail.compose import Composer, MailContent
from marketplace.mail.folder_transport import FolderTransport
from marketplace.mail.models import Mail
from marketplace.mail.queue_mail import NOBODY, SEND
from marketplace.mail.send_mail import SendMail
from marketplace.parties.models import Organization
from tests.api_server import application
from tests.conftest import NOON
from tests.factories_marketplace import PASSWORD, Org, make_member, make_org, make_seller, new_tax_id
from tests.statement_counter import counting

Client = TestClient[Any]
SCAN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40) + b"\0\0\0\0IEND\xae\x42\x60\x82"
SITE = "https://market.example"
NEW_PASSWORD = "another long password"


@pytest.fixture(autouse=True)
def frozen() -> Iterator[None]:
    with clock.frozen(NOON):
        yield


@pytest.fixture
def browser(services: Services) -> Client:
    """Somebody who has not signed in."""
    return TestClient(application(services), base_url=SITE)


@pytest.fixture
def org(services: Services) -> Org:
    with unit_of_work(services.db, SYSTEM) as uow:
        return make_org(uow)


@pytest.fixture
def email() -> str:
    return f"new-{secrets.token_hex(6)}@firm.example"


def signed_in(services: Services, email: str, password: str = PASSWORD) -> Client:
    client: Client = TestClient(application(services), base_url=SITE)
    opened = client.post("/v1/session", json={"email": email, "password": password})
    assert opened.status_code == 201, opened.text
    client.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return client


def composer(services: Services) -> Composer:
    return Composer(services.signer, public_url=SITE, sender="no-reply@market.example")


def mails(services: Services, to: str) -> list[tuple[str, str]]:
    """Kind and text of what was queued for an address, the newest first."""
    with unit_of_work(services.db, SYSTEM) as uow:
        rows = uow.session.scalars(
            select(Mail)
            .where(Mail.to_address == to, Mail.kind != NOBODY)
            .order_by(Mail.created_at.desc(), Mail.id.desc())
        )
        found = [MailContent(one.id, one.to_address, one.kind, one.locale, one.created_at, one.params) for one in rows]
    bodies = [composer(services).compose(one).get_body(("plain",)) for one in found]
    return [(one.kind, body.get_content()) for one, body in zip(found, bodies, strict=True) if body is not None]


def code_in(text: str) -> str:
    found = re.search(r"^\s+(\d{6})$", text, re.MULTILINE)
    assert found is not None, text
    return found.group(1)


def token_in(text: str) -> str:
    found = re.search(r"token=(\S+)", text)
    assert found is not None, text
    return found.group(1)


def ask(client: Client, email: str, path: str = "/v1/sign-ups") -> None:
    asked = client.post(path, json={"email": email, "locale": "en"})
    assert asked.status_code == 202, asked.text


def newcomer(**proof: str) -> dict[str, Any]:
    organization = {
        "legal_name": f"新来{secrets.token_hex(4)}有限公司",
        "display_name": "新来",
        "country": "CN",
        "tax_id": new_tax_id(),
    }
    return {"name": "新人", "password": PASSWORD, "organization": organization, **proof}


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


class TestSignUp:
    def test_a_code_from_the_mail_opens_an_account_with_its_organization(
        self, services: Services, browser: Client, email: str
    ) -> None:
        ask(browser, email)
        [(kind, text)] = mails(services, email)
        assert kind == "sign_up"
        made = browser.post("/v1/sign-ups/completion", json=newcomer(email=f" {email.upper()} ", code=code_in(text)))
        assert made.status_code == 201, made.text
        me = browser.get("/v1/me").json()
        assert (me["email"], me["org_id"], me["name"]) == (email, made.json()["org_id"], "新人")
        assert [one["roles"] for one in me["organizations"]] == [["owner"]]
        assert signed_in(services, email).get("/v1/me").status_code == 200

    def test_the_link_does_the_same_and_only_once(self, services: Services, browser: Client, email: str) -> None:
        ask(browser, email)
        token = token_in(mails(services, email)[0][1])
        assert browser.post("/v1/sign-ups/completion", json=newcomer(token=token)).status_code == 201
        browser.cookies.clear()
        again = browser.post("/v1/sign-ups/completion", json=newcomer(token=token))
        assert (again.status_code, again.json()["code"]) == (422, "link_invalid")

    def test_what_is_refused_for_another_reason_does_not_use_the_code_up(
        self, services: Services, browser: Client, email: str
    ) -> None:
        ask(browser, email)
        code = code_in(mails(services, email)[0][1])
        for change, refusal in (
            ({"password": "short"}, "password_too_short"),
            ({"name": "  "}, "text_required"),
        ):
            refused = browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=code) | change)
            assert (refused.status_code, refused.json()["code"]) == (422, refusal)
        body = newcomer(email=email, code=code)
        bad = browser.post(
            "/v1/sign-ups/completion", json=body | {"organization": body["organization"] | {"tax_id": "1"}}
        )
        assert bad.json()["code"] == "tax_id_length"
        assert browser.post("/v1/sign-ups/completion", json=body).status_code == 201

    def test_it_is_too_late_after_half_an_hour(self, services: Services, browser: Client, email: str) -> None:
        ask(browser, email)
        text = mails(services, email)[0][1]
        clock.advance(email_proofs.LASTS)
        late = browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=code_in(text)))
        assert late.json()["code"] == "code_invalid"
        assert (
            browser.post("/v1/sign-ups/completion", json=newcomer(token=token_in(text))).json()["code"]
            == "link_invalid"
        )

    def test_five_wrong_codes_close_it_even_to_the_right_one(
        self, services: Services, browser: Client, email: str
    ) -> None:
        ask(browser, email)
        code = code_in(mails(services, email)[0][1])
        for _ in range(email_proofs.MOST_TRIES):
            tried = browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=wrong(code)))
            assert tried.json()["code"] == "code_invalid"
        closed = browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=code))
        assert closed.json()["code"] == "code_invalid"
        ask(browser, email)
        fresh = code_in(mails(services, email)[0][1])
        assert browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=fresh)).status_code == 201

    def test_a_right_code_outlives_mistakes_in_other_fields(
        self, services: Services, browser: Client, email: str
    ) -> None:
        ask(browser, email)
        code = code_in(mails(services, email)[0][1])
        wrong_field = newcomer(email=email, code=code) | {"password": "short"}
        for _ in range(email_proofs.MOST_TRIES + 1):
            refused = browser.post("/v1/sign-ups/completion", json=wrong_field)
            assert (refused.status_code, refused.json()["code"]) == (422, "password_too_short")
        assert browser.post("/v1/sign-ups/completion", json=newcomer(email=email, code=code)).status_code == 201

    def test_guesses_sent_in_parallel_are_no_more(self, services: Services, browser: Client, email: str) -> None:
        ask(browser, email)
        with unit_of_work(services.db, SYSTEM) as uow:
            proof_id = uow.session.scalars(select(EmailProof.id).where(EmailProof.email == email)).one()
        presented = email_proofs.Presented(email=email, code="123456")

        def guess(_: int) -> UUID | None:
            with unit_of_work(services.db, SYSTEM) as uow:
                return email_proofs.count_try(uow, "sign_up", presented)

        with ThreadPoolExecutor(8) as pool:
            counted = list(pool.map(guess, range(24)))
        assert [one for one in counted if one is not None] == [proof_id] * email_proofs.MOST_TRIES

    def test_one_proof_makes_one_account_however_often_it_is_brought_at_once(
        self, services: Services, browser: Client, email: str
    ) -> None:
        ask(browser, email)
        token = token_in(mails(services, email)[0][1])

        def bring(_: int) -> int:
            client: Client = TestClient(application(services), base_url=SITE)
            return client.post("/v1/sign-ups/completion", json=newcomer(token=token)).status_code

        with ThreadPoolExecutor(4) as pool:
            answers = sorted(pool.map(bring, range(4)))
        assert answers == [201, 422, 422, 422]

    def test_nobody_learns_whether_an_address_has_an_account(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        answers = [browser.post("/v1/sign-ups", json={"email": one, "locale": "en"}) for one in (org.email, email)]
        assert [(one.status_code, one.content) for one in answers] == [(202, answers[0].content)] * 2
        answers = [browser.post("/v1/password-resets", json={"email": one}) for one in (org.email, email)]
        assert [(one.status_code, one.content) for one in answers] == [(202, answers[0].content)] * 2
        tried = [
            browser.post("/v1/sign-ups/completion", json=newcomer(email=one, code="123456")).json()
            for one in (org.email, f"x{email}")
        ]
        assert [one["code"] for one in tried] == ["code_invalid"] * 2
        assert [kind for kind, _ in mails(services, org.email)] == ["reset_password", "account_exists"]
        assert [kind for kind, _ in mails(services, email)] == ["sign_up"]

    def test_a_reset_is_in_the_language_of_the_account(self, services: Services, browser: Client, org: Org) -> None:
        for asked_in, of_account in (("zh-CN", "en"), ("en", "zh-CN")):
            with unit_of_work(services.db, SYSTEM) as uow:
                uow.session.execute(update(Person).where(Person.email == org.email).values(locale=of_account))
            assert browser.post("/v1/password-resets", json={"email": org.email, "locale": asked_in}).status_code == 202
            with unit_of_work(services.db, SYSTEM) as uow:
                sent = (
                    select(Mail.locale)
                    .where(Mail.to_address == org.email)
                    .order_by(Mail.created_at.desc(), Mail.id.desc())
                )
                assert uow.session.scalars(sent.limit(1)).one() == of_account

    @pytest.mark.parametrize("path", ["/v1/sign-ups", "/v1/password-resets"])
    def test_asking_is_the_same_work_for_an_address_with_an_account(
        self, services: Services, browser: Client, org: Org, email: str, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Fewer statements for one of the two were an answer that could be measured."""
        ask(browser, f"first-{email}", path)
        asked = []
        for one in (org.email, email):
            with counting(monkeypatch) as count:
                ask(browser, one, path)
            asked.append((count.figures, count.statements))
        assert asked[0] == asked[1]
        tried = []
        for one in (org.email, email):
            with counting(monkeypatch) as count:
                browser.post(
                    "/v1/password-resets/completion", json={"email": one, "code": "000000", "password": PASSWORD}
                )
            tried.append((count.figures, count.statements))
        assert tried[0] == tried[1]

    def test_what_nobody_is_to_get_does_not_go_out(
        self, services: Services, browser: Client, email: str, tmp_path: Path
    ) -> None:
        ask(browser, email, "/v1/password-resets")
        with unit_of_work(services.db, SYSTEM) as uow:
            mail_id = uow.session.scalars(select(Mail.id).where(Mail.to_address == email)).one()
            claim = JobClaim(uuid7(), SEND, {"mail_id": str(mail_id)}, epoch=1, attempts=1, correlation_id=None)
            assert SendMail(FolderTransport(tmp_path), composer(services)).prepare(uow, claim) is None
        with unit_of_work(services.db, SYSTEM) as uow:
            assert uow.session.get(Mail, mail_id) is None

    def test_a_mailbox_is_not_flooded(self, services: Services, browser: Client, email: str) -> None:
        for _ in range(mail_limits.TO_ADDRESS.attempts):
            ask(browser, email)
        refused = browser.post("/v1/password-resets", json={"email": email})
        assert (refused.status_code, refused.json()["code"]) == (429, "mails_too_often")
        assert int(refused.headers["retry-after"]) == 3600
        assert len(mails(services, email)) == mail_limits.TO_ADDRESS.attempts

    def test_one_network_does_not_flood_many(
        self, services: Services, email: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(mail_limits, "FROM_NETWORK", Limit(3, timedelta(hours=1)))
        behind = Services(**{**vars(services), "settings": services.settings.model_copy(update={"forwarded_hops": 1})})
        client: Client = TestClient(application(behind), base_url=SITE)
        caller = {"X-Forwarded-For": f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::7"}
        asked = [client.post("/v1/sign-ups", json={"email": f"{n}{email}"}, headers=caller) for n in range(4)]
        assert [one.status_code for one in asked] == [202, 202, 202, 429]
        elsewhere = {"X-Forwarded-For": "198.51.100.7"}
        assert client.post("/v1/sign-ups", json={"email": f"9{email}"}, headers=elsewhere).status_code == 202

    @pytest.mark.parametrize("address", ["a b@c.example", "a@b.example\r\nBcc: x@y.example", "@x.example", "a@"])
    def test_what_is_no_address_is_refused(self, browser: Client, address: str) -> None:
        refused = browser.post("/v1/sign-ups", json={"email": address})
        assert (refused.status_code, refused.json()["code"]) in {(422, "email_invalid"), (422, "validation_failed")}


class TestPasswords:
    def test_a_reset_ends_every_session_and_the_owner_is_told(
        self, services: Services, browser: Client, org: Org
    ) -> None:
        client = signed_in(services, org.email)
        ask(browser, org.email, "/v1/password-resets")
        code = code_in(mails(services, org.email)[0][1])
        body = {"email": org.email, "code": code, "password": NEW_PASSWORD}
        assert browser.post("/v1/password-resets/completion", json=body).status_code == 204
        assert client.get("/v1/me").status_code == 401
        assert browser.post("/v1/session", json={"email": org.email, "password": PASSWORD}).status_code == 401
        assert signed_in(services, org.email, NEW_PASSWORD).get("/v1/me").status_code == 200
        assert mails(services, org.email)[0][0] == "password_changed"
        again = browser.post("/v1/password-resets/completion", json=body)
        assert again.json()["code"] == "code_invalid"

    def test_once_it_is_set_no_older_mail_sets_it_again(self, services: Services, browser: Client, org: Org) -> None:
        ask(browser, org.email, "/v1/password-resets")
        older = token_in(mails(services, org.email)[0][1])
        ask(browser, org.email, "/v1/password-resets")
        newer = token_in(mails(services, org.email)[0][1])
        path = "/v1/password-resets/completion"
        assert browser.post(path, json={"token": newer, "password": NEW_PASSWORD}).status_code == 204
        refused = browser.post(path, json={"token": older, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (422, "link_invalid")

    def test_a_sign_ups_proof_is_none_for_a_password(self, services: Services, browser: Client, email: str) -> None:
        ask(browser, email)
        text = mails(services, email)[0][1]
        for proof in ({"token": token_in(text)}, {"email": email, "code": code_in(text)}):
            refused = browser.post("/v1/password-resets/completion", json={**proof, "password": NEW_PASSWORD})
            assert refused.status_code == 422

    def test_changing_it_takes_the_present_one_and_keeps_this_browser(self, services: Services, org: Org) -> None:
        here, elsewhere = signed_in(services, org.email), signed_in(services, org.email)
        body = {"current_password": "not the password", "password": NEW_PASSWORD}
        refused = here.put("/v1/me/password", json=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "password_wrong")
        assert here.put("/v1/me/password", json=body | {"current_password": PASSWORD}).status_code == 204
        assert here.get("/v1/me").status_code == 200
        assert elsewhere.get("/v1/me").status_code == 401

    def test_a_stolen_browser_cannot_guess_it(self, services: Services, org: Org) -> None:
        client = signed_in(services, org.email)
        body = {"current_password": "not the password", "password": NEW_PASSWORD}
        codes = [client.put("/v1/me/password", json=body).json()["code"] for _ in range(22)]
        # Ten as the device that is known, ten more from its network.
        assert codes == ["password_wrong"] * 20 + ["sign_in_too_often"] * 2


class TestPerson:
    def test_the_answer_to_a_change_is_what_is_kept(self, services: Services, org: Org) -> None:
        client = signed_in(services, org.email)
        told = client.patch("/v1/me", json={"name": "  王\u200b芳 ", "locale": "en"})
        assert (told.status_code, told.json()["name"], told.json()["locale"]) == (200, "王芳", "en")
        kept = client.get("/v1/me").json()
        assert (kept["name"], kept["locale"]) == ("王芳", "en")


class TestSessions:
    def test_browsers_are_listed_and_signed_out(self, services: Services, org: Org) -> None:
        here, elsewhere = signed_in(services, org.email), signed_in(services, org.email)
        listed = here.get("/v1/me/sessions").json()
        assert [one["is_current"] for one in listed] == [True, False]
        assert here.delete(f"/v1/me/sessions/{listed[1]['id']}").status_code == 204
        assert elsewhere.get("/v1/me").status_code == 401
        third = signed_in(services, org.email)
        assert here.delete("/v1/me/sessions").status_code == 204
        assert third.get("/v1/me").status_code == 401
        assert [one["is_current"] for one in here.get("/v1/me/sessions").json()] == [True]

    def test_somebody_elses_is_not_found(self, services: Services, org: Org) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            other = make_org(uow)
        client, victim = signed_in(services, org.email), signed_in(services, other.email)
        with unit_of_work(services.db, SYSTEM) as uow:
            their_id = uow.session.scalars(
                select(SignInSession.id).where(SignInSession.person_id == other.owner.person_id)
            ).one()
        refused = client.delete(f"/v1/me/sessions/{their_id}")
        assert (refused.status_code, refused.json()["code"]) == (404, "session_not_found")
        assert victim.get("/v1/me").status_code == 200

    def test_a_key_has_none(self, services: Services, org: Org) -> None:
        client = signed_in(services, org.email)
        key = client.post("/v1/api-keys", json={"name": "erp", "scopes": ["orders.read"]}).json()["key"]
        server: Client = TestClient(application(services), base_url=SITE)
        refused = server.get("/v1/me/sessions", headers={"Authorization": f"Bearer {key}"})
        assert (refused.status_code, refused.json()["code"]) == (403, "person_required")


class TestInvitations:
    def invite(self, services: Services, org: Org, email: str, roles: tuple[str, ...] = ("purchaser",)) -> str:
        client = signed_in(services, org.email)
        body = {"email": email, "roles": list(roles), "locale": "en"}
        asked = client.post(f"/v1/organizations/{org.id}/invitations", json=body)
        assert asked.status_code == 201, asked.text
        assert mails(services, email)[0][0] == "invitation"
        return token_in(mails(services, email)[0][1])

    def members(self, services: Services, org: Org) -> set[str]:
        with unit_of_work(services.db, SYSTEM) as uow:
            rows = select(Person.email).join(Member).where(Member.org_id == org.id, Member.state == "active")
            return set(uow.session.scalars(rows))

    def test_nobody_is_a_member_before_they_accept(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        token = self.invite(services, org, email)
        assert self.members(services, org) == {org.email}
        shown = browser.post("/v1/invitations/lookup", json={"token": token}).json()
        assert (shown["email"], shown["roles"], shown["has_account"]) == (email, ["purchaser"], False)
        body = {"token": token, "name": "新人", "password": PASSWORD}
        assert browser.post("/v1/invitations/acceptance", json=body).status_code == 201
        assert self.members(services, org) == {org.email, email}
        assert browser.get("/v1/me").json()["org_id"] == str(org.id)
        browser.cookies.clear()
        again = browser.post("/v1/invitations/acceptance", json=body)
        assert (again.status_code, again.json()["code"]) == (410, "invitation_accepted")

    def test_who_has_an_account_signs_in_and_nobody_else_can_take_it(
        self, services: Services, browser: Client, org: Org
    ) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            invited, stranger = make_org(uow), make_org(uow)
        token = self.invite(services, org, invited.email)
        taken = browser.post("/v1/invitations/acceptance", json={"token": token, "name": "X", "password": PASSWORD})
        assert (taken.status_code, taken.json()["code"]) == (409, "email_taken")
        nobody = browser.post("/v1/invitations/acceptance", json={"token": token})
        assert (nobody.status_code, nobody.json()["code"]) == (401, "sign_in_required")
        other = signed_in(services, stranger.email).post("/v1/invitations/acceptance", json={"token": token})
        assert (other.status_code, other.json()["code"]) == (403, "invitation_for_another")
        joined = signed_in(services, invited.email).post("/v1/invitations/acceptance", json={"token": token})
        assert joined.status_code == 201
        assert self.members(services, org) == {org.email, invited.email}

    def test_who_has_left_every_organization_comes_back_by_an_invitation(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        body = {"token": self.invite(services, org, email), "name": "新人", "password": PASSWORD}
        assert browser.post("/v1/invitations/acceptance", json=body).status_code == 201
        self.remove(services, org, email)
        browser.cookies.clear()
        token = self.invite(services, org, email, ("viewer",))
        shown = browser.post("/v1/invitations/lookup", json={"token": token}).json()
        assert (shown["has_account"], shown["may_sign_in"]) == (True, False)
        wrong = browser.post("/v1/invitations/acceptance", json={"token": token, "password": "another password"})
        assert (wrong.status_code, wrong.json()["code"]) == (401, "credentials_invalid")
        assert self.members(services, org) == {org.email}
        back = browser.post("/v1/invitations/acceptance", json={"token": token, "password": PASSWORD})
        assert back.status_code == 201, back.text
        assert self.members(services, org) == {org.email, email}
        assert browser.get("/v1/me").json()["org_id"] == str(org.id)

    @pytest.mark.parametrize("end", ["removed", "given less"])
    def test_what_somebody_handed_out_ends_with_their_own(
        self, services: Services, browser: Client, org: Org, email: str, end: str
    ) -> None:
        with unit_of_work(services.db, SYSTEM) as uow:
            colleague = make_member(uow, org, "owner")
            address = uow.session.get_one(Person, colleague.person()).email
        given = signed_in(services, address)
        asked = given.post(
            f"/v1/organizations/{org.id}/invitations", json={"email": email, "roles": ["owner"], "locale": "en"}
        )
        assert asked.status_code == 201, asked.text
        token = token_in(mails(services, email)[0][1])
        if end == "removed":
            self.remove(services, org, address)
        else:
            with unit_of_work(services.db, org.owner) as uow:
                change_roles(uow, self.member_id(services, org, address), ["viewer"])
        body = {"token": token, "name": "X", "password": PASSWORD}
        # Said before the form is filled in, too.
        assert browser.post("/v1/invitations/lookup", json={"token": token}).json()["code"] == "invitation_over"
        assert browser.post("/v1/invitations/acceptance", json=body).json()["code"] == "invitation_over"
        assert email not in self.members(services, org)

    def member_id(self, services: Services, org: Org, email: str) -> UUID:
        with unit_of_work(services.db, SYSTEM) as uow:
            found = select(Member.id).join(Person).where(Member.org_id == org.id, Person.email == email)
            return uow.session.scalars(found).one()

    def remove(self, services: Services, org: Org, email: str) -> None:
        member_id = self.member_id(services, org, email)
        with unit_of_work(services.db, org.owner) as uow:
            remove_member(uow, member_id)

    @pytest.mark.parametrize("end", ["declined", "withdrawn", "expired"])
    def test_an_invitation_that_is_over_lets_nobody_in(
        self, services: Services, browser: Client, org: Org, email: str, end: str
    ) -> None:
        token = self.invite(services, org, email)
        shown = browser.post("/v1/invitations/lookup", json={"token": token}).json()
        who = {"organization": shown["organization"], "inviter": shown["invited_by"]}
        client = signed_in(services, org.email)
        path = f"/v1/organizations/{org.id}/invitations"
        [listed] = client.get(path).json()
        if end == "declined":
            assert browser.post("/v1/invitations/refusal", json={"token": token}).status_code == 204
        elif end == "withdrawn":
            assert client.delete(f"{path}/{listed['id']}").status_code == 204
        else:
            clock.advance(invitations.LASTS)
        body = {"token": token, "name": "X", "password": PASSWORD}
        for refused in (
            browser.post("/v1/invitations/acceptance", json=body),
            browser.post("/v1/invitations/lookup", json={"token": token}),
            browser.post("/v1/invitations/refusal", json={"token": token}),
        ):
            assert (refused.status_code, refused.json()["code"]) == (410, f"invitation_{end}")
            # Who can send another.
            assert refused.json()["params"] == who
        for language in ("zh-CN", "en"):
            headers = {"Accept": "text/html", "Accept-Language": language}
            page = browser.get("/invitations/accept", params={"token": token}, headers=headers)
            assert page.status_code == 410
            assert who["organization"] in page.text
        assert self.members(services, org) == {org.email}

    def test_a_link_that_was_cut_short_is_no_invitations(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        token = self.invite(services, org, email)[:-3]
        refused = browser.post("/v1/invitations/lookup", json={"token": token})
        assert (refused.status_code, refused.json()["code"]) == (422, "invitation_link_invalid")

    def test_asked_again_it_is_one_invitation_with_the_newest_roles(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        self.invite(services, org, email)
        token = self.invite(services, org, email, ("finance",))
        [listed] = signed_in(services, org.email).get(f"/v1/organizations/{org.id}/invitations").json()
        assert listed["roles"] == ["finance"]
        body = {"token": token, "name": "X", "password": PASSWORD}
        assert browser.post("/v1/invitations/acceptance", json=body).status_code == 201

    def test_accepted_at_once_in_several_browsers_it_makes_one_member(
        self, services: Services, org: Org, email: str
    ) -> None:
        body = {"token": self.invite(services, org, email), "name": "新人", "password": PASSWORD}

        def accept(_: int) -> int:
            client: Client = TestClient(application(services), base_url=SITE)
            return client.post("/v1/invitations/acceptance", json=body).status_code

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(accept, range(4))) == [201, 410, 410, 410]
        assert self.members(services, org) == {org.email, email}

    def test_asked_at_once_by_several_it_is_one_invitation(self, services: Services, org: Org, email: str) -> None:
        clients = [signed_in(services, org.email) for _ in range(3)]
        body = {"email": email, "roles": ["viewer"]}
        path = f"/v1/organizations/{org.id}/invitations"
        with ThreadPoolExecutor(3) as pool:
            told = list(pool.map(lambda client: client.post(path, json=body), clients))
        assert {one.status_code for one in told} <= {201, 409}
        assert {one.json()["code"] for one in told if one.status_code == 409} <= {"invitation_exists"}
        assert len(clients[0].get(path).json()) == 1

    def test_a_member_is_not_asked_and_nobody_gives_what_they_do_not_hold(self, services: Services, org: Org) -> None:
        client = signed_in(services, org.email)
        path = f"/v1/organizations/{org.id}/invitations"
        known = client.post(path, json={"email": org.email, "roles": ["viewer"]})
        assert (known.status_code, known.json()["code"]) == (409, "member_exists")
        unknown = client.post(path, json={"email": "x@firm.example", "roles": ["operator"]})
        assert (unknown.status_code, unknown.json()["code"]) == (422, "role_unknown")

    def test_an_organization_sends_so_many_a_day(
        self, services: Services, org: Org, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(invitations, "A_DAY", Limit(2, timedelta(days=1)))
        client = signed_in(services, org.email)
        sent = [
            client.post(
                f"/v1/organizations/{org.id}/invitations", json={"email": f"{n}@firm.example", "roles": ["viewer"]}
            ).status_code
            for n in range(3)
        ]
        assert sent == [201, 201, 429]

    def test_the_last_owner_stays_and_others_may_go(
        self, services: Services, browser: Client, org: Org, email: str
    ) -> None:
        owner = signed_in(services, org.email)
        refused = owner.delete(f"/v1/organizations/{org.id}/membership")
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
        body = {"token": self.invite(services, org, email, ("owner",)), "name": "X", "password": PASSWORD}
        opened = browser.post("/v1/invitations/acceptance", json=body)
        browser.headers["X-CSRF-Token"] = opened.json()["csrf"]
        assert owner.delete(f"/v1/organizations/{org.id}/membership").status_code == 204
        assert owner.get("/v1/me").status_code == 401
        assert self.members(services, org) == {email}
        assert browser.delete(f"/v1/organizations/{org.id}/membership").status_code == 409


def test_another_organization_is_its_registrants_own(services: Services, org: Org) -> None:
    client = signed_in(services, org.email)
    body = newcomer()["organization"]
    made = client.post("/v1/organizations", json=body)
    assert made.status_code == 201, made.text
    assert {one["org_id"] for one in client.get("/v1/me").json()["organizations"]} == {
        str(org.id),
        made.json()["org_id"],
    }


def test_nobody_learns_from_an_answer_whether_a_tax_id_is_taken(services: Services, org: Org) -> None:
    """Neither by registering, nor by correcting one's own, nor by what one's page says then."""
    client = signed_in(services, org.email)
    with unit_of_work(services.db, SYSTEM) as uow:
        seller = make_seller(uow)
        taken = uow.session.get_one(Organization, seller.id).tax_id
    answers, states = [], []
    for tax_id in (taken, new_tax_id()):
        body = newcomer()["organization"] | {"tax_id": tax_id}
        made = client.post("/v1/organizations", json=body)
        answers.append((made.status_code, sorted(made.json())))
        with unit_of_work(services.db, SYSTEM) as uow:
            mine = make_org(uow)
        owner = signed_in(services, mine.email)
        changed = owner.put(f"/v1/organizations/{mine.id}/tax-id", json={"tax_id": tax_id})
        shown = owner.get(f"/v1/organizations/{mine.id}/verification").json()
        answers.append((changed.status_code, sorted(changed.json())))
        states.append((shown["state"], shown["tax_id"] == tax_id, shown["verified_at"]))
    assert answers[:2] == answers[2:]
    assert states == [("unverified", True, None)] * 2


@pytest.mark.parametrize(
    "path",
    [
        "sign-ups/completion",
        "password-resets/completion",
        "invitations/lookup",
        "invitations/acceptance",
        "invitations/refusal",
    ],
)
def test_links_are_brought_back_so_often_from_one_network(
    services: Services, browser: Client, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guessed or replayed, right or wrong: another network goes on."""
    monkeypatch.setattr(mail_limits, "BROUGHT_BACK", Limit(3, timedelta(minutes=15)))
    monkeypatch.setattr("api.v1.sign_ups.network_address", lambda request, _: request.headers["x-network"])
    body = {"token": "x" * 40}
    if path.startswith("sign-ups"):
        body = newcomer(**body)
    elif path.startswith("password"):
        body |= {"password": PASSWORD}

    def bring(network: str) -> Any:
        return browser.post(f"/v1/{path}", json=body, headers={"X-Network": network})

    here, elsewhere = f"198.51.100.{secrets.randbelow(250)}/{path}", f"203.0.113.7/{path}"
    told = [bring(here) for _ in range(4)]
    assert [one.status_code == 429 for one in told] == [False, False, False, True]
    assert told[3].json()["code"] == "links_too_often"
    assert int(told[3].headers["retry-after"]) > 0
    assert bring(elsewhere).status_code not in (429, 500)


@pytest.mark.parametrize("limit", ["ORGANIZATIONS", "TAX_IDS", "DOCUMENTS"])
def test_identities_are_claimed_so_often_a_day(
    services: Services, org: Org, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_limits, limit, Limit(2, timedelta(days=1)))
    client = signed_in(services, org.email)
    own = f"/v1/organizations/{org.id}"

    def claim() -> Any:
        if limit == "ORGANIZATIONS":
            return client.post("/v1/organizations", json=newcomer()["organization"])
        if limit == "TAX_IDS":
            return client.put(f"{own}/tax-id", json={"tax_id": new_tax_id()})
        return client.post(f"{own}/verification", files={"file": ("x.png", SCAN, "image/png")})

    told = [claim() for _ in range(3)]
    assert [one.status_code for one in told[:2]] in ([201, 201], [200, 200])
    assert told[2].status_code == 429
    assert int(told[2].headers["retry-after"]) > 0


def test_no_secret_of_a_mail_is_stored(services: Services, browser: Client, email: str) -> None:
    ask(browser, email)
    text = mails(services, email)[0][1]
    with unit_of_work(services.db, SYSTEM) as uow:
        stored = str(uow.session.scalars(select(Mail).where(Mail.to_address == email)).one().params)
    assert code_in(text) not in stored
    assert token_in(text) not in stored


def test_the_outbox_is_no_page_where_mail_goes_out(services: Services) -> None:
    real = Services(
        **{**vars(services), "settings": services.settings.model_copy(update={"smtp_url": "smtp://mail.example"})}
    )
    visitor: Client = TestClient(application(real), base_url=SITE)
    for path in ("/v1/sandbox/mails", "/outbox", "/outbox/x", "/outbox/x/html"):
        assert visitor.get(path).status_code == 404
