"""One composed house and one seller process for the whole of the loop's tests; a new set of organizations for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.context import Services
from app.engines.embedded import Addresses
from tests.adapters.seller_process import Seller
from tests.loop_stage import Stage, services_for, set_stage


@pytest.fixture(scope="session")
def seller_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    seller = Seller(tmp_path_factory.mktemp("seller"))
    yield seller
    seller.stop()


@pytest.fixture(scope="session")
def services(addresses: Addresses, seller_app: Seller, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    composed = services_for(addresses, tmp_path_factory.mktemp("home"), sample_seller_port=seller_app.port)
    yield composed
    composed.db.dispose()


@pytest.fixture
def stage(services: Services, seller_app: Seller) -> Stage:
    seller_app.behave(mode="sync")
    return set_stage(services, seller_app)
