"""The sample sellers' connectors: made once, found again, put right when the port has changed."""

from __future__ import annotations

import pytest

from app.sample.connectors import launch_environment, seed_connectors
from fulfillment.connectors.queries import connectors_of
from kernel.db.uow import Database, unit_of_work
from kernel.errors import Invalid
from kernel.outbound import OutboundPolicy
from kernel.principal import SYSTEM
from tests.factories_fulfillment import BOX
from tests.factories_marketplace import make_seller


def test_secrets_are_made_once(db: Database) -> None:
    policy = OutboundPolicy(permitted=frozenset({"127.0.0.1:8010", "127.0.0.1:8011"}))
    with unit_of_work(db, SYSTEM) as uow:
        orgs = {vendor: make_seller(uow) for vendor in ("northwind", "contoso")}
    sellers = {vendor: org.id for vendor, org in orgs.items()}
    first = seed_connectors(db, BOX, policy, "http://127.0.0.1:8010", sellers)
    assert seed_connectors(db, BOX, policy, "http://127.0.0.1:8010/", sellers) == first
    moved = seed_connectors(db, BOX, policy, "http://127.0.0.1:8011", sellers)
    assert moved == first
    assert len({found.secret for found in first.values()}) == 2
    assert all(found.secret not in repr(found) for found in first.values())
    for vendor, org in orgs.items():
        with unit_of_work(db, org.owner) as uow:
            (row,) = connectors_of(uow)
        assert (row.id, row.url) == (first[vendor].connector_id, f"http://127.0.0.1:8011/webhooks/marketplace/{vendor}")
    assert launch_environment(first) == {
        "SELLER_SECRETS": f"northwind={first['northwind'].secret},contoso={first['contoso'].secret}"
    }


def test_the_policy_holds_for_samples_too(db: Database) -> None:
    with unit_of_work(db, SYSTEM) as uow:
        org = make_seller(uow)
    with pytest.raises(Invalid):
        seed_connectors(db, BOX, OutboundPolicy(), "http://127.0.0.1:8010", {"northwind": org.id})
