"""The sample market: organizations, people, listings, real videos, connectors and purchase rules. Idempotent."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from app.composition import compose
from app.database_schema import upgrade
from app.sample.catalogue import seed_catalogue
from app.sample.connectors import SampleConnector, seed_connectors
from app.sample.outcome import SampleMarket
from app.sample.scenes import generate_scenes
from kernel.db.uow import UnitOfWork, transact
from kernel.principal import Principal, PrincipalKind
from kernel.settings import Settings
from orders.approval_rules.set_rule import SetRule, set_rule

BUYERS = ("xinghe", "lakeside")
APPROVAL_ABOVE_MINOR = 500_000
"""¥5,000: twenty seats of the sample subscription pass, a hundred need the approver."""


def seed(settings: Settings) -> SampleMarket:
    """Bring the database up to date and fill the market, or find it filled; the answer is the same.

    Raises RuntimeError when a sample video is refused.
    """
    with ThreadPoolExecutor(1) as pool:
        # The films are drawn by processes of their own, while the database gets its structure.
        drawing = pool.submit(generate_scenes, settings.market_home / "scenes")
        if settings.database_admin_url is not None:
            upgrade(settings.database_admin_url)
        scenes = drawing.result()
    services = compose(settings)
    connectors: dict[str, SampleConnector] = {}

    def connect(sellers: Mapping[str, UUID]) -> Mapping[str, UUID]:
        address = f"http://127.0.0.1:{settings.sample_seller_port}"
        connectors.update(seed_connectors(services.db, services.secrets, services.outbound_policy, address, sellers))
        return {vendor: found.connector_id for vendor, found in connectors.items()}

    try:
        catalogue = seed_catalogue(services.db, services.storage, scenes, connect)
        for key in BUYERS:
            principal = Principal(PrincipalKind.SYSTEM, org_id=catalogue.organizations[key], label="sample")
            transact(services.db, principal, _rule)
    finally:
        services.db.dispose()
    return SampleMarket(catalogue.sign_ins, {vendor: found.secret for vendor, found in connectors.items()})


def _rule(uow: UnitOfWork) -> None:
    set_rule(uow, SetRule("CNY", APPROVAL_ABOVE_MINOR))
