"""A buyer proposes other figures for an offer; the seller's answer is another offer, and the first can be accepted no more."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict
from marketplace.leads.models import Lead
from orders.checkout.quote_models import Quote
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.counter_offer import MakeCounterOffer, ProposedLine, make_counter_offer
from orders.offers.models import CounterOffer, Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import offers_of
from orders.order.models import Order
from tests.loop.test_offers import PRICE, QUANTITY, decline, offered, quoted, refusal, requested, told, withdraw
from tests.loop_stage import Stage


def countered(stage: Stage, offer_id: UUID, *lines: ProposedLine, text: str = "") -> UUID:
    command = MakeCounterOffer(offer_id, lines or (ProposedLine(1, 30, 15_000),), text)
    return transact(stage.services.db, stage.purchaser, lambda uow: make_counter_offer(uow, command).id)


@pytest.fixture
def lead_id(stage: Stage) -> UUID:
    return requested(stage)


def test_the_thread_shows_the_chain_and_the_last_offer_alone_can_be_accepted(stage: Stage, lead_id: UUID) -> None:
    first = offered(stage, lead_id)
    quote_id = quoted(stage, first)
    for _ in range(2):
        countered(stage, first, text=" 三十席呢？ ")
    assert stage.get(Lead, lead_id).state == "working"
    second = offered(stage, lead_id, unit_price_minor=15_500)
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        by_id = {one.id: one for one in offers_of(uow, lead_id)}
    assert (by_id[second].supersedes_id, by_id[first].supersedes_id) == (first, None)
    assert (by_id[first].state, by_id[second].state) == ("superseded", "open")
    (said,) = by_id[first].counter_offers
    assert (said.text, said.total_minor) == ("三十席呢？", 450_000)
    assert [(one.number, one.quantity, one.unit_price_minor) for one in said.lines] == [(1, 30, 15_000)]
    assert refusal(lambda: quoted(stage, first)) == "offer_superseded"
    assert refusal(lambda: stage.purchase(quote_id)) == "offer_superseded"
    assert refusal(lambda: withdraw(stage, first)) == "offer_superseded"
    assert refusal(lambda: decline(stage, first)) == "offer_superseded"
    assert refusal(lambda: countered(stage, first)) == "offer_superseded"
    stage.purchase(quoted(stage, second))
    assert stage.rows(select(Order.offer_id).where(Order.lead_id == lead_id)) == [second]
    stage.tick(NOTIFY)
    assert told(stage, stage.seller.owner.person()) == ["offer_accepted", "offer_countered"]
    assert told(stage, stage.purchaser.person()) == ["offer_made", "offer_made"]


def test_until_it_is_answered_the_offer_stays_open_at_its_own_price(stage: Stage, lead_id: UUID) -> None:
    offer_id = offered(stage, lead_id)
    countered(stage, offer_id)
    assert stage.get(Quote, quoted(stage, offer_id)).gross_minor == PRICE * QUANTITY
    assert stage.get(Offer, offer_id).state == "open"


def test_of_several_lines_those_that_are_not_named_stay_as_offered(stage: Stage, lead_id: UUID) -> None:
    service, _ = stage.offer()
    offer_id = offered(stage, lead_id, more=(OfferedPlan(service, 1, discount_ppm=100_000),))
    countered(stage, offer_id, ProposedLine(1, QUANTITY, 15_000))
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        (shown,) = offers_of(uow, lead_id)
    (said,) = shown.counter_offers
    assert [one.unit_price_minor for one in said.lines] == [15_000, shown.lines[1].unit_price_minor]
    assert said.total_minor == 15_000 * QUANTITY + shown.lines[1].total_minor


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((ProposedLine(1, QUANTITY, PRICE),), "counter_offer_same"),
        ((ProposedLine(2, 1, 1),), "counter_offer_line"),
        ((ProposedLine(1, 1, 1), ProposedLine(1, 2, 1)), "counter_offer_line"),
        ((ProposedLine(1, 0, 1),), "quantity_out_of_range"),
        ((ProposedLine(1, 1_000_001, 1),), "quantity_out_of_range"),
        ((ProposedLine(1, 1, -1),), "counter_offer_price"),
        ((ProposedLine(1, 1, 19_901),), "counter_offer_price"),
    ],
)
def test_what_cannot_be_proposed(stage: Stage, lead_id: UUID, lines: tuple[ProposedLine, ...], code: str) -> None:
    offer_id = offered(stage, lead_id)
    assert refusal(lambda: countered(stage, offer_id, *lines)) == code
    assert refusal(lambda: countered(stage, offer_id, text="x" * 1_001)) == "text_too_long"
    assert stage.rows(select(CounterOffer.id).where(CounterOffer.offer_id == offer_id)) == []
    assert stage.get(Lead, lead_id).state == "answered"


def test_nobody_but_its_buyer_answers_it(stage: Stage, lead_id: UUID) -> None:
    offer_id = offered(stage, lead_id)
    command = MakeCounterOffer(offer_id, (ProposedLine(1, 30, 15_000),))
    for who in (stage.seller.owner, stage.promoter.owner):
        with unit_of_work(stage.services.db, who) as uow:
            assert refusal(lambda: make_counter_offer(uow, command)) == "offer_not_found"
    clock.advance(stage.get(Offer, offer_id).valid_until - clock.now())
    assert refusal(lambda: countered(stage, offer_id)) == "offer_expired"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["offer", "counter", "decline", "withdraw"]), min_size=1, max_size=8))
def test_whatever_both_say_one_offer_at_most_is_open_and_no_other_is_sold(stage: Stage, said: list[str]) -> None:
    lead_id = requested(stage)
    made: list[UUID] = []
    for step, act in enumerate(said):
        with suppress(Conflict):
            if act == "offer":
                made.append(offered(stage, lead_id, unit_price_minor=PRICE - step))
            elif made and act == "counter":
                countered(stage, made[-1], ProposedLine(1, 30 + step, 15_000))
            elif made:
                (decline if act == "decline" else withdraw)(stage, made[-1])
    open_ones = stage.rows(select(Offer.id).where(Offer.lead_id == lead_id, Offer.state == "open"))
    assert len(open_ones) <= 1
    assert set(open_ones) <= set(made[-1:])
    for offer_id in set(made) - set(open_ones):
        assert refusal(partial(quoted, stage, offer_id)).startswith("offer_")
    chain = select(func.count()).select_from(Offer).where(Offer.lead_id == lead_id, Offer.supersedes_id.is_not(None))
    replaced = select(func.count()).select_from(Offer).where(Offer.lead_id == lead_id, Offer.state == "superseded")
    assert stage.rows(chain) == stage.rows(replaced)
    for offer_id in open_ones:
        withdraw(stage, offer_id)
