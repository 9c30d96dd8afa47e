"""Reviews of whoever could use a product, one of each organization; questions and answers; and what becomes of both."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient
from sqlalchemy import func, select

from fulfillment.customer_reviews.models import CustomerReview, CustomerReviewRevision
from fulfillment.customer_reviews.write_review import MOST
from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM, Principal
from marketplace.access.authenticate import csrf_of, hash_token
from marketplace.access.models import SignInSession
from marketplace.catalog.models import Listing, Plan
from marketplace.catalog.rate_listing import average_tenths
from marketplace.notifications.models import Notification
from marketplace.questions.ask_question import MOST as MOST_QUESTIONS
from marketplace.questions.models import ProductQuestion
from orders.notifications.notify_of_events import NOTIFY
from tests.api_server import application
from tests.conformance.api_walk import operator_of
from tests.factories_marketplace import make_member, make_org
from tests.loop_stage import Stage

TEXT = "One screen for **all** of it. <script>alert(1)</script>"
SITE = "https://market.example"
Client = TestClient[Any]


@pytest.fixture
def listing_id(stage: Stage) -> UUID:
    return stage.get(Plan, stage.seat_plan).listing_id


def signed_in(stage: Stage, person: Principal) -> Client:
    token = uuid7().hex
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.add(
            SignInSession(
                token_hash=hash_token(token),
                person_id=person.person(),
                org_id=person.organization(),
                expires_at=clock.now() + timedelta(days=900),
            )
        )
    client: Client = TestClient(application(stage.services), base_url=SITE)
    client.headers.update({"Cookie": f"__Host-session={token}", "X-CSRF-Token": csrf_of(token)})
    return client


def operator(stage: Stage) -> Client:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        who = operator_of(uow)
    client: Client = TestClient(application(stage.services), base_url=SITE)
    client.headers.update(who | {"Cookie": who["Cookie"].replace("session=", "__Host-session=")})
    return client


def delivered(stage: Stage) -> Client:
    """The purchaser, of whose order the delivery is done."""
    stage.buy()
    stage.run()
    return signed_in(stage, stage.purchaser)


def write(client: Client, listing_id: UUID, stars: int = 4, text: str = TEXT) -> Any:
    return client.put(f"/v1/listings/{listing_id}/customer-review", json={"stars": stars, "text": text})


def reviews(client: Client, listing_id: UUID) -> list[Any]:
    found: list[Any] = client.get(f"/v1/listings/{listing_id}/customer-reviews").json()["items"]
    return found


def rating(stage: Stage, listing_id: UUID) -> tuple[int, int]:
    stage.run()
    listing = stage.get(Listing, listing_id)
    return listing.rating_count, listing.rating_sum


def told(stage: Stage, kind: str) -> list[Notification]:
    stage.tick(NOTIFY)
    return stage.rows(select(Notification).where(Notification.kind == kind, Notification.org_id.is_not(None)))


class TestReviews:
    def test_an_organization_that_uses_it_writes_and_everybody_reads(self, stage: Stage, listing_id: UUID) -> None:
        client = delivered(stage)
        answer = write(client, listing_id)
        assert answer.status_code == 200, answer.text
        assert rating(stage, listing_id) == (1, 4)
        nobody: Client = TestClient(application(stage.services), base_url=SITE)
        (row,) = reviews(nobody, listing_id)
        assert (row["stars"], row["revision"], row["own"], row["answerable"]) == (4, 1, False, False)
        assert "<strong>all</strong>" in row["text_html"]
        assert "<script>" not in row["text_html"]
        shown = nobody.get(f"/v1/listings/{listing_id}").json()
        assert (shown["rating_count"], shown["rating_tenths"]) == (1, 40)
        for path in (f"/products/{listing_id}", f"/products/{listing_id}/reviews"):
            page = nobody.get(path, headers={"Accept": "text/html", "Cookie": "lang=en"}).text
            assert "<strong>all</strong>" in page, path
            assert "<script>alert(1)" not in page, path
            assert "4.0" in page, path

    def test_the_rating_is_on_the_cards_of_the_feed_and_the_list(self, stage: Stage, listing_id: UUID) -> None:
        write(delivered(stage), listing_id, 5)
        assert rating(stage, listing_id) == (1, 5)
        nobody: Client = TestClient(application(stage.services), base_url=SITE)
        cards = nobody.get(f"/v1/videos/{stage.video}").json()["cards"]
        assert {(card["rating_count"], card["rating_tenths"]) for card in cards} == {(1, 50)}
        listed = nobody.get("/v1/listings?limit=100").json()["items"]
        assert [(one["rating_count"], one["rating_tenths"]) for one in listed if one["id"] == str(listing_id)] == [
            (1, 50)
        ]

    def test_nobody_else_may_write(self, stage: Stage, listing_id: UUID) -> None:
        client = signed_in(stage, stage.purchaser)
        refused = write(client, listing_id)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_entitled_to_review")
        # Bought and never delivered: nothing of it was met with.
        stage.seller_app.behave(mode="async")
        stage.buy()
        stage.run()
        assert write(client, listing_id).status_code == 403
        assert write(signed_in(stage, stage.seller.owner), listing_id).status_code == 403
        # As for a product that there is not.
        assert write(client, uuid7()).json()["code"] == "not_entitled_to_review"
        assert reviews(client, listing_id) == []

    def test_one_of_each_organization_and_its_history_stays(self, stage: Stage, listing_id: UUID) -> None:
        first = delivered(stage)
        made = write(first, listing_id, 2, "Slow.").json()
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            colleague = make_member(uow, stage.buyer, "viewer")
        changed = write(signed_in(stage, colleague), listing_id, 5, "Quick now.").json()
        assert (changed["id"], changed["revision"]) == (made["id"], 2)
        assert write(first, listing_id, 5, "Quick now.").json()["revision"] == 2
        assert rating(stage, listing_id) == (1, 5)
        history = first.get(f"/v1/customer-reviews/{made['id']}/revisions").json()
        assert [(one["number"], one["stars"], one["text"]) for one in history] == [
            (2, 5, "Quick now."),
            (1, 2, "Slow."),
        ]
        page = first.get(f"/products/{listing_id}/reviews/{made['id']}", headers={"Accept": "text/html"}).text
        assert "Slow." in page
        assert len(stage.rows(select(CustomerReview).where(CustomerReview.listing_id == listing_id))) == 1

    def test_withdrawn_it_counts_no_longer_and_may_be_written_again(self, stage: Stage, listing_id: UUID) -> None:
        client = delivered(stage)
        review_id = write(client, listing_id).json()["id"]
        address = f"/v1/listings/{listing_id}/customer-review"
        for _ in range(2):
            assert client.delete(address).status_code == 204
        assert rating(stage, listing_id) == (0, 0)
        assert reviews(client, listing_id) == []
        assert client.get(address).json()["state"] == "withdrawn"
        nobody: Client = TestClient(application(stage.services), base_url=SITE)
        assert nobody.get(f"/v1/customer-reviews/{review_id}/revisions").status_code == 404
        assert write(client, listing_id).json()["state"] == "shown"
        assert rating(stage, listing_id) == (1, 4)

    @pytest.mark.parametrize("text", ["", "  \n ", "x" * 4_001])
    def test_what_is_no_review_is_refused_and_stays_in_the_form(
        self, stage: Stage, listing_id: UUID, text: str
    ) -> None:
        client = delivered(stage)
        assert write(client, listing_id, text=text).status_code == 422
        assert write(client, listing_id, stars=6).status_code == 422
        form = {"stars": "3", "text": text or "<b>kept", "csrf": client.headers["X-CSRF-Token"], "action": "write"}
        form |= {} if text else {"stars": "9"}
        page = client.post(f"/products/{listing_id}/reviews", data=form, headers={"Accept": "text/html"})
        assert page.status_code == 422
        assert text.strip()[:100] in page.text
        assert reviews(client, listing_id) == []

    def test_it_is_not_changed_without_end(self, stage: Stage, listing_id: UUID) -> None:
        client = delivered(stage)
        for n in range(MOST):
            assert write(client, listing_id, text=f"Version {n}").status_code == 200
        refused = write(client, listing_id, text="One more")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_comments")
        count = select(func.count()).select_from(CustomerReviewRevision)
        assert stage.rows(count.where(CustomerReviewRevision.org_id == stage.buyer.id)) == [MOST]

    def test_the_seller_answers_and_both_sides_are_told(self, stage: Stage, listing_id: UUID) -> None:
        client = delivered(stage)
        review_id = write(client, listing_id).json()["id"]
        assert {row.org_id for row in told(stage, "customer_review_written")} >= {stage.seller.id}
        address = f"/v1/seller/customer-reviews/{review_id}/answer"
        assert signed_in(stage, stage.promoter.owner).put(address, json={"text": "Mine."}).status_code == 404
        assert client.put(address, json={"text": "Mine."}).status_code in {403, 404}
        seller = signed_in(stage, stage.seller.owner)
        assert seller.put(address, json={"text": "Thank you."}).status_code == 204
        (row,) = reviews(client, listing_id)
        assert (row["answer"], row["own"]) == ("Thank you.", True)
        assert stage.purchaser.person() in {one.person_id for one in told(stage, "customer_review_answered")}
        assert seller.put(address, json={"text": ""}).status_code == 204
        assert reviews(client, listing_id)[0]["answered_at"] is None

    def test_the_platform_removes_what_was_reported_for_good(self, stage: Stage, listing_id: UUID) -> None:
        client = delivered(stage)
        review_id = write(client, listing_id, 1).json()["id"]
        seller, staff = signed_in(stage, stage.seller.owner), operator(stage)
        report = {"kind": "review", "content_id": review_id, "reason": "not about us"}
        made = [seller.post("/v1/content-reports", json=report).json()["id"] for _ in range(2)]
        assert made[0] == made[1]
        decided = staff.post(
            f"/v1/operator/content-reports/{made[0]}", json={"remove": True, "reason": "It is about somebody else."}
        )
        assert decided.status_code == 204, decided.text
        assert rating(stage, listing_id) == (0, 0)
        refused = write(client, listing_id, 1)
        assert (refused.status_code, refused.json()["code"]) == (409, "customer_review_removed")
        history = client.get(f"/v1/listings/{listing_id}/customer-review").json()
        assert history["state"] == "removed"


@given(st.lists(st.integers(1, 5), min_size=1, max_size=50))
def test_an_average_lies_where_its_stars_do_and_is_rounded_once(stars: list[int]) -> None:
    tenths = average_tenths(len(stars), sum(stars))
    assert tenths is not None
    assert min(stars) * 10 <= tenths <= max(stars) * 10
    assert abs(tenths * len(stars) - sum(stars) * 10) * 2 <= len(stars)
    assert average_tenths(0, 0) is None


class TestQuestions:
    def ask(self, client: Client, listing_id: UUID, text: str = "Can it export?") -> Any:
        return client.post(f"/v1/listings/{listing_id}/questions", json={"text": text})

    def asked(self, client: Client, listing_id: UUID) -> list[Any]:
        found: list[Any] = client.get(f"/v1/listings/{listing_id}/questions").json()["items"]
        return found

    def test_asked_answered_and_read_by_everybody(self, stage: Stage, listing_id: UUID) -> None:
        client, seller = signed_in(stage, stage.purchaser), signed_in(stage, stage.seller.owner)
        question_id = self.ask(client, listing_id).json()["id"]
        # A second click is the same question.
        assert self.ask(client, listing_id).json()["id"] == question_id
        assert {row.org_id for row in told(stage, "question_asked")} >= {stage.seller.id}
        address = f"/v1/seller/questions/{question_id}/answer"
        assert signed_in(stage, stage.promoter.owner).put(address, json={"text": "No."}).status_code == 404
        assert seller.put(address, json={"text": "<i>Yes</i>"}).status_code == 204
        assert stage.purchaser.person() in {one.person_id for one in told(stage, "question_answered")}
        nobody: Client = TestClient(application(stage.services), base_url=SITE)
        (row,) = self.asked(nobody, listing_id)
        assert (row["text"], row["answer"], row["own"]) == ("Can it export?", "<i>Yes</i>", False)
        for path in (f"/products/{listing_id}", f"/products/{listing_id}/questions"):
            page = nobody.get(path, headers={"Accept": "text/html"}).text
            assert "&lt;i&gt;Yes&lt;/i&gt;" in page, path

    def test_a_hidden_one_is_seen_by_the_seller_and_whoever_asked(self, stage: Stage, listing_id: UUID) -> None:
        client, seller = signed_in(stage, stage.purchaser), signed_in(stage, stage.seller.owner)
        question_id = self.ask(client, listing_id).json()["id"]
        assert seller.post(f"/v1/seller/questions/{question_id}/hide").status_code == 204
        nobody: Client = TestClient(application(stage.services), base_url=SITE)
        assert self.asked(nobody, listing_id) == []
        assert [row["state"] for row in self.asked(seller, listing_id)] == ["hidden"]
        assert [row["state"] for row in self.asked(client, listing_id)] == ["hidden"]
        assert seller.post(f"/v1/seller/questions/{question_id}/show").status_code == 204
        assert len(self.asked(nobody, listing_id)) == 1

    def test_its_asker_or_the_platform_removes_it(self, stage: Stage, listing_id: UUID) -> None:
        client, staff = signed_in(stage, stage.purchaser), operator(stage)
        first, second = (self.ask(client, listing_id, text).json()["id"] for text in ("One?", "Two?"))
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            stranger = make_org(uow).owner
        assert signed_in(stage, stranger).delete(f"/v1/questions/{first}").status_code == 404
        assert client.delete(f"/v1/questions/{first}").status_code == 204
        assert staff.delete(f"/v1/operator/questions/{second}").status_code == 204
        assert self.asked(client, listing_id) == []
        states = select(ProductQuestion.state).where(ProductQuestion.listing_id == listing_id)
        assert set(stage.rows(states)) == {"removed"}

    def test_a_seller_asks_nothing_of_itself_and_nobody_asks_without_end(self, stage: Stage, listing_id: UUID) -> None:
        refused = self.ask(signed_in(stage, stage.seller.owner), listing_id)
        assert (refused.status_code, refused.json()["code"]) == (409, "own_product")
        client = signed_in(stage, stage.purchaser)
        assert self.ask(client, uuid7()).status_code == 404
        assert self.ask(client, listing_id, " ").status_code == 422
        for n in range(MOST_QUESTIONS):
            assert self.ask(client, listing_id, f"Question {n}?").status_code == 201
        assert self.ask(client, listing_id, "One more?").json()["code"] == "too_many_comments"
