"""Signing in by an organization's own provider: a real provider process, a browser's cookies, and what may be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pyotp
import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import select

from api import provider_sign_in
from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.errors import Conflict, Forbidden, Invalid
from kernel.ids import uuid7
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.access.invitations import Invite, invite
from marketplace.access.members import change_roles, remove_member
from marketplace.access.models import Member, Person, SignInSession
from marketplace.identity_providers import provider_client
from marketplace.identity_providers.email_domains import claim_domain, decide_domain, remove_domain
from marketplace.identity_providers.models import EmailDomain, ProviderIdentity
from marketplace.identity_providers.provider_client import ProviderClient
from marketplace.identity_providers.set_provider import SetProvider, remove_provider, set_provider
from tests.adapters.oidc_provider import CLIENT_ID, CLIENT_SECRET, Provider
from tests.api_server import application
from tests.factories_marketplace import OPERATOR_PRINCIPAL, PASSWORD, Org, acting, make_member, make_org

Browser = TestClient[Any]


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    started = Provider()
    yield started
    started.stop()


@dataclass
class House:
    """An organization with a provider and an approved domain, in an installation that may call this machine."""

    services: Services
    provider: Provider
    org: Org
    domain: str
    domain_id: UUID

    @cached_property
    def app(self) -> Litestar:
        return application(self.services)

    def browser(self) -> Browser:
        client: Browser = TestClient(self.app, base_url="https://market.example")
        client.follow_redirects = False
        return client

    def set(self, **changes: Any) -> None:
        values = {"client_secret": CLIENT_SECRET, "default_role": "viewer"} | changes
        command = SetProvider(self.provider.issuer, CLIENT_ID, **values)
        with unit_of_work(self.services.db, self.org.owner) as uow:
            set_provider(uow, self.services.secrets, command)

    def address(self, name: str = "li") -> str:
        return f"{name}-{uuid7().hex[-8:]}@{self.domain}"

    def person(self, email: str, subject: str | None = None, **rest: Any) -> dict[str, Any]:
        return {"sub": subject or uuid7().hex, "email": email, "name": "李 明", **rest}

    def sign_in(self, browser: Browser, email: str) -> Any:
        """As a person does: type the address, follow the link, sign in there, come back."""
        csrf = re.findall(r'name="csrf" value="([^"]+)"', browser.get("/sign-in/provider").text)[0]
        asked = browser.post("/sign-in/provider", data={"csrf": csrf, "email": email, "next": "/orders"})
        link = re.findall(r'href="(/sign-in/provider/[^"]+)"', asked.text)
        if not link:
            return asked
        return self.come_back(browser, self.begin(browser, link[0]))

    def begin(self, browser: Browser, link: str) -> str:
        away = browser.get(link)
        assert away.status_code == 303, away.text
        return self.provider.approve(away.headers["location"])

    def come_back(self, browser: Browser, location: str) -> Any:
        back = urlsplit(location)
        assert f"{back.scheme}://{back.netloc}" == "https://market.example"
        return browser.get(f"{back.path}?{back.query}")

    def who(self, browser: Browser) -> Any:
        answer = browser.get("/v1/session")
        return answer.json() if answer.status_code == 200 else answer.status_code

    def member(self, *roles: str) -> tuple[Principal, str]:
        """A member whose address is of the domain."""
        with unit_of_work(self.services.db, SYSTEM) as uow:
            made, email = make_member(uow, self.org, *roles), self.address("member")
            uow.session.get_one(Person, made.person()).email = email
        return made, email


@pytest.fixture
def house(services: Services, provider: Provider) -> House:
    policy = OutboundPolicy(permitted=frozenset({f"127.0.0.1:{provider.port}"}))
    changed = replace(services, outbound_policy=policy)
    domain = f"d{uuid7().hex[-12:]}.example"
    with unit_of_work(changed.db, SYSTEM) as uow:
        org = make_org(uow)
        with acting(uow, org.owner):
            domain_id = claim_domain(uow, domain).id
        with acting(uow, OPERATOR_PRINCIPAL):
            decide_domain(uow, domain_id, approve=True)
    provider_sign_in._client.cache_clear()
    made = House(changed, provider, org, domain, domain_id)
    made.set()
    provider.behave()
    return made


def rows(house: House, statement: Any) -> list[Any]:
    with unit_of_work(house.services.db, SYSTEM) as uow:
        return list(uow.session.scalars(statement))


class TestComingIn:
    def test_somebody_new_becomes_a_member_in_the_default_role_and_is_known_from_then_on(self, house: House) -> None:
        email, browser = house.address(), house.browser()
        person = house.person(email)
        house.provider.behave(person=person)
        back = house.sign_in(browser, email)
        assert (back.status_code, back.headers["location"]) == (303, "/orders")
        me = house.who(browser)
        assert (me["email"], me["org_id"]) == (email, str(house.org.id))
        (member,) = rows(house, select(Member).join(Person, Person.id == Member.person_id).where(Person.email == email))
        assert member.roles == ["viewer"]
        # The address there changes; the subject stays.
        house.provider.behave(person={**person, "email": house.address("renamed")})
        again = house.browser()
        assert house.sign_in(again, email).status_code == 303
        assert house.who(again)["email"] == email
        assert len(rows(house, select(ProviderIdentity).where(ProviderIdentity.person_id == member.person_id))) == 1

    def test_without_a_default_role_only_who_was_invited_comes_in_and_in_that_role(self, house: House) -> None:
        house.set(default_role=None)
        email = house.address()
        house.provider.behave(person=house.person(email))
        refused = house.sign_in(house.browser(), email)
        assert (refused.status_code, "open invitation" in refused.text or "邀请" in refused.text) == (403, True)
        assert rows(house, select(Person).where(Person.email == email)) == []
        with unit_of_work(house.services.db, house.org.owner) as uow:
            invite(uow, Invite(email, ["finance"]))
        browser = house.browser()
        assert house.sign_in(browser, email).status_code == 303
        (member,) = rows(house, select(Member).join(Person, Person.id == Member.person_id).where(Person.email == email))
        assert member.roles == ["finance"]

    def test_a_member_is_bound_to_their_account_and_only_one_subject_is(self, house: House) -> None:
        who, email = house.member("purchaser")
        house.provider.behave(person=house.person(email, "s1"))
        browser = house.browser()
        assert house.sign_in(browser, email).status_code == 303
        assert house.who(browser)["person_id"] == str(who.person())
        house.provider.behave(person=house.person(email, "s2"))
        assert house.sign_in(house.browser(), email).status_code == 409

    def test_who_was_removed_stays_out(self, house: House) -> None:
        who, email = house.member("purchaser")
        house.provider.behave(person=house.person(email, "gone"))
        assert house.sign_in(house.browser(), email).status_code == 303
        with unit_of_work(house.services.db, house.org.owner) as uow:
            remove_member(uow, uow.session.scalars(select(Member.id).where(Member.person_id == who.person())).one())
        assert house.sign_in(house.browser(), email).status_code == 403

    def test_a_second_factor_is_asked_for_as_well(self, house: House) -> None:
        _, email = house.member("viewer")
        own = house.browser()
        csrf = own.post("/v1/session", json={"email": email, "password": PASSWORD}).json()["csrf"]
        own.headers["X-CSRF-Token"] = csrf
        begun = own.post("/v1/me/second-factor", json={"password": PASSWORD}).json()
        code = pyotp.TOTP(begun["secret"]).now()
        made = own.put("/v1/me/second-factor", json={"setup": begun["setup"], "code": code})
        assert made.status_code == 200, made.text
        house.provider.behave(person=house.person(email))
        browser = house.browser()
        asked = house.sign_in(browser, email)
        assert asked.status_code == 200
        assert house.who(browser) == 401
        csrf = re.findall(r'name="csrf" value="([^"]+)"', asked.text)[0]
        code = made.json()["recovery_codes"][0]
        done = browser.post("/sign-in/code", data={"csrf": csrf, "code": code, "next": "/orders"})
        assert done.status_code == 303, done.text
        (session,) = rows(house, select(SignInSession).where(SignInSession.provider_org_id == house.org.id))
        assert house.who(browser)["org_id"] == str(session.org_id) == str(house.org.id)

    def test_the_platforms_own_staff_is_bound_to_nobodys_provider(self, house: House) -> None:
        who, email = house.member("viewer")
        with unit_of_work(house.services.db, SYSTEM) as uow:
            uow.session.get_one(Person, who.person()).is_operator = True
        house.provider.behave(person=house.person(email))
        assert house.sign_in(house.browser(), email).status_code == 403


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "behaviour",
        [
            {"claims": {"iss": "https://evil.example"}},
            {"claims": {"aud": "another-client"}},
            {"claims": {"nonce": "replayed"}},
            {"claims": {"exp": 1}},
            {"claims": {"email_verified": False}},
            {"claims": {"sub": None}},
            {"header": {"alg": "none"}},
            {"header": {"alg": "HS256"}},
            {"another_key": True},
        ],
    )
    def test_a_token_that_is_not_right_signs_nobody_in(self, house: House, behaviour: dict[str, Any]) -> None:
        email, browser = house.address(), house.browser()
        house.provider.behave(person=house.person(email), **behaviour)
        assert house.sign_in(browser, email).status_code == 401
        assert house.who(browser) == 401
        assert rows(house, select(Person).where(Person.email == email)) == []

    def test_newer_keys_are_fetched_once_they_sign(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        email = house.address()
        person = house.person(email)
        house.provider.behave(person=person)
        assert house.sign_in(house.browser(), email).status_code == 303
        house.provider.behave(person=person, rotate=True)
        assert house.sign_in(house.browser(), email).status_code == 401  # fetched a moment ago: not again at once
        monkeypatch.setattr(provider_client, "AGAIN_S", 0.0)
        assert house.sign_in(house.browser(), email).status_code == 303
        house.provider.behave(person=person)
        assert house.sign_in(house.browser(), email).status_code == 303
        assert "/jwks" not in house.provider.asked

    def test_another_browser_a_second_time_or_another_state_comes_to_nothing(self, house: House) -> None:
        email, browser = house.address(), house.browser()
        house.provider.behave(person=house.person(email))
        with unit_of_work(house.services.db, house.org.owner) as uow:
            link = f"/sign-in/provider/{set_provider(uow, house.services.secrets, current(house)).id}"
        location = house.begin(browser, link)
        assert house.come_back(house.browser(), location).status_code == 401
        state = parse_qs(urlsplit(location).query)["state"][0]
        assert house.come_back(browser, location.replace(state, "x" * len(state))).status_code == 401
        assert house.come_back(browser, location).status_code == 303
        assert house.come_back(browser, location).status_code in {401, 422}
        location = house.begin(browser, link)
        other_issuer = re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", location)
        assert house.come_back(browser, other_issuer).status_code == 401

    def test_addresses_of_other_domains_are_not_believed(self, house: House) -> None:
        victim = house.org.email
        house.provider.behave(person=house.person(victim))
        browser = house.browser()
        assert house.sign_in(browser, house.address()).status_code == 403
        assert house.who(browser) == 401
        assert house.sign_in(browser, victim).status_code == 404
        with unit_of_work(house.services.db, house.org.owner) as uow:
            remove_domain(uow, house.domain_id)
        assert house.sign_in(house.browser(), house.address()).status_code == 404

    @pytest.mark.parametrize(
        "metadata",
        [
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://169.254.169.254/token"},
            {"jwks_uri": "https://localhost/jwks"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"response_types_supported": ["id_token"]},
            {"code_challenge_methods_supported": ["plain"]},
        ],
    )
    def test_a_provider_that_publishes_something_else_is_not_used(self, house: House, metadata: dict[str, Any]) -> None:
        house.provider.behave(metadata=metadata)
        with pytest.raises(Invalid, match="provider_unfit"):
            ProviderClient(house.services.outbound_policy).discover(house.provider.issuer)

    @pytest.mark.parametrize("issuer", ["http://169.254.169.254/", "https://127.0.0.1/", "file:///etc/passwd", "x"])
    def test_addresses_inside_are_never_called(self, house: House, issuer: str) -> None:
        with pytest.raises(Invalid, match="issuer_invalid"):
            ProviderClient(house.services.outbound_policy).discover(issuer)


def current(house: House) -> SetProvider:
    return SetProvider(house.provider.issuer, CLIENT_ID, CLIENT_SECRET, "viewer")


class TestRequired:
    def test_members_come_in_by_it_alone_and_owners_by_password_too(self, house: House) -> None:
        who, email = house.member("purchaser")
        before = house.browser()
        assert before.post("/v1/session", json={"email": email, "password": PASSWORD}).status_code == 201
        house.set(is_required=True)
        assert house.who(before) == 401
        refused = house.browser().post("/v1/session", json={"email": email, "password": PASSWORD})
        assert (refused.status_code, refused.json()["code"]) == (403, "provider_required")
        owner = house.browser()
        assert owner.post("/v1/session", json={"email": house.org.email, "password": PASSWORD}).status_code == 201
        house.provider.behave(person=house.person(email))
        browser = house.browser()
        assert house.sign_in(browser, email).status_code == 303
        assert house.who(browser)["person_id"] == str(who.person())

    def test_an_owner_who_is_one_no_more_has_to_come_in_by_it(self, house: House) -> None:
        second, email = house.member("owner")
        house.set(is_required=True)
        browser = house.browser()
        browser.post("/v1/session", json={"email": email, "password": PASSWORD})
        assert house.who(browser)["email"] == email
        with unit_of_work(house.services.db, house.org.owner) as uow:
            member = select(Member.id).where(Member.person_id == second.person(), Member.org_id == house.org.id)
            change_roles(uow, uow.session.scalars(member).one(), ["viewer"])
        assert house.who(browser) == 401

    def test_a_session_of_it_acts_for_that_organization_alone(self, house: House) -> None:
        who, email = house.member("viewer")
        with unit_of_work(house.services.db, SYSTEM) as uow:
            other = make_org(uow)
            uow.session.add(Member(org_id=other.id, person_id=who.person(), roles=["owner"], state="active"))
        house.provider.behave(person=house.person(email))
        browser = house.browser()
        house.sign_in(browser, email)
        me = house.who(browser)
        assert [one["org_id"] for one in me["organizations"]] == [str(house.org.id)]
        browser.headers["X-CSRF-Token"] = browser.get("/v1/session").json().get("csrf", "")
        switched = browser.patch(
            "/v1/session", json={"org_id": str(other.id)}, headers={"Sec-Fetch-Site": "same-origin"}
        )
        assert switched.status_code == 403

    def test_an_invitation_is_accepted_by_signing_in_by_it(self, house: House) -> None:
        house.set(is_required=True, default_role=None)
        email = house.address()
        with unit_of_work(house.services.db, house.org.owner) as uow:
            row = invite(uow, Invite(email, ["finance"]))
        token = house.services.signer.sign_token("invitation", {"id": str(row.id)}, row.expires_at)
        body = {"token": token, "name": "李", "password": PASSWORD}
        refused = house.browser().post("/v1/invitations/acceptance", json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "provider_required")
        house.provider.behave(person=house.person(email))
        browser = house.browser()
        assert house.sign_in(browser, email).status_code == 303
        assert house.who(browser)["email"] == email

    def test_it_is_required_only_with_a_domain(self, house: House) -> None:
        house.set(is_required=True)
        with pytest.raises(Conflict, match="domain_needed"), unit_of_work(house.services.db, house.org.owner) as uow:
            remove_domain(uow, house.domain_id)
        with unit_of_work(house.services.db, house.org.owner) as uow:
            remove_provider(uow)
        with unit_of_work(house.services.db, house.org.owner) as uow:
            remove_domain(uow, house.domain_id)
        with pytest.raises(Conflict, match="domain_needed"):
            house.set(is_required=True)


class TestSettings:
    def test_only_owners_set_it(self, house: House) -> None:
        admin, _ = house.member("admin")
        with pytest.raises(Forbidden, match="owner_required"), unit_of_work(house.services.db, admin) as uow:
            set_provider(uow, house.services.secrets, current(house))
        with pytest.raises(Forbidden, match="owner_required"), unit_of_work(house.services.db, admin) as uow:
            claim_domain(uow, "other.example")
        with pytest.raises(Forbidden), unit_of_work(house.services.db, house.org.owner) as uow:
            decide_domain(uow, house.domain_id, approve=True)

    def test_another_client_needs_its_secret_and_knows_nobody(self, house: House) -> None:
        _, email = house.member("viewer")
        house.provider.behave(person=house.person(email))
        house.sign_in(house.browser(), email)
        house.set(client_secret="")
        other = SetProvider(house.provider.issuer, "another")
        with (
            pytest.raises(Invalid, match="client_secret_required"),
            unit_of_work(house.services.db, house.org.owner) as uow,
        ):
            set_provider(uow, house.services.secrets, other)
        with unit_of_work(house.services.db, house.org.owner) as uow:
            view = set_provider(uow, house.services.secrets, replace(other, client_secret="s"))
        assert rows(house, select(ProviderIdentity).where(ProviderIdentity.provider_id == view.id)) == []

    def test_a_domain_is_one_organizations(self, house: House) -> None:
        with unit_of_work(house.services.db, SYSTEM) as uow:
            other = make_org(uow)
            with acting(uow, other.owner):
                claimed = claim_domain(uow, f"@{house.domain.upper()}").id
        with pytest.raises(Conflict, match="domain_taken"), unit_of_work(house.services.db, OPERATOR_PRINCIPAL) as uow:
            decide_domain(uow, claimed, approve=True)
        assert rows(house, select(EmailDomain.state).where(EmailDomain.id == claimed)) == ["pending"]
        for wrong in ("gmail.com", "firm", "a b.example", "-x.example", "https://firm.example", ""):
            with pytest.raises(Invalid, match="domain_invalid"), unit_of_work(house.services.db, other.owner) as uow:
                claim_domain(uow, wrong)
