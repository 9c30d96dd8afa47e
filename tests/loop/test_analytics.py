"""A seller's funnel from the click to what is kept and paid: page, API and files say the same, and money what the ledger says."""

from __future__ import annotations

import csv
from datetime import timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from app.commands.rollups import recount_all
from billing.charges.models import Charge
from billing.ledger.models import LedgerTransaction, Posting
from kernel import clock
from kernel.db.uow import UnitOfWork, transact, unit_of_work
from kernel.ids import uuid7
from kernel.jobs.models import EventCursor
from kernel.principal import SYSTEM
from marketplace.attribution import count_touchpoints
from marketplace.attribution.models import TouchpointDay
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.leads.create_lead import CreateLead, create_lead
from marketplace.placements.models import Placement
from orders.analytics import count_sales
from orders.analytics.funnel import KINDS
from orders.order.models import Subscription
from orders.subscriptions.auto_renew import set_auto_renew
from tests.loop.test_live_sales import go_live, quoted
from tests.loop.test_renewals import until
from tests.loop.test_trial_pages import seller, shown
from tests.loop_stage import Stage

__all__ = ["seller"]
FUNNEL, COHORTS = "/v1/seller/analytics/funnel", "/v1/seller/analytics/cohorts"


@pytest.fixture(autouse=True)
def marked(stage: Stage) -> None:
    """Counted from this test's time on, whatever time another one lived at."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        for reader in (count_touchpoints.READER, count_sales.READER):
            uow.session.merge(EventCursor(reader=reader, read_until=clock.now() - timedelta(seconds=1)))


def count(stage: Stage) -> None:
    clock.advance(timedelta(minutes=1, seconds=1))
    for sweep in (count_touchpoints.COUNT_TOUCHPOINTS, count_sales.COUNT_SALES):
        stage.tick(sweep)


def asked(browser: TestClient[Any], **query: str) -> dict[str, Any]:
    answer = browser.get(FUNNEL, params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def charged(uow: UnitOfWork, seller_id: UUID) -> int:
    """What the ledger took from buyers for this seller's lines."""
    statement = (
        select(func.sum(Posting.amount_minor))
        .join(LedgerTransaction, LedgerTransaction.id == Posting.transaction_id)
        .join(Charge, Charge.id == LedgerTransaction.reference)
        .where(Charge.seller_org_id == seller_id, LedgerTransaction.kind == "charge", Posting.amount_minor > 0)
    )
    return int(uow.session.scalar(statement) or 0)


def test_from_the_click_to_the_money(stage: Stage, seller: TestClient[Any]) -> None:
    stage.touch()
    stage.touch("impression", 0)
    kept, given_back = stage.buy(), stage.buy(quantity=3)
    stage.run()
    stage.refund(given_back)
    stage.run()
    count(stage)
    by_video = asked(seller)
    (row,) = by_video["rows"]
    assert (row["key"], row["card_clicks"], row["impressions"]) == (str(stage.video), 1, 0), "the channel is another's"
    (sold,) = row["sold"]
    assert [sold[name] for name in ("orders", "activated", "retained", "renewed", "refunded")] == [2, 2, 1, 0, 1]
    assert row["time_to_active_s"] >= 0
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        assert sold["gross"]["amount"] == charged(uow, stage.seller.id)
    back = stage.refunds(given_back)[0].amount_minor
    assert sold["refunded_amount"]["amount"] == back
    assert sold["gross"]["amount"] - back == stage.order(kept).gross_minor
    for by in KINDS:
        again = asked(seller, by=by, video_id=str(stage.video))
        assert again["total"] == by_video["total"], by
        assert [one["orders"] for part in again["rows"] for one in part["sold"]] == [2], by
    assert [part["key"] for part in asked(seller, by="second", video_id=str(stage.video))["rows"]] == ["5"]
    (promoter,) = asked(seller, by="promoter")["rows"]
    assert (promoter["key"], promoter["card_clicks"]) == (str(stage.promoter.id), 1)
    assert asked(seller, last_on=str(clock.today() - timedelta(days=1)))["rows"] == []


