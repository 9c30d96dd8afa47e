"""`market verify` as it is typed: what it prints, and its exit code."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import text

from app.commands.verify import run
from app.verify.check import snapshot
from app.verify.rules import EVERY
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from kernel.settings import Settings, load_settings
from tests.service.verify.conftest import Market


@pytest.fixture
def settings(market: Market) -> Settings:
    found = market.addresses.apply(load_settings())
    return found.model_copy(update={"storage_url": market.world.folder.as_uri()})


def test_all_well_is_zero_and_one_object(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is True
    assert said["seconds"] >= 0
    assert {rule["name"] for rule in said["rules"]} == {rule.name for rule in EVERY}
    assert all(rule.keys() == {"name", "meaning", "violations", "examples"} for rule in said["rules"])
    assert not any(rule["violations"] for rule in said["rules"])


@pytest.mark.parametrize("as_json", [True, False])
def test_anything_broken_is_one(
    settings: Settings, market: Market, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    """Committed here, since the command opens its own connection, and mended afterwards."""
    with market.owner.begin() as connection:
        connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
        connection.execute(text("UPDATE fulfillment.run SET tries = tries + 1"))
    try:
        assert run(settings, as_json=as_json) == 1
    finally:
        with market.owner.begin() as connection:
            connection.execute(text("SELECT set_config('app.platform', 'on', true)"))
            connection.execute(text("UPDATE fulfillment.run SET tries = tries - 1"))
    captured = capsys.readouterr()
    if as_json:
        said = json.loads(captured.out)
        assert said["ok"] is False
        assert [rule["name"] for rule in said["rules"] if rule["violations"]] == ["runs.recorded"]
        (rule,) = (rule for rule in said["rules"] if rule["violations"])
        assert len(rule["examples"]) == 5
        assert rule["violations"] > 5
    else:
        assert "runs.recorded" in captured.out
        assert "run_id=" in captured.out


def test_a_rule_may_compute_for_long_between_two_statements(db: Database) -> None:
    with snapshot(db) as uow:
        assert uow.session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "0"
    with unit_of_work(db, SYSTEM) as uow:
        limit = uow.session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert limit == "90s"  # 10 s where it serves: see tests/conftest.py
