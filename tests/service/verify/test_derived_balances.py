"""Amounts that follow from facts are computed again to the same; what was damaged is named and put right."""

from __future__ import annotations

import pytest

from billing.ledger.derived_balances import DERIVED, Derived, find_drift, rebuild
from kernel.db.uow import UnitOfWork
from tests.service.verify.planting import Planter


def test_nothing_drifts_in_a_market_that_is_well(owner: UnitOfWork) -> None:
    assert find_drift(owner) == []
    assert rebuild(owner) == 0


@pytest.mark.parametrize("one", DERIVED, ids=lambda one: f"{one.table}.{one.column}")
def test_a_damaged_amount_is_named_and_put_right(one: Derived, owner: UnitOfWork) -> None:
    planter = Planter(owner)
    _, table = one.table.split(".")
    for name in owner.session.connection().exec_driver_sql(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{one.table}'::regclass AND contype = 'c'"
    ):
        planter.define(f"ALTER TABLE {one.table} DROP CONSTRAINT {name[0]}")
    with planter.unguarded():
        row_id = planter.find(f"SELECT id FROM {one.table} ORDER BY id LIMIT 1")
        planter.change(f"UPDATE {one.table} SET {one.column} = {one.column} + 1 WHERE id = :id", id=row_id)
    (drift,) = find_drift(owner)
    assert (drift.table, drift.column, drift.row_id) == (f"billing.{table}", one.column, row_id)
    assert drift.kept_minor - drift.computed_minor == 1
    assert rebuild(owner) == 1
    assert find_drift(owner) == []
