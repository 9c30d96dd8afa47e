"""An offer below its seller's floor waits for a colleague: its buyer sees nothing of it before."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM, Principal
from kernel.states import StateHistory
from marketplace.catalog.models import Plan
from marketplace.demos.end_request import plan_request
from marketplace.leads.models import Lead
from marketplace.leads.work_lead import PlanLead
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.notifications.notify_of_events import NOTIFY
from orders.offers.decide_offer import DecideOffer, decide_offer
from orders.offers.draw_offer import find_offer_file
from orders.offers.floors import SetFloor, list_floors, set_floor
from orders.offers.make_offer import MakeOffer, make_offer
from orders.offers.models import Offer, OfferApproval, OfferFloor
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import get_offer, leads_last_declined, list_offers, offers_of
from tests.factories_marketplace import make_member
from tests.loop.test_counter_offers import countered
from tests.loop.test_offers import PRICE, QUANTITY, decline, offered, quoted, refusal, reject, requested, told, withdraw
from tests.loop.test_private_offers import offered as private
from tests.loop.test_private_offers import verify
from tests.loop_stage import Stage

LIST = 19_900
FLOOR = 850_000
"""Of 19,900: 16,915, which is `PRICE`."""
LOW = PRICE - 1


def floor(stage: Stage, ppm: int | None = FLOOR, listing_id: UUID | None = None) -> None:
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        set_floor(uow, SetFloor(listing_id, ppm))


def member(stage: Stage, *roles: str) -> Principal:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        return make_member(uow, stage.seller, *roles)


def test_a_discount_down_to_the_floor_is_not_below_it(stage: Stage) -> None:
    """33.335 % off 19,900 are 6,633.665, rounded to 6,634 once: that is what the floor leaves, too."""
    floor(stage, 666_650)
    valid_on = clock.today("Asia/Shanghai") + timedelta(days=30)

    def made(discount_ppm: int) -> str:
        command = MakeOffer(
            requested(stage), (OfferedPlan(stage.seat_plan, QUANTITY, discount_ppm=discount_ppm),), valid_on
        )
        offer_id = transact(stage.services.db, stage.seller.owner, lambda uow: make_offer(uow, command).id)
        return state(stage, offer_id)

    assert made(333_350) == "open"
    assert made(333_400) == "awaiting_approval"


def low(stage: Stage, lead_id: UUID, maker: Principal | None = None, price: int = LOW, **changes: Any) -> UUID:
    """An offer below the floor, by the seller's owner or by `maker`."""
    valid_on = clock.today("Asia/Shanghai") + timedelta(days=30)
    command = MakeOffer(lead_id, (OfferedPlan(stage.seat_plan, QUANTITY, price),), valid_on, **changes)
    return transact(stage.services.db, maker or stage.seller.owner, lambda uow: make_offer(uow, command).id)


def decide(
    stage: Stage, offer_id: UUID, decision: str = "approved", text: str = "?", who: Principal | None = None
) -> UUID:
    command = DecideOffer(offer_id, decision, text)
    return transact(stage.services.db, who or stage.seller.owner, lambda uow: decide_offer(uow, command).id)


def state(stage: Stage, offer_id: UUID) -> str:
    return stage.get(Offer, offer_id).state


@pytest.fixture
def lead_id(stage: Stage) -> UUID:
    return requested(stage)


@pytest.fixture
def catalog(stage: Stage) -> Principal:
    """Who makes offers and may not approve them."""
    return member(stage, "catalog")


