"""A seller offers prices to an organization that did not ask: found, told, accepted by its own rules, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.ids import uuid7
from kernel.principal import SYSTEM
from marketplace.access.counted_limits import Limit
from marketplace.parties.models import Organization
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.models import Purchase
from orders.checkout.quote_models import Quote
from orders.checkout.quote_offer import QuoteOffer, quote_offer
from orders.notifications.notify_of_events import NOTIFY
from orders.offers import addressee
from orders.offers.counter_offer import MakeCounterOffer, ProposedLine, make_counter_offer
from orders.offers.make_offer import MakeOffer, make_offer
from orders.offers.models import Offer
from orders.offers.offered_price import OfferedPlan
from orders.offers.queries import get_offer, list_offers
from orders.order.models import Order
from tests.factories_marketplace import make_member, make_org
from tests.loop.test_offers import GROSS, PRICE, QUANTITY, decline, quoted, refusal, reject, told, withdraw
from tests.loop_stage import Stage


def offered(stage: Stage, **changes: Any) -> UUID:
    """A private offer to the buyer, or as the changes say."""
    lead_id = changes.pop("lead_id", None)
    plans = changes.pop("plans", (OfferedPlan(stage.seat_plan, QUANTITY, PRICE),))
    valid_on = clock.today("Asia/Shanghai") + timedelta(days=30)
    if lead_id is None and "supersedes_id" not in changes:
        changes = {"buyer_org_id": stage.buyer.id} | changes
    command = MakeOffer(lead_id, plans, valid_on, **changes)
    return transact(stage.services.db, stage.seller.owner, lambda uow: make_offer(uow, command).id)


def verify(stage: Stage, org_id: UUID) -> None:
    """The platform saw whose the tax identifier is."""
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.get_one(Organization, org_id).tax_id_verified_at = clock.now()


@pytest.fixture(autouse=True)
def findable(stage: Stage) -> None:
    verify(stage, stage.buyer.id)


class TestAccepted:
    def test_it_is_bought_at_its_price_and_both_sides_follow_it(self, stage: Stage) -> None:
        offer_id = offered(stage, terms=" 含上门培训。 ")
        with unit_of_work(stage.services.db, stage.purchaser) as uow:
            shown = get_offer(uow, offer_id, sells=False)
            listed = list_offers(uow, sells=False).items
        assert (shown.lead_id, shown.terms, shown.total_minor) == (None, "含上门培训。", GROSS)
        assert [one.id for one in listed] == [offer_id]
        order_id = stage.place(quoted(stage, offer_id))
        stage.run()
        order = stage.order(order_id)
        assert (order.state, order.gross_minor, order.lead_id, order.offer_id) == ("active", GROSS, None, offer_id)
        for who in (stage.purchaser, stage.seller.owner):
            for any_id in (offer_id, order_id):
                found = {node.id: node for node in stage.trace(who, any_id).nodes}
                assert found[offer_id].after == ()
                assert offer_id in found[order_id].after
        assert stage.trace(stage.purchaser, order_id).is_whole

    def test_whoever_may_buy_is_told_and_its_seller_of_the_answer(self, stage: Stage) -> None:
        withdraw(stage, offered(stage, terms="1"))
        stage.purchase(quoted(stage, offered(stage)))
        decline(stage, offered(stage))
        stage.tick(NOTIFY)
        assert told(stage, stage.purchaser.person()) == ["offer_made"] * 3 + ["offer_withdrawn"]
        assert told(stage, stage.seller.owner.person()) == ["offer_accepted", "offer_declined"]

    def test_whoever_may_not_buy_asks_who_may_and_the_rules_apply(self, stage: Stage) -> None:
        offer_id = offered(stage)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        asked = QuoteOffer(offer_id)
        quote = stage.get(Quote, transact(stage.services.db, viewer, lambda uow: quote_offer(uow, asked).id))
        assert [one["code"] for one in quote.approval_reasons] == ["may_not_buy"]
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", GROSS - 1))
        purchase_id = stage.purchase(quoted(stage, offer_id))
        assert stage.get(Purchase, purchase_id).state == "pending_approval"
        reject(stage, purchase_id)
        assert stage.get(Offer, offer_id).state == "open"
        stage.purchase(quoted(stage, offer_id))
        assert refusal(lambda: quoted(stage, offer_id)) == "offer_accepted"
        assert len(stage.rows(select(Order.id).where(Order.offer_id == offer_id))) == 2

    def test_more_seats_are_taken_where_the_offer_says_at_least(self, stage: Stage) -> None:
        def taken(offer_id: UUID, quantity: int) -> UUID:
            asked = QuoteOffer(offer_id, quantities=((1, quantity),))
            return transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, asked).id)

        at_least = offered(stage, takes_more=True)
        assert stage.get(Quote, taken(at_least, 25)).gross_minor == 25 * PRICE
        assert stage.get(Quote, taken(at_least, QUANTITY)).gross_minor == GROSS
        for wrong in (QUANTITY - 1, 0, 1_000_001):
            assert refusal(lambda wrong=wrong: taken(at_least, wrong)) == "quantity_out_of_range"  # type: ignore[misc]
        as_offered = offered(stage)
        assert refusal(lambda: taken(as_offered, QUANTITY + 1)) == "quantity_out_of_range"

    @pytest.mark.parametrize("wanted", [((2, 25),), ((1, 25), (1, 30))], ids=["unknown", "repeated"])
    def test_a_line_that_is_not_in_it_or_named_twice_is_refused(
        self, stage: Stage, wanted: tuple[tuple[int, int], ...]
    ) -> None:
        asked = QuoteOffer(offered(stage, takes_more=True), quantities=wanted)
        priced = lambda: transact(stage.services.db, stage.purchaser, lambda uow: quote_offer(uow, asked).id)  # noqa: E731
        assert refusal(priced) == "offer_line"


class TestAnswered:
    def test_other_figures_are_answered_by_an_offer_in_its_place(self, stage: Stage) -> None:
        first = offered(stage)
        command = MakeCounterOffer(first, (ProposedLine(1, 30, 15_000),))
        transact(stage.services.db, stage.purchaser, lambda uow: make_counter_offer(uow, command).id)
        plans = (OfferedPlan(stage.seat_plan, 30, 15_000),)
        second = offered(stage, supersedes_id=first, plans=plans)
        assert offered(stage, supersedes_id=first, plans=plans) == second, "pressed twice"
        assert (stage.get(Offer, first).state, stage.get(Offer, second).supersedes_id) == ("superseded", first)
        assert stage.get(Offer, second).buyer_org_id == stage.buyer.id
        assert refusal(lambda: quoted(stage, first)) == "offer_superseded"
        other = (OfferedPlan(stage.seat_plan, 31, 15_000),)
        assert refusal(lambda: offered(stage, supersedes_id=first, plans=other)) == "offer_superseded"
        stage.purchase(quoted(stage, second))

    def test_the_same_again_is_the_same_and_another_stands_beside_it(self, stage: Stage) -> None:
        first = offered(stage)
        assert offered(stage) == first
        assert offered(stage, terms="?") != first
        assert stage.get(Offer, first).state == "open"
        withdraw(stage, first)
        assert offered(stage) != first


class TestRefused:
    def test_only_who_is_found_by_name_is_offered_anything(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            unverified = make_org(uow).id
            uow.session.get_one(Organization, unverified).tax_id_verified_at = None
        for org_id in (unverified, stage.seller.id, uuid7()):
            assert refusal(lambda org_id=org_id: offered(stage, buyer_org_id=org_id)) == "organization_not_found"  # type: ignore[misc]
        assert refusal(lambda: offered(stage, buyer_org_id=None)) == "offer_addressee"
        assert refusal(lambda: offered(stage, buyer_org_id=stage.buyer.id, lead_id=uuid7())) == "offer_addressee"
        assert refusal(lambda: offered(stage, terms="x" * 4_001)) == "text_too_long"

    def test_by_somebody_without_the_right_and_of_anothers_plan(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            finance = make_member(uow, stage.seller, "finance")
        command = MakeOffer(
            None, (OfferedPlan(stage.seat_plan, 1, 1),), clock.today("UTC"), buyer_org_id=stage.buyer.id
        )
        assert refusal(lambda: transact(stage.services.db, finance, lambda uow: make_offer(uow, command).id)) == (
            "permission_missing"
        )
        _, plan_id, _ = stage.second_seller()
        assert refusal(lambda: offered(stage, plans=(OfferedPlan(plan_id, 1, 1),))) == "plan_not_found"

    def test_nobody_else_sees_takes_or_replaces_it(self, stage: Stage) -> None:
        offer_id = offered(stage)
        other, plan_id, _ = stage.second_seller()
        for who in (stage.promoter.owner, other.owner):
            with unit_of_work(stage.services.db, who) as uow:
                for sells in (True, False):
                    assert refusal(lambda sells=sells: get_offer(uow, offer_id, sells=sells)) == "offer_not_found"  # type: ignore[misc]
                    assert list_offers(uow, sells=sells).items == []
                assert refusal(lambda: quote_offer(uow, QuoteOffer(offer_id))) == "offer_not_found"
        with unit_of_work(stage.services.db, other.owner) as uow:
            plans = (OfferedPlan(plan_id, 1, 1),)
            command = MakeOffer(None, plans, clock.today("UTC"), supersedes_id=offer_id)
            assert refusal(lambda: make_offer(uow, command)) == "offer_not_found"

    def test_more_than_a_day_allows(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(addressee, "PRIVATE", Limit(2, timedelta(days=1)))
        first = offered(stage, terms="1")
        offered(stage, terms="2")
        assert refusal(lambda: offered(stage, terms="3")) == "offers_too_often"
        assert offered(stage, terms="1") == first, "the same again counts nothing"
