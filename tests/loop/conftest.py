"""One composed house and one seller process for the whole of the loop's tests; a new set of organizations for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlalchemy import delete

from api.context import Services
from app.composition import register_jobs
from app.embedded.engines import Addresses
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import Job
from kernel.principal import SYSTEM
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from tests.adapters.seller_process import Seller
from tests.api_server import application
from tests.loop.clock_developer import Developer
from tests.loop_stage import RENDERERS, Stage, services_for, set_stage


@pytest.fixture(scope="session")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    """The sample seller, running; `stage` resets its behaviour."""
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@pytest.fixture(scope="session")
def services(addresses: Addresses, seller_app: Seller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The composition of production over this test process's database."""
    composed = services_for(addresses, tmp_path_factory.mktemp("home"), sample_seller_port=seller_app.port)
    yield composed
    composed.db.dispose()


@pytest.fixture
def stage(services: Services, seller_app: Seller, noon: datetime) -> Stage:
    """New organizations under a clock frozen at noon; work that other tests left due is done first."""
    # Tests of other folders in this process may have registered jobs with ports of their own.
    register_jobs(services, RENDERERS)
    seller_app.behave()
    seller_app.behave(vendor="contoso")
    with unit_of_work(services.db, SYSTEM) as uow:
        # What other tests bought is not drawn: each document takes the renderer its second.
        uow.session.execute(delete(Job).where(Job.queue == "documents"))
    made = set_stage(services, seller_app)
    made.run()
    return made


@pytest.fixture
def browser(stage: Stage) -> Iterator[TestClient[Any]]:
    """The purchaser, signed in."""
    token = str(uuid7())
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=stage.purchaser.person(),
                org_id=stage.buyer.id,
                expires_at=clock.now() + timedelta(days=900),
            )
        )
    with TestClient(application(stage.services), base_url="https://market.example") as client:
        client.cookies.set("session", token)
        client.headers["x-csrf-token"] = csrf_of(token)
        yield client


@pytest.fixture
def seller_browser(stage: Stage) -> Iterator[TestClient[Any]]:
    """The stage's seller's owner, signed in for as long as a test clock may go."""
    token = str(uuid7())
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=stage.seller.owner.person(),
                org_id=stage.seller.id,
                expires_at=clock.now() + timedelta(days=900),
            )
        )
    with TestClient(application(stage.services), base_url="https://market.example") as client:
        client.cookies.set("session", token)
        client.headers["x-csrf-token"] = csrf_of(token)
        yield client


@pytest.fixture
def developer(stage: Stage, seller_browser: TestClient[Any]) -> Developer:
    """Of the stage's seller, who moves test clocks."""
    return Developer(stage, seller_browser)
