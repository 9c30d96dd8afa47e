"""One market of real processes for all of these tests; each brings organizations of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.loop.market import Market, open_market
from tests.loop_stage import Stage
from tests.witness import without_witness


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    """Running; a test that kills a process starts it again."""
    with open_market() as opened:
        yield opened


@pytest.fixture
def stage(market: Market) -> Stage:
    """New organizations in it, and everything running."""
    market.mend()
    return market.make_stage()


@pytest.fixture(autouse=True)
def _as_in_production() -> Iterator[None]:
    """The market's processes do not know the follower that other tests of this process registered for every event."""
    with without_witness():
        yield
