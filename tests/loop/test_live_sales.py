"""What is sold in a live room: orders carry session and second, and a live price has no more places than it has."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, DomainError, Invalid, NotFound
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.attribution.record_touchpoints import TouchpointIn, record_touchpoints
from marketplace.catalog.models import Plan
from marketplace.live.explain import explain_item
from marketplace.live.models import LiveItem, LiveSession
from marketplace.live.run_session import end_session
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.create_quote import CreateQuote, QuoteItem, create_quote
from orders.checkout.priced_line import Context
from orders.checkout.quote_models import Quote
from orders.coupons.live_price import LivePrice, SetLivePrice, end_live_price, live_prices, set_live_price
from orders.coupons.models import Coupon, CouponUse
from orders.order.models import Attribution, OrderLine
from orders.partners.end_partner import end_partner
from orders.promoter_earnings import earnings_by_bringer
from tests.factories_live import make_live, make_session, make_streamed
from tests.factories_marketplace import Org
from tests.loop.test_offers import reject
from tests.loop.test_outgoing_events import events_of, publish
from tests.loop.test_partner_prices import as_buyer, linked, priced, tier
from tests.loop.test_trial_pages import seller, shown
from tests.loop_stage import Stage

__all__ = ["seller"]
LIST = 19_900 * 20


def go_live(stage: Stage, host: Org | None = None, **more: Any) -> tuple[LiveSession, LiveItem]:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        session, (item,) = make_live(uow, host or stage.seller, uow.session.get_one(Plan, stage.seat_plan), **more)
    return session, item


def price(stage: Stage, session: LiveSession, item: LiveItem, **values: int) -> UUID:
    command = SetLivePrice(session.id, item.id, **({"percent_ppm": 200_000} | values))
    return transact(stage.services.db, stage.seller.owner, lambda uow: set_live_price(uow, command).id)


def quoted(stage: Stage, session: LiveSession | None, second: int = 65) -> Quote:
    context = Context(live_session_id=session.id, second_ms=second * 1000) if session is not None else Context()
    command = CreateQuote((QuoteItem(stage.seat_plan, 20),), context=context)
    quote_id = transact(stage.services.db, stage.purchaser, lambda uow: create_quote(uow, command).id)
    return stage.get(Quote, quote_id)


def left(stage: Stage, session: LiveSession, item: LiveItem) -> LivePrice:
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        return live_prices(uow, session.id)[item.id]


def test_an_order_from_the_room_carries_session_and_second_and_its_price(stage: Stage) -> None:
    session, item = go_live(stage)
    price(stage, session, item)
    with clock.frozen(clock.now() + timedelta(seconds=70)):
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            explain_item(uow, session.id, item.id)
        quote = quoted(stage, session)
        assert quote.gross_minor == LIST - LIST // 5
        assert quote.lines[0]["coupon"] == "秋招专场"
        # By itself the product costs what it did; nobody is told of the price of a room elsewhere.
        assert quoted(stage, None).gross_minor == LIST
        order_id = stage.place(quote.id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert (credit.rule, credit.live_session_id, credit.video_id) == ("context", session.id, session.video_id)
    assert credit.second_ms == 65_000
    assert credit.promoter_org_id is None
    found = stage.trace(stage.purchaser, order_id)
    (node,) = [one for one in found.nodes if one.kind == "attribution"]
    assert (node.facts["live_session_id"], node.facts["second_ms"]) == (str(session.id), 65_000)


def test_what_a_stream_sold_has_no_film_and_its_channels_share(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        session, _ = make_streamed(uow, stage.promoter, uow.session.get_one(Plan, stage.seat_plan))
    with clock.frozen(clock.now() + timedelta(seconds=70)):
        order_id = stage.place(quoted(stage, session).id)
        stage.run()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert (credit.rule, credit.live_session_id, credit.video_id) == ("context", session.id, None)
    assert (credit.second_ms, credit.promoter_org_id) == (65_000, stage.promoter.id)
    with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
        (brought,) = [one for one in earnings_by_bringer(uow) if one.subject_id == session.channel_id]
        assert (brought.kind, brought.orders) == ("channel", 1)
        end_session(uow, session.id)


def test_what_was_clicked_in_a_room_counts_after_it_was_left(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        session, (item,) = make_streamed(uow, stage.promoter, uow.session.get_one(Plan, stage.seat_plan))
    with clock.frozen(clock.now() + timedelta(seconds=70)):
        events = [
            TouchpointIn(uuid7(), "view", clock.now(), None, second_ms=40_000, watched_ms=25_000, live_item_id=item.id),
            TouchpointIn(uuid7(), "card_click", clock.now(), None, second_ms=900_000, live_item_id=item.id),
            TouchpointIn(uuid7(), "card_click", clock.now(), None, live_item_id=uuid7()),
        ]
        told = transact(stage.services.db, stage.purchaser, lambda uow: record_touchpoints(uow, events))
        assert (told.accepted, told.ignored) == (2, 1)
        transact(stage.services.db, stage.promoter.owner, lambda uow: end_session(uow, session.id).id)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        order_id = stage.place(quoted(stage, None).id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert (credit.rule, credit.touchpoint_id, credit.live_session_id) == ("last_click", events[1].id, session.id)
    # No second lies after where the session was.
    assert (credit.second_ms, credit.promoter_org_id) == (70_000, stage.promoter.id)
    assert [step["live_session_id"] for step in credit.path[-2:]] == [str(session.id)] * 2
    found = stage.trace(stage.purchaser, order_id)
    seen = {str(one.id): one.facts for one in found.nodes if one.kind == "touchpoint"}
    assert seen[str(events[1].id)]["live_session_id"] == str(session.id)
    for wrong in (
        TouchpointIn(uuid7(), "share", clock.now(), None, live_item_id=item.id),
        TouchpointIn(uuid7(), "view", clock.now(), None),
        TouchpointIn(uuid7(), "view", clock.now(), session.channel_id, live_item_id=item.id),
    ):
        with pytest.raises(Invalid) as refused, unit_of_work(stage.services.db, stage.purchaser) as uow:
            record_touchpoints(uow, [wrong])
        assert refused.value.code == "touchpoint_place_invalid"


def test_a_room_that_one_may_no_longer_see_sells_nothing(stage: Stage) -> None:
    session, item = go_live(stage, stage.promoter)
    click = TouchpointIn(uuid7(), "card_click", clock.now(), None, live_item_id=item.id)
    transact(stage.services.db, stage.purchaser, lambda uow: record_touchpoints(uow, [click]))
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(LiveSession, session.id).visibility = "internal"
    order_id = stage.place(quoted(stage, None).id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert credit.live_session_id is None
    hidden = TouchpointIn(uuid7(), "card_click", clock.now(), None, live_item_id=item.id)
    told = transact(stage.services.db, stage.purchaser, lambda uow: record_touchpoints(uow, [hidden]))
    assert told.ignored == 1
    transact(stage.services.db, stage.promoter.owner, lambda uow: end_session(uow, session.id).id)


def test_a_hosts_own_systems_are_told_of_its_sessions(stage: Stage) -> None:
    session, _ = go_live(stage)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        end_session(uow, session.id)
    for _ in range(2):
        publish(stage)
    told = [one for one in events_of(stage, stage.seller.owner) if str(one["type"]).startswith("live.session.")]
    assert [one["type"] for one in told] == ["live.session.scheduled", "live.session.started", "live.session.ended"]
    assert {one["data"]["live_session_id"] for one in told} == {str(session.id)}
    assert "live.session" not in str(events_of(stage, stage.buyer.owner))


def test_the_channel_that_hosted_it_promoted_it(stage: Stage) -> None:
    session, item = go_live(stage, stage.promoter)
    with pytest.raises(Conflict) as refused:
        transact(
            stage.services.db,
            stage.promoter.owner,
            lambda uow: set_live_price(uow, SetLivePrice(session.id, item.id, 100_000)),
        )
    assert refused.value.code == "live_price_not_own"
    # No second lies ahead of where the session is.
    order_id = stage.place(quoted(stage, session, second=86_000).id)
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    (credit,) = stage.rows(select(Attribution).where(Attribution.order_line_id == line.id))
    assert credit.promoter_org_id == stage.promoter.id
    assert credit.second_ms < 86_000_000


def test_a_live_price_holds_while_the_session_runs(stage: Stage) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        ahead, (item,) = make_session(uow, stage.seller, uow.session.get_one(Plan, stage.seat_plan))
    price(stage, ahead, item)
    assert quoted(stage, ahead).gross_minor == LIST
    session, item = go_live(stage)
    price(stage, session, item)
    given_before = quoted(stage, session)
    assert given_before.gross_minor < LIST
    transact(stage.services.db, stage.seller.owner, lambda uow: end_session(uow, session.id).id)
    assert quoted(stage, session).gross_minor == LIST
    # A quote binds: what was priced in the room is placed at its price, and its replay still sells by second.
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == stage.place(given_before.id)))
    assert line.discount_minor == LIST // 5


def test_a_partner_reads_in_the_room_what_it_pays(
    stage: Stage, browser: TestClient[Any], seller: TestClient[Any]
) -> None:
    tier_id = tier(stage)
    priced(stage, tier_id)
    link_id = linked(stage, tier_id)
    session, item = go_live(stage)
    room = f"/live/{session.id}"
    # 30 % off in Gold; a live price that is no lower changes nothing for it, and a lower one is shown in its place.
    assert "139.30" in shown(browser, room)
    assert "139.30" not in shown(seller, room)
    price(stage, session, item)
    assert ("139.30" in shown(browser, room), "159.20" in shown(seller, room)) == (True, True)
    assert "159.20" not in shown(browser, room)
    assert quoted(stage, session).gross_minor == 13_930 * 20
    price(stage, session, item, percent_ppm=400_000)
    text = shown(browser, room)
    assert ("119.40" in text, "139.30" in text) == (True, False)
    assert quoted(stage, session).gross_minor == 11_940 * 20
    as_buyer(stage, lambda uow: end_partner(uow, link_id).id)
    end_live_price_of(stage, session, item)
    assert "139.30" not in shown(browser, room)


def end_live_price_of(stage: Stage, session: LiveSession, item: LiveItem) -> None:
    transact(stage.services.db, stage.seller.owner, lambda uow: end_live_price(uow, session.id, item.id))


def test_a_price_that_was_taken_back_holds_no_more(stage: Stage) -> None:
    session, item = go_live(stage)
    price(stage, session, item)
    price(stage, session, item, percent_ppm=500_000)
    assert quoted(stage, session).gross_minor == LIST // 2
    transact(stage.services.db, stage.seller.owner, lambda uow: end_live_price(uow, session.id, item.id))
    assert quoted(stage, session).gross_minor == LIST
    ended = stage.rows(select(Coupon.ended_at).where(Coupon.live_session_id == session.id))
    assert len(ended) == 2
    assert None not in ended


def test_a_room_that_one_may_not_enter_has_no_price(stage: Stage) -> None:
    session, item = go_live(stage, visibility="internal")
    price(stage, session, item)
    with pytest.raises(NotFound) as refused:
        quoted(stage, session)
    assert refused.value.code == "live_session_not_found"


def test_fifty_buyers_at_once_take_five_places(stage: Stage) -> None:
    session, item = go_live(stage)
    price(stage, session, item, places=5)
    quotes = [quoted(stage, session).id for _ in range(50)]

    def place(quote_id: UUID) -> str:
        try:
            stage.purchase(quote_id)
        except DomainError as refused:
            return refused.code
        return "placed"

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(place, quotes))
    assert (outcomes.count("placed"), outcomes.count("coupon_used_up")) == (5, 45)
    shown = left(stage, session, item)
    assert (shown.places, shown.left, shown.is_sold_out) == (5, 0, True)
    # Whoever comes now is told the usual price.
    assert quoted(stage, session).gross_minor == LIST


@given(st.integers(1, 3), st.lists(st.booleans(), min_size=1, max_size=6), st.randoms(use_true_random=False))
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_places_are_taken_and_given_back(stage: Stage, places: int, acts: list[bool], chance: Random) -> None:
    session, item = go_live(stage)
    coupon_id = price(stage, session, item, places=places)
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", 1))
    holding: list[UUID] = []
    for takes in acts:
        if takes:
            quote = quoted(stage, session)
            reduced = quote.gross_minor < LIST
            assert reduced == (len(holding) < places)
            purchase_id = stage.purchase(quote.id)
            if reduced:
                holding.append(purchase_id)
        elif holding:
            reject(stage, holding.pop(chance.randrange(len(holding))))
        free = places - len(holding)
        assert left(stage, session, item).left == free
    held = select(func.count()).where(CouponUse.coupon_id == coupon_id, CouponUse.released_at.is_(None))
    assert stage.rows(held) == [len(holding)]
    transact(stage.services.db, stage.seller.owner, lambda uow: end_session(uow, session.id).id)
