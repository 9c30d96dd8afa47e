"""The catalogue, a product's page, and buying from it without a video."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.review_listing import resume_listing, suspend_listing, withdraw_plan
from orders.delivery_record import LEAST, DeliveryRecord, delivery_record
from orders.order.models import Attribution, OrderLine
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_plans, make_published_video, one_off_plan, words
from tests.loop_stage import Stage


@pytest.fixture
def listing_id(dashboards: Dashboards) -> UUID:
    return listing_of(dashboards.stage, dashboards.stage.seat_plan)


def listing_of(stage: Stage, plan_id: UUID) -> UUID:
    return stage.get(Plan, plan_id).listing_id


def credit_of(stage: Stage, order_id: UUID) -> Attribution:
    lines = select(OrderLine.id).where(OrderLine.order_id == order_id)
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id.in_(lines)))
    assert isinstance(credit, Attribution)
    return credit


def value(answer: Any, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', answer.text)
    assert found, name
    return unescape(found[1])


def chosen(answer: Any, name: str) -> str:
    found = re.search(rf'<select[^>]* name="{name}">.*?<option value="([^"]*)"', answer.text, re.DOTALL)
    assert found, name
    return unescape(found[1])


class TestProductPage:
    def test_anybody_reads_the_terms(self, dashboards: Dashboards, listing_id: UUID) -> None:
        page = dashboards.nobody.get(f"/products/{listing_id}")
        assert page.status_code == 200
        said = text_of(page)
        for expected in ("¥199", "seat / year", "tax included", "Recruiting Pro", "Full export", "One screen"):
            assert expected in said, expected
        assert "trial" not in said.lower()

    def test_it_speaks_the_readers_language(self, dashboards: Dashboards, listing_id: UUID) -> None:
        chinese = Visitor(dashboards.nobody.client, "", "zh-CN")
        said = text_of(chinese.get(f"/products/{listing_id}"))
        assert "招聘专业版" in said
        assert "含税" in said
        assert "Recruiting Pro" not in said

    def test_it_names_the_videos_a_reader_may_see_with_their_second(
        self, dashboards: Dashboards, listing_id: UUID
    ) -> None:
        stage = dashboards.stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            plan = uow.session.get_one(Plan, stage.seat_plan)
            inside, _ = make_published_video(uow, stage.promoter, plan, start_ms=5_000, visibility="internal")
        public = f'href="/v/{stage.video}?t='
        assert public in dashboards.nobody.get(f"/products/{listing_id}").text
        assert str(inside.id) not in dashboards.nobody.get(f"/products/{listing_id}").text
        assert f'href="/v/{inside.id}?t=5"' in dashboards.promoter.get(f"/products/{listing_id}").text

    def test_its_seller_is_told_how_it_looks_and_cannot_buy_it(self, dashboards: Dashboards, listing_id: UUID) -> None:
        own, other = (visitor.get(f"/products/{listing_id}") for visitor in (dashboards.seller, dashboards.buyer))
        assert f"/products/{listing_id}/buy" not in own.text
        assert f"/seller/listings/{listing_id}/edit" in own.text
        assert f"/products/{listing_id}/buy" in other.text
        assert f"/seller/listings/{listing_id}/edit" not in other.text
        assert "data-pay" not in dashboards.seller.get(f"/products/{listing_id}/buy").text

    def test_what_is_off_sale_is_as_if_it_never_was(self, dashboards: Dashboards, listing_id: UUID) -> None:
        db = dashboards.stage.services.db
        with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
            suspend_listing(uow, listing_id, "under review")
        try:
            missing = dashboards.buyer.get(f"/products/{uuid7()}")
            for path in (f"/products/{listing_id}", f"/products/{listing_id}/buy"):
                found = dashboards.buyer.get(path)
                assert found.status_code == 404, path
                assert text_of(found)[:200] == text_of(missing)[:200]
            own = dashboards.seller.get(f"/products/{listing_id}")
            assert own.status_code == 200
            assert "not on sale" in text_of(own)
            assert dashboards.seller.get(f"/products/{listing_id}/buy").status_code == 409
        finally:
            with unit_of_work(db, OPERATOR_PRINCIPAL) as uow:
                resume_listing(uow, listing_id)

    def test_a_withdrawn_plan_is_neither_shown_nor_sold(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            rollout = one_off_plan(connector_id=stage.connector)
            (plan,) = make_plans(uow, stage.seller, rollout, kind="service", text=words("上门服务"))
            listing_id = plan.listing_id
        path = f"/products/{listing_id}"
        assert "/buy" in dashboards.buyer.get(path).text
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            withdraw_plan(uow, plan.id)
        assert "/buy?" not in dashboards.buyer.get(path).text
        assert dashboards.buyer.get(f"{path}/buy").status_code == 409


class TestDeliveryRecord:
    def test_it_counts_deliveries_for_everybody_and_shows_no_order(
        self, dashboards: Dashboards, listing_id: UUID
    ) -> None:
        stage = dashboards.stage
        for principal in (SYSTEM, stage.seller.owner, stage.promoter.owner):
            with unit_of_work(stage.services.db, principal) as uow:
                assert delivery_record(uow, listing_id) == DeliveryRecord(1, 1)
                # What the count was allowed to see is not left open to what follows.
                assert uow.session.get(Listing, listing_id) is not None
        with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
            delivery_record(uow, listing_id)
            assert uow.session.get(type(stage.order(dashboards.order_id)), dashboards.order_id) is None
        assert "Too few orders" in text_of(dashboards.nobody.get(f"/products/{listing_id}"))

    def test_a_share_is_told_once_there_is_enough_to_judge_by(self) -> None:
        assert DeliveryRecord(LEAST - 1, LEAST - 1).share_ppm is None
        assert DeliveryRecord(LEAST, LEAST - 1).share_ppm == 800_000
        assert DeliveryRecord(3 * LEAST, 2 * LEAST).share_ppm == 666_666


class TestBuyingWithoutAVideo:
    def buy(self, visitor: Visitor, listing_id: UUID, **changes: str) -> Any:
        sheet = visitor.get(f"/products/{listing_id}/buy")
        assert sheet.status_code == 200, sheet.text[:500]
        fields = {
            "action": "pay",
            "plan_id": value(sheet, "plan_id"),
            "quantity": value(sheet, "quantity"),
            "quote_id": value(sheet, "quote_id"),
            "idempotency_key": value(sheet, "idempotency_key"),
            "billing_profile_id": chosen(sheet, "billing_profile_id"),
            "payment_method_id": "sandbox:sbx_ok",
        }
        answers = [visitor.post(f"/products/{listing_id}/buy", **fields | changes) for _ in range(2)]
        assert len({(answer.status_code, answer.headers.get("location")) for answer in answers}) == 1
        return answers[0]

    def test_sent_twice_it_is_one_order_that_no_video_sold(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        _, visitor = dashboards.new_organization()
        answer = self.buy(visitor, listing_of(stage, stage.seat_plan))
        assert answer.status_code == 303, text_of(answer)[:800]
        stage.run()
        order_id = UUID(answer.headers["location"].rsplit("/", 1)[1])
        credit = credit_of(stage, order_id)
        assert (credit.rule, credit.video_id, credit.promoter_org_id) == ("none", None, None)
        order = visitor.get(f"/orders/{order_id}")
        assert order.status_code == 200
        assert 'href="/v/' not in order.text
        traced = visitor.client.get(f"/v1/trace/{order_id}", headers={"Cookie": f"__Host-session={visitor.cookie}"})
        kinds = {node["kind"] for node in json.loads(traced.text)["nodes"]}
        assert "attribution" in kinds
        assert not kinds & {"video", "placement", "touchpoint"}

    def test_an_earlier_click_on_a_card_keeps_its_credit(self, dashboards: Dashboards) -> None:
        """The product's page names no video; what the organization saw before still counts."""
        stage = dashboards.stage
        answer = self.buy(dashboards.buyer, listing_of(stage, stage.seat_plan))
        assert answer.status_code == 303, text_of(answer)[:800]
        order_id = UUID(answer.headers["location"].rsplit("/", 1)[1])
        assert credit_of(stage, order_id).rule == "last_click"

    def test_a_visitor_signs_in_first_and_comes_back(self, dashboards: Dashboards, listing_id: UUID) -> None:
        answer = dashboards.nobody.get(f"/products/{listing_id}/buy?plan={dashboards.stage.seat_plan}")
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in?")
        assert str(listing_id) in answer.headers["location"]

    def test_what_was_not_priced_is_not_bought(self, dashboards: Dashboards, listing_id: UUID) -> None:
        answer = self.buy(dashboards.buyer, listing_id, quantity="7")
        assert answer.status_code == 409
        assert "worked out anew" in text_of(answer)