def test_files_and_page_say_what_the_api_says(stage: Stage, seller: TestClient[Any]) -> None:
    stage.touch()
    stage.buy()
    stage.run()
    count(stage)
    said = asked(seller, by="card")
    (sold,) = said["total"]["sold"]
    written = seller.get(f"{FUNNEL}/export", params={"by": "card"}).content.decode("utf-8-sig")
    total, card = csv.DictReader(StringIO(written))
    book = seller.get(f"{FUNNEL}/export", params={"by": "card", "format": "xlsx"}).content
    head, first, second = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()
    for from_csv, from_book in ((total, first), (card, second)):
        as_text = {
            str(name): str(int(cell)) if isinstance(cell, float) else str(cell)
            for name, cell in zip(head, from_book, strict=True)
        }
        assert as_text == from_csv
        assert (from_csv["card_clicks"], from_csv["orders"]) == ("1", str(sold["orders"]))
        assert Decimal(from_csv["gross"]) * 100 == sold["gross"]["amount"]
    page = shown(seller, "/seller/analytics?by=card")
    whole, cents = divmod(sold["gross"]["amount"], 100)
    assert f"{whole:,}.{cents:02d}" in page
    for by in KINDS:
        assert seller.get(f"/seller/analytics?by={by}&video={stage.video}").status_code == 200
    assert seller.get("/seller/analytics?first=2026-12-31&last=2026-01-01").status_code == 422


def test_a_renewal_counts_where_its_first_order_was_sold(stage: Stage, seller: TestClient[Any]) -> None:
    order_id = stage.buy()
    stage.run()
    day = str(clock.today("UTC"))
    (subscription,) = stage.rows(
        select(Subscription).where(
            Subscription.seller_org_id == stage.seller.id, Subscription.buyer_org_id == stage.buyer.id
        )
    )
    transact(stage.services.db, stage.purchaser, lambda uow: set_auto_renew(uow, subscription.id, wanted=True))
    until(stage, subscription.ends_at)
    count(stage)
    (first,) = asked(seller, first_on=day, last_on=day)["total"]["sold"]
    assert (first["orders"], first["renewed"], first["renewals"]) == (1, 1, 0)
    (later,) = asked(seller)["rows"]
    assert later["key"] == str(stage.video)
    (sold,) = later["sold"]
    assert (sold["orders"], sold["renewals"]) == (0, 1)
    assert sold["gross"]["amount"] > 0
    assert stage.order(order_id).state == "active"


def test_what_was_asked_counts_to_the_card_it_was_asked_from(stage: Stage, seller: TestClient[Any]) -> None:
    listing_id = stage.rows(select(Placement.listing_id).where(Placement.id == stage.placement))[0]
    asked_from = CreateLead("quote", listing_id, "多少钱", placement_id=stage.placement, second_ms=6_000)
    transact(stage.services.db, stage.purchaser, lambda uow: create_lead(uow, asked_from).id)
    for by in KINDS:
        found = asked(seller, by=by, video_id=str(stage.video))
        assert found["total"]["leads"] == 1, by
        assert [row["leads"] for row in found["rows"]] == ([] if by == "tier" else [1]), by
    (row,) = asked(seller, by="second", video_id=str(stage.video))["rows"]
    assert row["key"] == "5"


def test_what_is_counted_again_is_the_same(stage: Stage, seller: TestClient[Any]) -> None:
    stage.touch()
    stage.buy()
    stage.run()
    count(stage)
    before = asked(seller, by="day")
    recount_all(stage.services.db)
    count(stage)
    assert asked(seller, by="day") == before


def test_bad_questions_are_refused(stage: Stage, seller: TestClient[Any]) -> None:
    del stage
    for query, code in (
        ({"by": "second"}, "analytics_video_needed"),
        ({"first_on": "2026-02-01", "last_on": "2026-01-01"}, "analytics_period_invalid"),
        ({"first_on": "2020-01-01", "last_on": "2026-01-01"}, "analytics_period_invalid"),
        ({"last_on": "0001-01-02"}, "analytics_period_invalid"),
        ({"last_on": "9999-12-31"}, "analytics_period_invalid"),
        ({"first_on": "0001-01-01"}, "analytics_period_invalid"),
    ):
        answer = seller.get(FUNNEL, params=query)
        assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text