class TestWaiting:
    def test_below_the_floor_it_waits_and_at_it_nobody_is_asked(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        at_floor = offered(stage, lead_id)
        asked = stage.rows(select(OfferApproval.offer_id).where(OfferApproval.offer_id == at_floor))
        assert (state(stage, at_floor), asked) == ("open", [])
        below = low(stage, lead_id)
        assert (state(stage, below), state(stage, at_floor)) == ("awaiting_approval", "open")
        assert low(stage, lead_id) == below, "the same again"
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            shown = get_offer(uow, below, sells=True)
        assert shown.approval is not None
        assert (shown.approval.floors, shown.approval.decision) == ({1: FLOOR}, None)
        assert (shown.is_shown, shown.is_open) == (False, False)

    def test_its_buyer_sees_and_does_nothing_with_it(self, stage: Stage, lead_id: UUID, catalog: Principal) -> None:
        floor(stage)
        below = low(stage, lead_id, catalog)
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert uow.session.get(Offer, below) is None, "not even by its row"
            assert uow.session.get(OfferApproval, below) is None
            assert offers_of(uow, lead_id) == []
            assert list_offers(uow, sells=False).items == []
            assert refusal(lambda: get_offer(uow, below, sells=False)) == "offer_not_found"
            assert refusal(lambda: find_offer_file(uow, below, "en", sells=False)) == "offer_not_found"
        for act in (quoted, decline, countered):
            assert refusal(lambda act=act: act(stage, below)) == "offer_not_found"  # type: ignore[misc]
        assert stage.get(Lead, lead_id).state == "new", "nothing was answered yet"
        moves = stage.rows(select(StateHistory.org_ids).where(StateHistory.subject_id == below))
        assert moves == [[stage.seller.id]]
        withdraw(stage, below)
        stage.tick(NOTIFY)
        assert told(stage, stage.purchaser.person()) == []
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert offers_of(uow, lead_id) == []
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert refusal(lambda: find_offer_file(uow, below, "en", sells=True)) == "offer_not_sent"

    def test_the_floor_of_a_product_goes_before_that_of_all(self, stage: Stage, lead_id: UUID) -> None:
        listing_id = stage.get(Plan, stage.seat_plan).listing_id
        floor(stage, 1_000_000)
        floor(stage, 500_000, listing_id)
        assert state(stage, low(stage, lead_id)) == "open"
        assert state(stage, low(stage, lead_id, price=LIST // 2 - 1)) == "awaiting_approval"
        floor(stage, None, listing_id)
        assert state(stage, low(stage, lead_id, price=LIST - 1)) == "awaiting_approval"
        floor(stage, None)
        assert state(stage, low(stage, lead_id, price=0)) == "open"
        assert stage.rows(select(OfferFloor.id).where(OfferFloor.seller_org_id == stage.seller.id)) == []

    @settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(ppm=st.integers(1, 1_000_000), price=st.integers(0, LIST))
    def test_exactly_what_is_below_waits(self, stage: Stage, ppm: int, price: int) -> None:
        verify(stage, stage.buyer.id)
        floor(stage, ppm)
        made = private(stage, plans=(OfferedPlan(stage.seat_plan, QUANTITY, price),), terms=f"{ppm} {price}")
        assert (state(stage, made) == "awaiting_approval") == (price * 1_000_000 < LIST * ppm)
        withdraw(stage, made)


class TestDecided:
    def test_approved_it_reaches_its_buyer_and_is_bought(self, stage: Stage, lead_id: UUID, catalog: Principal) -> None:
        floor(stage)
        first = offered(stage, lead_id)
        below = low(stage, lead_id, catalog)
        assert refusal(lambda: decide(stage, below, who=catalog)) == "permission_missing"
        decide(stage, below, text=" 老客户。 ")
        decide(stage, below)
        assert (state(stage, first), state(stage, below)) == ("superseded", "open")
        assert stage.get(Offer, below).supersedes_id == first
        approval = stage.get(OfferApproval, below)
        assert (approval.decision, approval.decision_text) == ("approved", "老客户。")
        assert approval.decided_by == stage.seller.owner.person()
        assert stage.get(Lead, lead_id).state == "answered"
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert get_offer(uow, below, sells=False).approval is None
        stage.purchase(quoted(stage, below))
        stage.tick(NOTIFY)
        assert told(stage, catalog.person()) == ["offer_accepted", "offer_approved"]
        assert told(stage, stage.seller.owner.person()) == ["offer_accepted", "offer_approval_asked"]
        assert told(stage, stage.purchaser.person()) == ["offer_made", "offer_made"]
        assert refusal(lambda: decide(stage, below, "rejected")) == "offer_not_waiting"

    def test_rejected_with_words_it_never_does(self, stage: Stage, lead_id: UUID, catalog: Principal) -> None:
        floor(stage)
        first = offered(stage, lead_id)
        below = low(stage, lead_id, catalog)
        assert refusal(lambda: decide(stage, below, "rejected", " ")) == "text_required"
        assert refusal(lambda: decide(stage, below, "maybe")) == "decision_unknown"
        assert refusal(lambda: decide(stage, below, "rejected", "x" * 1_001)) == "text_too_long"
        for _ in range(2):
            decide(stage, below, "rejected", "太低。")
        assert (state(stage, first), state(stage, below)) == ("open", "rejected")
        for again in (lambda: decide(stage, below), lambda: decide(stage, first)):
            assert refusal(again) == "offer_not_waiting"
        assert refusal(lambda: withdraw(stage, below)) == "offer_rejected"
        assert low(stage, lead_id, catalog) != below, "another may be made"
        stage.tick(NOTIFY)
        assert told(stage, catalog.person()) == ["offer_rejected"]
        assert told(stage, stage.purchaser.person()) == ["offer_made"]

    def test_nobody_decides_their_own_where_a_colleague_can(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        admin = member(stage, "admin")
        mine = low(stage, lead_id)
        assert refusal(lambda: decide(stage, mine)) == "own_offer"
        assert refusal(lambda: decide(stage, mine, "rejected")) == "own_offer"
        decide(stage, mine, who=admin)
        theirs = low(stage, lead_id, admin, price=LOW - 1)
        decide(stage, theirs)
        assert state(stage, theirs) == "open"

    def test_who_is_alone_decides_their_own(self, stage: Stage, lead_id: UUID, catalog: Principal) -> None:
        del catalog
        floor(stage)
        decide(stage, mine := low(stage, lead_id))
        assert state(stage, mine) == "open"

    def test_another_seller_and_the_buyer_decide_nothing(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        below = low(stage, lead_id)
        for who in (stage.promoter.owner, stage.buyer.owner):
            assert refusal(lambda who=who: decide(stage, below, who=who)) == "offer_not_found"  # type: ignore[misc]
        assert refusal(lambda: decide(stage, below, who=stage.purchaser)) == "permission_missing"

    def test_past_its_last_day_it_is_approved_no_more(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        below = low(stage, lead_id)
        clock.advance(stage.get(Offer, below).valid_until - clock.now())
        assert refusal(lambda: decide(stage, below)) == "offer_expired"
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert get_offer(uow, below, sells=True).is_expired
        decide(stage, below, "rejected")


class TestBesideOthers:
    def test_the_newest_on_a_request_alone_waits(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        first = low(stage, lead_id)
        second = low(stage, lead_id, price=LOW - 1)
        assert (state(stage, first), state(stage, second)) == ("superseded", "awaiting_approval")
        third = offered(stage, lead_id)
        assert (state(stage, second), state(stage, third)) == ("superseded", "open")
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            (seen,) = offers_of(uow, lead_id)
        assert (seen.id, seen.supersedes_id) == (third, None), "what was never sent is not named"

    def test_the_answer_to_other_figures_waits_too(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        first = offered(stage, lead_id)
        countered(stage, first)
        answer = low(stage, lead_id, price=15_000)
        assert (state(stage, first), state(stage, answer)) == ("open", "awaiting_approval")
        assert stage.get(Lead, lead_id).state == "working"
        decide(stage, answer)
        assert (state(stage, first), state(stage, answer)) == ("superseded", "open")

    def test_what_was_accepted_meanwhile_is_not_replaced(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", 1))
        first = offered(stage, lead_id)
        below = low(stage, lead_id)
        purchase_id = stage.purchase(quoted(stage, first))
        assert refusal(lambda: decide(stage, below)) == "offer_before_accepted"
        reject(stage, purchase_id)
        assert state(stage, first) == "open", "what waits takes the place of nothing yet"
        decide(stage, below)
        assert (state(stage, first), state(stage, below)) == ("superseded", "open")

    def test_it_ends_once_the_one_before_it_is_paid(self, stage: Stage, lead_id: UUID) -> None:
        """Its request is won: it is not left for an approver to find."""
        floor(stage)
        first, below = offered(stage, lead_id), low(stage, lead_id)
        stage.purchase(quoted(stage, first))
        assert state(stage, below) == "awaiting_approval"
        stage.run()
        assert (state(stage, first), state(stage, below)) == ("accepted", "withdrawn")

    def test_it_ends_with_its_request(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        first, below = offered(stage, lead_id), low(stage, lead_id)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            plan_request(uow, PlanLead(lead_id, None, None, "lost"))
        assert refusal(lambda: decide(stage, below)) in {"lead_closed", "offer_not_waiting"}
        stage.run()
        assert (state(stage, first), state(stage, below)) == ("withdrawn", "withdrawn")

    def test_what_was_rejected_is_not_what_the_board_shows_as_declined(self, stage: Stage, lead_id: UUID) -> None:
        floor(stage)
        first = offered(stage, lead_id)
        decline(stage, first)
        decide(stage, low(stage, lead_id), "rejected")
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert leads_last_declined(uow, [lead_id]) == {lead_id}

    def test_a_private_one_waits_beside_the_one_that_it_is_to_replace(self, stage: Stage) -> None:
        verify(stage, stage.buyer.id)
        floor(stage)
        first = private(stage)
        cheap = (OfferedPlan(stage.seat_plan, QUANTITY, LOW),)
        below = private(stage, supersedes_id=first, plans=cheap)
        assert private(stage, supersedes_id=first, plans=cheap) == below
        assert (state(stage, first), state(stage, below)) == ("open", "awaiting_approval")
        assert refusal(lambda: private(stage, supersedes_id=below, plans=cheap, terms="?")) == "offer_awaiting_approval"
        cheaper = private(stage, supersedes_id=first, plans=(OfferedPlan(stage.seat_plan, QUANTITY, LOW - 1),))
        assert (state(stage, below), state(stage, cheaper)) == ("superseded", "awaiting_approval")
        decide(stage, cheaper)
        assert (state(stage, first), state(stage, cheaper)) == ("superseded", "open")
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            assert [one.id for one in list_offers(uow, sells=False).items] == [cheaper, first]
        stage.tick(NOTIFY)
        assert told(stage, stage.purchaser.person()) == ["offer_made", "offer_made"]

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.sampled_from(["high", "low", "approve", "reject", "withdraw", "decline"]), max_size=9))
    def test_whatever_happens_the_buyer_sees_only_what_was_sent(self, stage: Stage, acts: list[str]) -> None:
        floor(stage)
        lead_id, made = requested(stage), []
        for step, act in enumerate(acts):
            with suppress(DomainError):
                if act in {"high", "low"}:
                    made.append(low(stage, lead_id, price=(LIST if act == "high" else LOW) - step))
                elif made and act in {"approve", "reject"}:
                    decide(stage, made[-1], "approved" if act == "approve" else "rejected")
                elif made:
                    (withdraw if act == "withdraw" else decline)(stage, made[-1])
        standing = stage.rows(select(Offer.state).where(Offer.lead_id == lead_id))
        assert standing.count("open") <= 1
        assert standing.count("awaiting_approval") <= 1
        approved = set(stage.rows(select(OfferApproval.offer_id).where(OfferApproval.decision == "approved")))
        asked = set(stage.rows(select(OfferApproval.offer_id)))
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            seen = {one.id for one in offers_of(uow, lead_id)}
        assert seen & set(made) == {one for one in made if one not in asked or one in approved}


class TestFloors:
    def test_they_are_listed_and_checked(self, stage: Stage, catalog: Principal) -> None:
        listing_id = stage.get(Plan, stage.seat_plan).listing_id
        for ppm in (0, 1_000_001, -1):
            assert refusal(lambda ppm=ppm: floor(stage, ppm)) == "offer_floor"  # type: ignore[misc]
        floor(stage, 900_000, listing_id)
        floor(stage, 800_000)
        floor(stage, 700_000)
        floor(stage, None)
        floor(stage, None)
        floor(stage, 600_000)
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert [(one.listing_id, one.floor_ppm) for one in list_floors(uow)] == [
                (None, 600_000),
                (listing_id, 900_000),
            ]
        with unit_of_work(stage.services.db, catalog) as uow:
            assert refusal(lambda: list_floors(uow)) == "permission_missing"
            assert refusal(lambda: set_floor(uow, SetFloor(None, 1))) == "permission_missing"
        with unit_of_work(stage.services.db, stage.promoter.owner) as uow:
            assert list_floors(uow) == []
            assert refusal(lambda: set_floor(uow, SetFloor(listing_id, 1))) == "listing_not_found"
