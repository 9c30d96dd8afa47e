"""One composed house and one seller process for the whole of the loop's tests; a new set of organizations for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from api.context import Services
from app.composition import register_jobs
from app.embedded.engines import Addresses
from tests.adapters.seller_process import Seller
from tests.loop_stage import Stage, services_for, set_stage


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
    register_jobs(services)
    seller_app.behave()
    seller_app.behave(vendor="contoso")
    made = set_stage(services, seller_app)
    made.run()
    return made
