"""A claim to a domain is proved by a text record: a real name server, and what may be wrong with its answer."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from litestar.testing import TestClient

from api.context import Services
from kernel.db.uow import unit_of_work
from kernel.errors import Unavailable
from kernel.ids import uuid7
from kernel.outbound import txt_records
from kernel.outbound.txt_records import DnsTxtResolver
from kernel.principal import SYSTEM
from marketplace.identity_providers.email_domains import DomainView, claim_domain, decide_domain
from marketplace.identity_providers.models import EmailDomain
from tests.adapters.dns_server import SILENT, NameServer
from tests.api_server import application
from tests.conformance.api_walk import Who, session_of
from tests.factories_marketplace import OPERATOR_PRINCIPAL, Org, acting, make_member, make_org


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NameServer]:
    started = NameServer(tmp_path_factory.mktemp("dns"))
    yield started
    started.stop()


@dataclass
class Firm:
    """An organization that claimed a domain, in an installation that asks the test's name server."""

    services: Services
    org: Org
    owner: Who
    admin: Who
    claim: DomainView

    def ask(self, who: Who | None = None, domain_id: UUID | None = None) -> tuple[int, str]:
        """Have the record looked for over the API. Returns the status, and the state or the code."""
        with TestClient(application(self.services), base_url="https://market.example") as client:
            path = f"/v1/email-domains/{domain_id or self.claim.id}/check"
            answer = client.post(path, headers=who or self.owner)
        return answer.status_code, answer.json().get("state") or answer.json()["code"]

    def state(self) -> str:
        with unit_of_work(self.services.db, SYSTEM) as uow:
            return uow.session.get_one(EmailDomain, self.claim.id).state


def claimed(services: Services, domain: str) -> Firm:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_org(uow)
        with acting(uow, org.owner):
            claim = claim_domain(uow, domain)
        owner, admin = session_of(uow, org.owner), session_of(uow, make_member(uow, org, "admin"))
    return Firm(services, org, owner, admin, claim)


@pytest.fixture
def firm(services: Services, server: NameServer) -> Firm:
    server.publish({})
    asking = replace(services, txt_resolver=DnsTxtResolver([("127.0.0.1", server.port)]))
    return claimed(asking, f"d{uuid7().hex[-12:]}.example")


def test_the_record_proves_it_once_it_is_there(firm: Firm, server: NameServer) -> None:
    assert firm.ask() == (409, "domain_record_missing")
    name = f"{firm.claim.record_name}."
    for wrong in ([], [f"{firm.claim.record_value}x"], [firm.claim.record_value.upper()], ["v=spf1 -all"]):
        server.publish({name: wrong})
        assert firm.ask() == (409, "domain_record_missing"), wrong
    # Of the domain itself it proves nothing: others may write there.
    server.publish({f"{firm.claim.domain}.": [firm.claim.record_value]})
    assert firm.ask() == (409, "domain_record_missing")
    assert firm.state() == "pending"
    server.publish({name: ["x" * 600, firm.claim.record_value]})
    for _ in range(2):
        assert firm.ask() == (200, "approved")


def test_a_record_proves_the_claim_that_it_names_alone(firm: Firm, server: NameServer) -> None:
    rival = claimed(firm.services, firm.claim.domain)
    server.publish({f"{firm.claim.record_name}.": [firm.claim.record_value]})
    assert rival.ask() == (409, "domain_record_missing")
    assert rival.ask(domain_id=firm.claim.id) == (404, "not_found")
    assert firm.ask() == (200, "approved")
    server.publish({f"{firm.claim.record_name}.": [rival.claim.record_value]})
    assert rival.ask() == (409, "domain_taken")


def test_only_owners_have_it_looked_for_and_a_refusal_stands(firm: Firm, server: NameServer) -> None:
    server.publish({f"{firm.claim.record_name}.": [firm.claim.record_value]})
    assert firm.ask(firm.admin) == (403, "owner_required")
    with unit_of_work(firm.services.db, OPERATOR_PRINCIPAL) as uow:
        decide_domain(uow, firm.claim.id, approve=False)
    assert firm.ask() == (409, "invalid_transition")
    assert firm.state() == "refused"


def test_a_name_server_that_says_nothing_is_no_fault_of_the_claim(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(txt_records, "PATIENCE_S", 0.3)
    silent = claimed(firm.services, f"d{uuid7().hex[-12:]}.{SILENT}".rstrip("."))
    assert silent.ask() == (503, "dns_unavailable")
    assert silent.state() == "pending"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = DnsTxtResolver([("127.0.0.1", closed.getsockname()[1])])
    with pytest.raises(Unavailable, match="dns_unavailable"):
        nobody.find_txt("firm.example")


def test_it_is_not_looked_for_without_end(firm: Firm) -> None:
    answers = {firm.ask()[1] for _ in range(61)}
    assert answers == {"domain_record_missing", "domain_checks_too_often"}


def test_the_page_says_what_to_publish_and_looks_for_it(firm: Firm, server: NameServer) -> None:
    page, headers = "/organization/sign-in", {**firm.owner, "Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    headers["Cookie"] += "; lang=en"
    with TestClient(application(firm.services), base_url="https://market.example") as client:
        client.follow_redirects = False
        shown = client.get(page, headers=headers).text
        assert firm.claim.record_name in shown
        assert firm.claim.record_value in shown
        form = {"csrf": re.findall(r'name="csrf" value="([^"]+)"', shown)[0]}
        check = f"{page}/domains/{firm.claim.id}/check"
        refused = client.post(check, headers=headers, data=form)
        assert refused.status_code == 409
        assert "Publish the record as it is shown" in refused.text
        server.publish({f"{firm.claim.record_name}.": [firm.claim.record_value]})
        assert client.post(check, headers=headers, data=form).headers["location"] == page
        assert firm.claim.record_value not in client.get(page, headers=headers).text
    assert firm.state() == "approved"


def test_without_a_resolver_nobody_is_asked(services: Services) -> None:
    off = claimed(services, f"d{uuid7().hex[-12:]}.example")
    assert off.ask() == (409, "domain_proof_off")
    with TestClient(application(services), base_url="https://market.example") as client:
        (claim,) = client.get("/v1/email-domains", headers=off.owner).json()
    assert claim["record"] is None
