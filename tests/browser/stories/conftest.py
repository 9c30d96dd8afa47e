"""A market in which nobody is but an operator, its seller's system beside it, and a film to post."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sample.scenes.facts import STORIES
from app.sample.scenes.make import make_scene
from tests.adapters.seller_process import Seller
from tests.browser.conftest import Product, free_ports, running_product
from tests.browser.stories.people import PASSWORD

OPERATOR = "operator@platform.example"


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`market up --no-sample` in an empty home, then `market operator add`."""
    seller = Seller(tmp_path_factory.mktemp("seller"))
    (port,) = free_ports(1)
    told = {
        "PORT": str(port),
        "SAMPLE_SELLER_PORT": str(seller.port),
        "LISTING_REVIEW": "person",
    }
    try:
        with running_product(told, "--no-sample") as (address, environment):
            command = [sys.executable, "-m", "app.cli", "operator", "add", OPERATOR, "--name", "值班"]
            subprocess.run(command, env=environment, input=PASSWORD.encode(), check=True, timeout=120)
            yield Product(address, seller.address)
    finally:
        seller.stop()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fourteen seconds of H.264 and AAC."""
    path = tmp_path_factory.mktemp("film") / "story.mp4"
    make_scene(STORIES[0], path, lambda _share: None)
    return path
