"""Rules that look beyond the database: stored files, and the sample seller's own log over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.verify.check import snapshot
from app.verify.files import DELIVERED as DELIVERED_FILES
from app.verify.files import DOCUMENTS, MEDIA, SENT
from app.verify.rule import Example, Outside
from app.verify.seller_log import DELIVERED
from kernel.ids import uuid7
from kernel.storage import Storage
from tests.adapters.seller_process import Seller, event
from tests.service.verify.conftest import Market


def _said(market: Market, rule: Any) -> list[Example]:
    with snapshot(market.db) as uow:
        rows: list[Example] = rule.collect(uow)
    return rows


@pytest.fixture
def damaged(market: Market) -> Iterator[Storage]:
    """The market's storage; what a test overwrites is put back."""
    storage = market.world.storage
    keys = {str(row["key"]) for rule in (DOCUMENTS, MEDIA, DELIVERED_FILES, SENT) for row in _said(market, rule)}
    kept = {key: storage.get_bytes(key) for key in keys}
    yield storage
    for key, content in kept.items():
        storage.put_bytes(key, content)


@pytest.mark.parametrize("rule", [DOCUMENTS, MEDIA, DELIVERED_FILES, SENT], ids=lambda rule: rule.name)
def test_a_changed_and_a_missing_file_are_named(rule: Any, market: Market, damaged: Storage) -> None:
    rows = _said(market, rule)
    assert len(rows) >= 2
    outside = Outside(damaged)
    assert list(rule.compare(rows, outside)) == []
    damaged.put_bytes(str(rows[0]["key"]), b"something else")
    damaged.delete(str(rows[1]["key"]))
    found = {example["key"]: example["found"] for example in rule.compare(rows, outside)}
    # A cover has no recorded size: its replacement shows only when it is gone.
    expected = {str(rows[1]["key"])} | ({str(rows[0]["key"])} if rows[0].get("bytes") or rule is not MEDIA else set())
    assert set(found) == expected
    assert found[str(rows[1]["key"])] == "missing"


def test_without_a_storage_files_are_not_looked_at(market: Market) -> None:
    assert list(DOCUMENTS.compare(_said(market, DOCUMENTS), Outside())) == []
    assert list(MEDIA.compare(_said(market, MEDIA), Outside())) == []


@pytest.fixture(scope="module")
def seller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seller]:
    process = Seller(tmp_path_factory.mktemp("seller"))
    yield process
    process.stop()


def _ours(entitlement_id: str, state: str, external_id: str | None, *, under_way: bool = False) -> Example:
    return {"entitlement_id": entitlement_id, "state": state, "external_id": external_id, "under_way": under_way}


def test_the_sellers_own_log_is_held_against_the_entitlements(seller: Seller) -> None:
    made, gone, left, stranger = (str(uuid7()) for _ in range(4))
    tenants = {
        each: seller.deliver(event("provision", each)).json()["external_id"] for each in (made, gone, left, stranger)
    }
    seller.deliver(event("deprovision", gone))
    rows = [
        _ours(made, "active", tenants[made]),
        _ours(gone, "ended", tenants[gone]),
        _ours(left, "ended", tenants[left], under_way=True),
    ]
    outside = Outside(seller_logs=(seller.address,))
    found = {row["entitlement_id"]: row["fault"] for row in DELIVERED.compare(rows, outside)}
    assert found == {stranger: "unknown_here"}

    never = str(uuid7())
    rows = [
        _ours(made, "active", "t-other"),
        _ours(gone, "active", tenants[gone]),
        _ours(left, "ended", tenants[left]),
        _ours(never, "suspended", "t-never"),
        _ours(stranger, "pending", None),
    ]
    found = {row["entitlement_id"]: row["fault"] for row in DELIVERED.compare(rows, outside)}
    assert found == {
        made: "other_tenant",
        gone: "taken_down",
        left: "not_taken_down",
        never: "not_provisioned",
    }


def test_an_instance_made_twice_is_named(seller: Seller, tmp_path: Path) -> None:
    second = Seller(tmp_path)
    try:
        twice = str(uuid7())
        tenant = seller.deliver(event("provision", twice)).json()["external_id"]
        second.deliver(event("provision", twice))
        outside = Outside(seller_logs=(seller.address, second.address))
        found = list(DELIVERED.compare([_ours(twice, "active", tenant)], outside))
        assert {"provisioned_twice"} == {row["fault"] for row in found if row["entitlement_id"] == twice}
    finally:
        second.stop()


def test_without_an_address_no_seller_is_asked(market: Market) -> None:
    assert list(DELIVERED.compare([_ours(str(uuid7()), "active", "t-1")], Outside())) == []
    assert _said(market, DELIVERED) == []
