"""Copies of what a sale left behind are as good as sales: every rule of `market verify` holds over them, and business goes on."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from app.verify.check import snapshot
from app.verify.rules import RULES
from bench.population import Population, settle_statistics
from bench.template import Row, Template, published_videos, rows_where, tables
from tests.loop_stage import Stage
from tests.service.bench.conftest import Market, sell

COPIES = 25


def broken(stage: Stage) -> dict[str, object]:
    with snapshot(stage.services.db) as uow:
        found = {rule.name: rule.find(uow) for rule in RULES}
    return {name: what for name, what in found.items() if what.violations}


def counts(connection: psycopg.Connection) -> dict[str, int]:
    return {table.title: len(rows_where(connection, table)) for table in tables(connection)}


def test_copies_of_a_sale_keep_every_rule(market: Market) -> None:
    assert broken(market.stage) == {}
    population = Population(market.connection, market.sale, span=COPIES + 1)
    before = counts(market.connection)
    population.take_away()
    assert population.copy(1, COPIES + 1) == COPIES + 1
    per_copy = population.rows_per_copy()
    assert {"orders.order", "billing.payment", "billing.invoice", "fulfillment.entitlement"} <= per_copy.keys()
    assert counts(market.connection) == {
        title: count + per_copy.get(title, 0) * (COPIES - 1) for title, count in before.items()
    }
    assert broken(market.stage) == {}


def test_business_goes_on_after_copies(market: Market) -> None:
    population = Population(market.connection, market.sale, span=COPIES + 1)
    population.take_away()
    population.add(COPIES, "orders.order")
    settle_statistics(market.connection)
    sell(market.stage)
    assert broken(market.stage) == {}
    (number,) = market.connection.execute("SELECT count(DISTINCT number) FROM billing.invoice").fetchall()
    assert number == (COPIES + 2,)


def test_no_copy_of_a_table_exceeds_what_was_asked_for(market: Market) -> None:
    before = counts(market.connection)
    Population(market.connection, market.sale).copy(1, 41, at_most=40)
    grown = {title: count - before[title] for title, count in counts(market.connection).items()}
    per_copy = Population(market.connection, market.sale).rows_per_copy()
    assert {title: rows for title, rows in grown.items() if rows} == {
        title: rows * -(-40 // rows) for title, rows in per_copy.items()
    }


def test_more_copies_than_the_span_are_refused(market: Market) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        Population(market.connection, market.sale, span=5).copy(1, 7)


def test_published_videos_are_copied_with_their_cards(market: Market) -> None:
    videos = published_videos(market.connection)
    assert {row.table.title for row in videos.rows} >= {"marketplace.video", "marketplace.placement"}
    before = counts(market.connection)
    population = Population(market.connection, videos)
    population.add(10, "marketplace.video")
    per_copy = population.rows_per_copy()
    copies = -(-10 // per_copy["marketplace.video"])
    assert counts(market.connection) == {
        title: count + copies * per_copy.get(title, 0) for title, count in before.items()
    }
    assert broken(market.stage) == {}
    orphans = market.connection.execute(
        "SELECT count(*) FROM marketplace.placement p WHERE NOT EXISTS (SELECT FROM marketplace.video v WHERE v.id = p.video_id)"
    ).fetchone()
    assert orphans == (0,)


def test_a_unique_value_without_anything_to_count_on_is_refused(market: Market) -> None:
    table = next(table for table in tables(market.connection) if table.title == "billing.ledger_account")
    (row, *_) = rows_where(market.connection, table, sql.SQL("kind = 'gateway_cash'"))
    only_organizations = Row(
        type(table)(table.schema, table.name, table.types, table.key, (("org_id",),)),
        row.values,
    )
    with pytest.raises(ValueError, match="nothing to count on"):
        Population(market.connection, Template((only_organizations,))).copy(1, 2)
