"""A market in which one order was bought from a video, and people who are signed in to look at their dashboards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from api.context import Services
from app.composition import register_jobs
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import Member, Person, SignInSession
from marketplace.parties.models import PLATFORM_ORG_ID, Organization
from tests.adapters.seller_process import Seller
from tests.api_server import application
from tests.conftest import NOON
from tests.emptied import empty
from tests.factories_marketplace import Org, make_member, make_org
from tests.loop_stage import RENDERERS, Stage, services_for, set_stage

Client = TestClient[Any]


@dataclass(frozen=True)
class Visitor:
    """A browser with somebody's session. Answers are not followed, so that redirects can be looked at."""

    client: Client
    cookie: str
    language: str = "en"

    def get(self, path: str) -> Any:
        """Open a page."""
        return self.client.get(path, headers=self._headers(), follow_redirects=False)

    def post(self, path: str, files: dict[str, Any] | None = None, /, *, csrf: str | None = None, **fields: str) -> Any:
        """Send a page's form."""
        body = {"csrf": csrf_of(self.cookie) if csrf is None else csrf, **fields}
        return self.client.post(path, data=body, files=files, headers=self._headers(), follow_redirects=False)

    def _headers(self) -> dict[str, str]:
        return {
            "Accept": "text/html",
            "Cookie": f"__Host-session={self.cookie}; lang={self.language}" if self.cookie else f"lang={self.language}",
            "Sec-Fetch-Site": "same-origin",
        }


@dataclass(frozen=True)
class Dashboards:
    """The market of a test module and everybody's browser."""

    stage: Stage
    order_id: UUID
    seller: Visitor
    promoter: Visitor
    buyer: Visitor
    nobody: Visitor
    operator: Visitor

    def somebody(self, org: Org, *roles: str) -> Visitor:
        """A browser of a new member of the organization with these roles."""
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            member = make_member(uow, org, *roles)
        return sign_in(self.stage.services, self.seller.client, member)

    def of_platform(self, *roles: str) -> Visitor:
        """A browser of somebody of the platform's organization who is no operator."""
        token, person_id = uuid7().hex, uuid7()
        email = f"{person_id.hex}@platform.test"
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            uow.session.add(Person(id=person_id, email=email, name="Finance", password_hash="x", locale="en"))
            uow.flush()
            uow.session.add(Member(org_id=PLATFORM_ORG_ID, person_id=person_id, roles=list(roles), state="active"))
            uow.session.add(session_row(token, person_id, PLATFORM_ORG_ID))
        return Visitor(self.seller.client, token)

    def new_organization(self, *, seller: bool = False) -> tuple[Org, Visitor]:
        """Another organization and its owner's browser."""
        with unit_of_work(self.stage.services.db, SYSTEM) as uow:
            org = make_org(uow, seller=seller)
        return org, sign_in(self.stage.services, self.seller.client, org.owner)


@pytest.fixture(scope="session")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    """The sample seller's own system."""
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@pytest.fixture(scope="session")
def services(addresses: Addresses, seller_app: Seller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The composition of production over this test process's database."""
    composed = services_for(addresses, tmp_path_factory.mktemp("home"), sample_seller_port=seller_app.port)
    yield composed
    composed.db.dispose()


@pytest.fixture(scope="module")
def dashboards(services: Services, seller_app: Seller, addresses: Addresses) -> Iterator[Dashboards]:
    """One order, bought from the promoter's video, paid, delivered and invoiced; nobody else's is there to be settled."""
    empty(addresses)
    register_jobs(services, RENDERERS)
    seller_app.behave(mode="sync")
    with clock.frozen(NOON), TestClient(application(services), base_url="https://market.example") as client:
        stage = set_stage(services, seller_app)
        stage.touch()
        order_id = stage.buy()
        stage.run()
        yield Dashboards(
            stage=stage,
            order_id=order_id,
            seller=sign_in(services, client, stage.seller.owner),
            promoter=sign_in(services, client, stage.promoter.owner),
            buyer=sign_in(services, client, stage.buyer.owner),
            nobody=Visitor(client, ""),
            operator=Visitor(client, operator_session(services)),
        )


def sign_in(services: Services, client: Client, person: Principal) -> Visitor:
    """A browser of this person in this organization."""
    with unit_of_work(services.db, SYSTEM) as uow:
        token = uuid7().hex
        uow.session.add(session_row(token, person.person(), person.organization()))
    return Visitor(client, token)


def operator_session(services: Services) -> str:
    """A session of somebody of the platform's own staff."""
    token, person_id = uuid7().hex, uuid7()
    email = f"{person_id.hex}@platform.test"
    staff = Person(id=person_id, email=email, name="Ops", password_hash="x", locale="en", is_operator=True)
    with unit_of_work(services.db, SYSTEM) as uow:
        uow.session.add(staff)
        uow.flush()
        uow.session.add(Member(org_id=PLATFORM_ORG_ID, person_id=person_id, roles=["operator"], state="active"))
        uow.session.add(session_row(token, person_id, PLATFORM_ORG_ID))
    return token


def session_row(token: str, person_id: UUID, org_id: UUID) -> SignInSession:
    """A session that lasts longer than any test moves the clock."""
    return SignInSession(
        token_hash=hash_token(token),
        person_id=person_id,
        org_id=org_id,
        expires_at=clock.now() + timedelta(days=900),
    )


def text_of(answer: Any) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


@pytest.fixture
def buyer_name(dashboards: Dashboards) -> str:
    """What the buying organization is found by."""
    stage = dashboards.stage
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        buyer = uow.session.get_one(Organization, stage.buyer.id)
        buyer.tax_id_verified_at = clock.now()
        return buyer.legal_name
