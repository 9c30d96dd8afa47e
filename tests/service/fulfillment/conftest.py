"""Delivery's jobs are registered with real connectors over loopback."""

from __future__ import annotations

import pytest

from tests.factories_fulfillment import register


@pytest.fixture(autouse=True)
def _jobs() -> None:
    register()
