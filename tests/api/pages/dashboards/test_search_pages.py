"""Search as pages and by the API: what is found leads on, and what is not is told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.catalog.models import Plan
from marketplace.videos.models import Video
from tests.api.pages.dashboards.conftest import Dashboards, Visitor, text_of
from tests.factories_marketplace import make_published_video
from tests.statement_counter import counting


@pytest.fixture
def listing_id(dashboards: Dashboards) -> UUID:
    return dashboards.stage.get(Plan, dashboards.stage.seat_plan).listing_id


class TestPage:
    @pytest.mark.parametrize(("query", "marked"), [("招聘", "招聘"), ("zhaopin", "招聘"), ("recruiting", "Recruiting")])
    def test_what_is_found_is_marked_and_leads_to_the_product(
        self, dashboards: Dashboards, listing_id: UUID, query: str, marked: str
    ) -> None:
        language = "zh-CN" if marked == "招聘" else "en"
        answer = Visitor(dashboards.nobody.client, "", language).get(f"/search?q={query}&kind=product")
        assert answer.status_code == 200
        assert f'href="/products/{listing_id}"' in answer.text
        assert f"<mark>{marked}</mark>" in answer.text

    def test_videos_and_channels_are_found_beside_products(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        channel_id = stage.get(Video, stage.video).channel_id
        assert f'href="/v/{stage.video}"' in dashboards.nobody.get("/search?q=校招&kind=video").text
        answer = dashboards.nobody.get("/search?q=频道&kind=channel")
        assert f'href="/channels/{channel_id}"' in answer.text
        channel = dashboards.nobody.get(f"/channels/{channel_id}")
        assert channel.status_code == 200
        assert f"v-{stage.video}" in channel.text

    def test_similar_results_are_said_to_be_similar(self, dashboards: Dashboards, listing_id: UUID) -> None:
        answer = dashboards.nobody.get("/search?q=recruting")
        assert "These are similar" in text_of(answer)
        assert f'href="/products/{listing_id}"' in answer.text

    def test_nothing_found_and_nothing_asked_lead_on(self, dashboards: Dashboards) -> None:
        nothing = dashboards.nobody.get("/search?q=xylophonist")
        assert "Nothing was found for “xylophonist”" in text_of(nothing)
        for answer in (nothing, dashboards.nobody.get("/search")):
            assert answer.status_code == 200
            assert 'class="button first" href="/products"' in answer.text

    def test_what_is_typed_is_text(self, dashboards: Dashboards) -> None:
        answer = dashboards.nobody.get("/search?q=%3Cscript%3Ealert(1)%3C/script%3E")
        assert answer.status_code == 200
        assert "<script>alert(1)" not in answer.text

    def test_an_internal_video_is_shown_to_its_own_alone(self, dashboards: Dashboards) -> None:
        stage = dashboards.stage
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            plan = uow.session.get_one(Plan, stage.seat_plan)
            inside, _ = make_published_video(uow, stage.promoter, plan, visibility="internal")
        for visitor, expected in ((dashboards.promoter, True), (dashboards.buyer, False), (dashboards.nobody, False)):
            for path in ("/search?q=校招", "/v1/search?q=校招"):
                assert (str(inside.id) in visitor.get(path).text) is expected

    def test_the_feed_searches_everything(self, dashboards: Dashboards) -> None:
        assert 'method="get" action="/search"' in dashboards.nobody.get("/").text


class TestApi:
    def get(self, dashboards: Dashboards, **query: Any) -> Any:
        return dashboards.nobody.client.get("/v1/search", params=query)

    def test_hits_name_their_kind_and_their_marks(self, dashboards: Dashboards, listing_id: UUID) -> None:
        answer = self.get(dashboards, q="招聘", kind="product").json()
        assert answer["match"] == "exact"
        hit = next(one for one in answer["items"] if one["product"]["id"] == str(listing_id))
        assert (hit["kind"], hit["video"], hit["channel"]) == ("product", None, None)
        assert hit["marks"]["title"] == [[0, 2]]

    def test_pages_are_linked(self, dashboards: Dashboards) -> None:
        first = self.get(dashboards, q="一屏", limit=1)
        cursor = first.json()["next_cursor"]
        assert cursor
        assert f"cursor={cursor}" in first.headers["link"]
        second = self.get(dashboards, q="一屏", limit=1, cursor=cursor).json()
        assert first.json()["items"] != second["items"] != []

    @pytest.mark.parametrize(
        "query",
        [{}, {"q": "x", "cursor": "x"}, {"q": "x" * 101}, {"q": "x", "limit": "0"}],
    )
    def test_what_makes_no_sense_is_refused(self, dashboards: Dashboards, query: dict[str, str]) -> None:
        assert self.get(dashboards, **query).status_code == 422

    def test_a_kind_that_is_none_is_refused_by_name(self, dashboards: Dashboards) -> None:
        assert self.get(dashboards, q="x", kind="person").json()["code"] == "filter_unknown"


def test_pages_ask_no_more_of_the_database_than_this(
    dashboards: Dashboards, listing_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    budgets = {
        f"/products/{listing_id}": 10,
        "/products": 7,
        "/search?q=招聘": 9,
        "/v1/search?q=招聘": 8,
        f"/v1/listings/{listing_id}": 3,
    }
    for path, most in budgets.items():
        dashboards.nobody.get(path)
        with counting(monkeypatch) as asked:
            assert dashboards.nobody.get(path).status_code == 200
        assert len(asked.statements) <= most, "\n".join([path, *asked.statements])
