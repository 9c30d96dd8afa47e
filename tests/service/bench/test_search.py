"""Products made in masses are found like those that were published one by one."""

from __future__ import annotations

import random

from bench.search import TIMES, populate, queries
from kernel.db.uow import unit_of_work
from kernel.principal import ANONYMOUS
from marketplace.catalog.queries import list_listings
from marketplace.discovery.search import search
from tests.service.bench.conftest import Market

PRODUCTS = 300


def test_made_products_are_on_sale_and_found(market: Market) -> None:
    populate(market.connection, PRODUCTS)
    with unit_of_work(market.stage.services.db, ANONYMOUS) as uow:
        newest = list_listings(uow, limit=100).items
        made = next(one for one in newest if one.title_en.endswith(" R7"))
        assert len(made.plans) == 1
        found = search(uow, f"{made.title_en} {made.title[:2]}", kind="product")
        assert [hit.product.id for hit in found.items if hit.product] == [made.id]


def test_each_kind_of_query_finds_what_it_is_about(market: Market) -> None:
    populate(market.connection, PRODUCTS)
    asked = queries(random.Random(3))
    assert {len(words) for words in asked.values()} == {TIMES}
    with unit_of_work(market.stage.services.db, ANONYMOUS) as uow:
        found = {name: [search(uow, text) for text in words] for name, words in asked.items() if name != "a name"}
    assert {page.match for page in found["a common word"] if page.items} == {"exact"}
    assert {page.match for page in found["a mistake"]} == {"similar"}
    assert all(any(page.items for page in pages) for pages in found.values())
