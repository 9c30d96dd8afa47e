"""One offer between two that meet: it is accepted once, or withdrawn, never both."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import select

from kernel.db.uow import unit_of_work
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.models import Purchase
from orders.offers.models import CounterOffer, Offer
from orders.offers.offered_price import OfferedPlan
from tests.loop.test_counter_offers import countered
from tests.loop.test_offer_approvals import decide, floor, low
from tests.loop.test_offers import GROSS, PRICE, decline, offered, quoted, reject, requested, withdraw
from tests.loop.test_private_offers import offered as private
from tests.loop.test_private_offers import verify
from tests.loop_stage import Stage
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races


def purchases(stage: Stage) -> list[UUID]:
    return stage.rows(select(Purchase.id).where(Purchase.buyer_org_id == stage.buyer.id))


@every_order_of_twins
def test_two_colleagues_accept_one_offer(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    quotes = [quoted(stage, offer_id) for _ in range(2)]
    told = interleaved(stage.services.db, order, *(lambda quote=quote: stage.purchase(quote) for quote in quotes))
    assert [one for one in told if isinstance(one, str)] == ["offer_accepted"]
    assert len(purchases(stage)) == 1


@every_order
def test_accepted_against_withdrawn(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    quote_id = quoted(stage, offer_id)
    told = interleaved(stage.services.db, order, lambda: stage.purchase(quote_id), lambda: withdraw(stage, offer_id))
    state = stage.rows(select(Offer.state).where(Offer.id == offer_id))[0]
    assert len(purchases(stage)) == (1 if state == "accepted" else 0)
    assert ("offer_withdrawn" in told) == (state == "withdrawn")
    assert ("offer_accepted" in told) == (state == "accepted")


@every_order
def test_accepted_against_declined(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    quote_id = quoted(stage, offer_id)
    told = interleaved(stage.services.db, order, lambda: stage.purchase(quote_id), lambda: decline(stage, offer_id))
    state = stage.rows(select(Offer.state).where(Offer.id == offer_id))[0]
    assert len(purchases(stage)) == (1 if state == "accepted" else 0)
    assert ("offer_declined" in told) == (state == "declined")
    assert ("offer_accepted" in told) == (state == "accepted")


@every_order
def test_declined_against_replaced(stage: Stage, order: str) -> None:
    lead_id = requested(stage)
    offer_id = offered(stage, lead_id)
    interleaved(
        stage.services.db,
        order,
        lambda: decline(stage, offer_id),
        lambda: offered(stage, lead_id, unit_price_minor=PRICE - 1),
    )
    states = stage.rows(select(Offer.state).where(Offer.lead_id == lead_id).order_by(Offer.id))
    assert states in (["declined", "open"], ["superseded", "open"])


@every_order
def test_accepted_against_replaced(stage: Stage, order: str) -> None:
    lead_id = requested(stage)
    offer_id = offered(stage, lead_id)
    quote_id = quoted(stage, offer_id)
    interleaved(
        stage.services.db,
        order,
        lambda: stage.purchase(quote_id),
        lambda: offered(stage, lead_id, unit_price_minor=PRICE - 1),
    )
    states = stage.rows(select(Offer.state).where(Offer.lead_id == lead_id).order_by(Offer.id))
    assert states in (["accepted", "open"], ["superseded", "open"])
    assert len(purchases(stage)) == (1 if states[0] == "accepted" else 0)


def held(stage: Stage, offer_id: UUID) -> UUID:
    """A purchase by the offer that waits for an approver."""
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", GROSS - 1))
    return stage.purchase(quoted(stage, offer_id))


@every_order_of_twins
def test_two_colleagues_accept_an_offer_that_was_given_back(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    reject(stage, held(stage, offer_id))
    quotes = [quoted(stage, offer_id) for _ in range(2)]
    told = interleaved(stage.services.db, order, *(lambda quote=quote: stage.purchase(quote) for quote in quotes))
    assert [one for one in told if isinstance(one, str)] == ["offer_accepted"]
    assert len(purchases(stage)) == 2


@every_order
def test_given_back_against_replaced(stage: Stage, order: str) -> None:
    lead_id = requested(stage)
    offer_id = offered(stage, lead_id)
    purchase_id = held(stage, offer_id)
    told = interleaved(
        stage.services.db,
        order,
        lambda: reject(stage, purchase_id),
        lambda: offered(stage, lead_id, unit_price_minor=PRICE - 1),
    )
    assert [one for one in told if isinstance(one, str)] == []
    assert stage.rows(select(Offer.state).where(Offer.lead_id == lead_id).order_by(Offer.id)) == ["superseded", "open"]


@every_order_of_twins
def test_two_members_offer_at_once(stage: Stage, order: str) -> None:
    lead_id = requested(stage)
    interleaved(
        stage.services.db,
        order,
        lambda: offered(stage, lead_id, unit_price_minor=PRICE),
        lambda: offered(stage, lead_id, unit_price_minor=PRICE - 1),
    )
    assert sorted(stage.rows(select(Offer.state).where(Offer.lead_id == lead_id))) == ["open", "superseded"]


@every_order
def test_accepted_against_countered(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    quote_id = quoted(stage, offer_id)
    told = interleaved(stage.services.db, order, lambda: stage.purchase(quote_id), lambda: countered(stage, offer_id))
    assert stage.rows(select(Offer.state).where(Offer.id == offer_id)) == ["accepted"]
    assert len(purchases(stage)) == 1
    assert [one for one in told if isinstance(one, str)] in ([], ["offer_accepted"])


@every_order
def test_countered_against_replaced(stage: Stage, order: str) -> None:
    lead_id = requested(stage)
    offer_id = offered(stage, lead_id)
    told = interleaved(
        stage.services.db,
        order,
        lambda: countered(stage, offer_id),
        lambda: offered(stage, lead_id, unit_price_minor=PRICE - 1),
    )
    assert stage.rows(select(Offer.state).where(Offer.lead_id == lead_id).order_by(Offer.id)) == ["superseded", "open"]
    proposals = stage.rows(select(CounterOffer.id).where(CounterOffer.offer_id == offer_id))
    assert len(proposals) == (0 if "offer_superseded" in told else 1)


@every_order_of_twins
def test_two_colleagues_propose_the_same(stage: Stage, order: str) -> None:
    offer_id = offered(stage, requested(stage))
    interleaved(stage.services.db, order, *(lambda: countered(stage, offer_id) for _ in range(2)))
    assert len(stage.rows(select(CounterOffer.id).where(CounterOffer.offer_id == offer_id))) == 1


@every_order_of_twins
def test_a_private_offer_pressed_twice_is_one(stage: Stage, order: str) -> None:
    verify(stage, stage.buyer.id)
    made = interleaved(stage.services.db, order, *(lambda: private(stage) for _ in range(2)))
    assert made[0] == made[1]
    assert len(stage.rows(select(Offer.id).where(Offer.buyer_org_id == stage.buyer.id))) == 1


@every_order
def test_a_private_offer_accepted_against_replaced(stage: Stage, order: str) -> None:
    verify(stage, stage.buyer.id)
    offer_id = private(stage)
    quote_id = quoted(stage, offer_id)
    told = interleaved(
        stage.services.db,
        order,
        lambda: stage.purchase(quote_id),
        lambda: private(stage, supersedes_id=offer_id, terms="?"),
    )
    states = stage.rows(select(Offer.state).where(Offer.buyer_org_id == stage.buyer.id).order_by(Offer.id))
    assert states in (["accepted"], ["superseded", "open"])
    assert len(purchases(stage)) == (1 if states == ["accepted"] else 0)
    assert ("offer_superseded" in told) == (states != ["accepted"])


def states(stage: Stage, lead_id: UUID) -> list[str]:
    return stage.rows(select(Offer.state).where(Offer.lead_id == lead_id).order_by(Offer.id))


@every_order
@pytest.mark.parametrize("decision", ["approved", "rejected"])
def test_decided_against_withdrawn(stage: Stage, order: str, decision: str) -> None:
    floor(stage)
    offer_id = low(stage, lead_id := requested(stage))
    told = interleaved(
        stage.services.db, order, lambda: decide(stage, offer_id, decision), lambda: withdraw(stage, offer_id)
    )
    assert states(stage, lead_id) in (["withdrawn"], ["rejected"])
    # What was approved first may still be withdrawn, of which its buyer learns.
    assert [one for one in told if isinstance(one, str)] in ([], ["offer_not_waiting"], ["offer_rejected"])
    shown = stage.rows(select(Offer.shown_at).where(Offer.id == offer_id))[0]
    assert (shown is not None) == (decision == "approved" and "offer_not_waiting" not in told)


@every_order
def test_approved_against_rejected(stage: Stage, order: str) -> None:
    floor(stage)
    offer_id = low(stage, lead_id := requested(stage))
    told = interleaved(
        stage.services.db, order, lambda: decide(stage, offer_id), lambda: decide(stage, offer_id, "rejected")
    )
    assert [one for one in told if isinstance(one, str)] == ["offer_not_waiting"]
    assert states(stage, lead_id) in (["open"], ["rejected"])


@every_order_of_twins
def test_two_colleagues_approve_at_once(stage: Stage, order: str) -> None:
    floor(stage)
    first, offer_id = offered(stage, lead_id := requested(stage)), low(stage, lead_id)
    told = interleaved(stage.services.db, order, *(lambda: decide(stage, offer_id) for _ in range(2)))
    assert list(told) == [offer_id, offer_id]
    assert (states(stage, lead_id), stage.get(Offer, offer_id).supersedes_id) == (["superseded", "open"], first)


@every_order
def test_approved_against_the_one_before_accepted(stage: Stage, order: str) -> None:
    floor(stage)
    first, offer_id = offered(stage, lead_id := requested(stage)), low(stage, lead_id)
    quote_id = quoted(stage, first)
    told = interleaved(stage.services.db, order, lambda: stage.purchase(quote_id), lambda: decide(stage, offer_id))
    assert states(stage, lead_id) in (["accepted", "awaiting_approval"], ["superseded", "open"])
    assert ("offer_before_accepted" in told) == (states(stage, lead_id)[0] == "accepted")
    assert ("offer_superseded" in told) == (states(stage, lead_id)[0] == "superseded")
    assert len(purchases(stage)) == (1 if "offer_before_accepted" in told else 0)


@every_order
def test_approved_against_another_made(stage: Stage, order: str) -> None:
    floor(stage)
    offer_id = low(stage, lead_id := requested(stage))
    told = interleaved(stage.services.db, order, lambda: decide(stage, offer_id), lambda: offered(stage, lead_id))
    assert states(stage, lead_id) == ["superseded", "open"]
    assert [one for one in told if isinstance(one, str)] in ([], ["offer_not_waiting"])


@every_order
def test_a_private_one_approved_against_another_made(stage: Stage, order: str) -> None:
    verify(stage, stage.buyer.id)
    floor(stage)
    cheap = (OfferedPlan(stage.seat_plan, 20, PRICE - 1),)
    first = private(stage)
    offer_id = private(stage, supersedes_id=first, plans=cheap)
    told = interleaved(
        stage.services.db,
        order,
        lambda: decide(stage, offer_id),
        lambda: private(stage, supersedes_id=first, terms="?"),
    )
    found = stage.rows(select(Offer.state).where(Offer.buyer_org_id == stage.buyer.id).order_by(Offer.id))
    if "offer_superseded" in told:
        assert found == ["superseded", "open"], "what it would have replaced was replaced"
    else:
        assert (found, "offer_not_waiting" in told) == (["superseded", "superseded", "open"], True)
