"""One closed list of categories: what is on none of it is refused wherever it is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient

from api.context import Services
from api.language import LANGUAGES
from api.pages.frame.translations import translations
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.categories import CATEGORIES
from tests.api_server import application
from tests.factories_marketplace import PASSWORD, make_seller

CONTRACT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
DRAFT = {"kind": "saas", "slug": "closed-list", "title": "x", "title_en": "", "summary": "", "summary_en": ""}


@pytest.fixture
def seller(services: Services) -> TestClient[Any]:
    with unit_of_work(services.db, SYSTEM) as uow:
        org = make_seller(uow)
    visitor: TestClient[Any] = TestClient(application(services), base_url="https://market.example")
    opened = visitor.post("/v1/session", json={"email": org.email, "password": PASSWORD})
    visitor.headers["X-CSRF-Token"] = opened.json()["csrf"]
    return visitor


@pytest.mark.parametrize("category", ["bananas", "HR", "hr ", "ｈｒ", "", "services-2"])
def test_what_is_not_on_the_list_is_refused_with_its_field(seller: TestClient[Any], category: str) -> None:
    for answer in (
        seller.post("/v1/listings", json=DRAFT | {"category": category}),
        seller.get("/v1/listings", params={"category": category}),
        seller.put("/v1/purchase-rules/CNY", params={"category": category}, json={"max_order_minor": 1}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (422, "category_invalid"), answer.text
        assert answer.json()["errors"][0]["field"] == "category"
        assert answer.json()["params"]["allowed"].split(", ") == list(CATEGORIES)


def test_each_on_the_list_is_taken_and_has_words_in_both_languages(seller: TestClient[Any]) -> None:
    for n, category in enumerate(CATEGORIES):
        made = seller.post("/v1/listings", json=DRAFT | {"category": category, "slug": f"listed-{n}"})
        assert made.status_code == 201, made.text
        assert seller.get("/v1/listings", params={"category": category}).status_code == 200
        for language in LANGUAGES:
            assert f"word.category.{category}" in translations(language).texts


def test_the_contract_names_them() -> None:
    body = CONTRACT["components"]["schemas"]["ListingIn"]["properties"]["category"]
    parameters = CONTRACT["paths"]["/v1/listings"]["get"]["parameters"]
    (query,) = (one["schema"] for one in parameters if one["name"] == "category")
    assert body["enum"] == list(CATEGORIES)
    assert query["enum"] == list(CATEGORIES)