class TestCatalogue:
    def names(self, dashboards: Dashboards, query: str = "") -> set[str]:
        answer = dashboards.nobody.get(f"/products{query}")
        assert answer.status_code == 200
        return set(re.findall(r'href="/products/([0-9a-f-]{36})"', answer.text))

    def test_it_is_narrowed_by_what_one_and_the_same_plan_meets(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        seats, rollout = (str(listing_of(stage, plan)) for plan in (stage.seat_plan, stage.service_plan))
        assert {seats, rollout} <= self.names(dashboards)
        assert rollout not in self.names(dashboards, "?pricing=per_seat")
        assert seats not in self.names(dashboards, "?pricing=one_off")
        assert seats in self.names(dashboards, "?currency=CNY&from=199&to=199")
        assert seats not in self.names(dashboards, "?currency=CNY&from=199.01")
        assert self.names(dashboards, "?currency=USD") == set()
        assert self.names(dashboards, f"?seller={stage.buyer.id}") == set()
        assert seats in self.names(dashboards, f"?seller={stage.seller.id}&category=hr")
        assert self.names(dashboards, "?category=legal") == set()

    def test_what_cannot_be_filtered_by_is_said_and_left_out(self, dashboards: Dashboards) -> None:
        everything = self.names(dashboards)
        for query, told, left in (
            ("?from=10", "Choose the currency", ""),
            ("?currency=CNY&from=ten", "This is no amount", "?currency=CNY"),
            ("?currency=CNY&from=300&to=100", "the other way round", "?currency=CNY"),
        ):
            assert told in text_of(dashboards.nobody.get(f"/products{query}"))
            assert self.names(dashboards, query) == self.names(dashboards, left)
        for query in ("?seller=nobody", "?currency=XXX", "?pricing=free"):
            assert self.names(dashboards, query) == everything, query

    def test_the_api_filters_alike_and_keeps_the_filters_in_its_link(self, dashboards: Dashboards) -> None:
        client, seller = dashboards.nobody.client, dashboards.stage.seller.id
        query = {"pricing": "per_seat", "currency": "CNY", "min_price_minor": "19900", "seller": str(seller)}
        answer = client.get("/v1/listings", params=query | {"limit": "1"})
        assert answer.status_code == 200
        assert [one["plans"][0]["pricing"] for one in answer.json()["items"]] == ["per_seat"]
        refused = client.get("/v1/listings", params={"max_price_minor": "5"})
        assert (refused.status_code, refused.json()["code"]) == (422, "currency_required")
        swapped = dashboards.nobody.client.get(
            "/v1/listings?currency=CNY&min_price_minor=30000&max_price_minor=10000",
            headers={"Accept": "application/json"},
        )
        assert (swapped.status_code, swapped.json()["code"]) == (422, "price_limits_swapped")
        assert client.get("/v1/listings", params={"pricing": "free"}).json()["code"] == "filter_unknown"