def test_customers_are_followed_from_the_month_of_their_first_order(stage: Stage, seller: TestClient[Any]) -> None:
    stage.buy()
    stage.run()
    month = str(clock.today("UTC").replace(day=1))
    (cohort,) = seller.get(COHORTS).json()
    assert [cohort[name] for name in ("month", "customers", "activated", "churned")] == [month, 1, 1, 0]
    assert cohort["months"] == [{"later": 0, "in_use": 1, "renewed": 0}]
    assert cohort["median_s"] >= 0
    clock.advance(timedelta(days=40))
    (cohort,) = seller.get(COHORTS).json()
    assert [one["in_use"] for one in cohort["months"]] == [1] * len(cohort["months"])
    assert len(cohort["months"]) >= 2
    stage.buy(quantity=2)
    stage.run()
    assert seller.get(COHORTS).json()[0]["customers"] == 1, "it was a customer already"
    rows = list(csv.DictReader(StringIO(seller.get(f"{COHORTS}/export").content.decode("utf-8-sig"))))
    (cohort,) = seller.get(COHORTS).json()
    assert [int(row["in_use"]) for row in rows] == [one["in_use"] for one in cohort["months"]]
    page = shown(seller, "/seller/analytics/cohorts")
    assert month[:7] in page


def test_who_gave_all_back_is_lost(stage: Stage, seller: TestClient[Any]) -> None:
    order_id = stage.buy()
    stage.run()
    clock.advance(timedelta(seconds=5))
    stage.refund(order_id)
    stage.run()
    (cohort,) = seller.get(COHORTS).json()
    assert [cohort[name] for name in ("customers", "activated", "churned")] == [1, 1, 1]
    assert cohort["months"][-1]["in_use"] == 0


def test_what_is_watched_clicked_and_bought_in_a_room_counts_to_its_session(
    stage: Stage, seller: TestClient[Any]
) -> None:
    session, item = go_live(stage)
    other, _ = go_live(stage, stage.promoter)
    clock.advance(timedelta(seconds=70))
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        events = [
            TouchpointIn(uuid7(), "view", clock.now(), None, None, 21_000, 9_000, live_item_id=item.id),
            TouchpointIn(uuid7(), "view", clock.now(), None, None, 22_000, 3_000, live_item_id=item.id),
            TouchpointIn(uuid7(), "card_click", clock.now(), None, None, 23_000, 0, live_item_id=item.id),
        ]
        assert record_touchpoints(uow, events).accepted == 3
    stage.place(quoted(stage, session).id)
    stage.place(quoted(stage, other).id)
    stage.run()
    count(stage)
    by_live = asked(seller, by="live")
    rows = {row["key"]: row for row in by_live["rows"]}
    assert set(rows) == {str(session.id), str(other.id)}
    mine, theirs = rows[str(session.id)], rows[str(other.id)]
    assert (mine["name"], mine["name_en"]) == (session.title, session.title_en)
    assert [mine[name] for name in ("impressions", "views", "card_clicks")] == [0, 2, 1]
    assert [theirs[name] for name in ("views", "card_clicks")] == [0, 0]
    assert [sold["orders"] for row in (mine, theirs) for sold in row["sold"]] == [1, 1]
    # The same by the film that it played, which stays as its replay.
    by_video = {row["key"]: row for row in asked(seller)["rows"]}
    assert [by_video[str(session.video_id)][name] for name in ("views", "card_clicks")] == [2, 1]
    (channel,) = [row for row in asked(seller, by="channel")["rows"] if row["key"] == str(session.channel_id)]
    assert channel["card_clicks"] == 1
    seconds = {
        row["key"]: row["card_clicks"] for row in asked(seller, by="second", video_id=str(session.video_id))["rows"]
    }
    assert seconds["20"] == 1
    for by in KINDS:
        assert (
            asked(seller, by=by, **({"video_id": str(session.video_id)} if by == "second" else {}))["total"]["views"]
            == 2
        )
    assert str(session.title_en) in shown(seller, "/seller/analytics?by=live&lang=en")
    before = rollup(stage)
    recount_all(stage.services.db)
    assert rollup(stage) == before


def rollup(stage: Stage) -> list[tuple[Any, ...]]:
    """What was counted of rooms."""
    one = TouchpointDay
    found = select(one.live_session_id, one.second, one.seller_org_id, one.views, one.card_clicks, one.watched_ms)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        rows = uow.session.execute(found.where(one.live_session_id.is_not(None)).order_by(one.id)).all()
        return sorted(map(tuple, rows))
