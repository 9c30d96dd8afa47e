"""The composed house with its seller, on the real clock: what races is real threads over real commits."""

from __future__ import annotations

import pytest

from api.context import Services
from app.composition import register_jobs
from tests.adapters.seller_process import Seller
from tests.loop.conftest import seller_app, services
from tests.loop_stage import RENDERERS, Stage, set_stage

__all__ = ["seller_app", "services"]


@pytest.fixture
def stage(services: Services, seller_app: Seller) -> Stage:
    """New organizations; their work and nobody else's is due."""
    register_jobs(services, RENDERERS)
    seller_app.behave()
    made = set_stage(services, seller_app)
    made.run()
    return made
