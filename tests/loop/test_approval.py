"""Purchases that need a second pair of eyes."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import Conflict, Forbidden, Gone, Invalid, NotFound
from kernel.principal import SYSTEM, Principal, PrincipalKind
from marketplace.catalog.models import Plan
from marketplace.catalog.review_listing import suspend_listing
from orders.approval_rules.set_rule import SetRule, set_rule
from orders.checkout.decide_purchase import DecidePurchase, decide_purchase
from orders.checkout.models import Purchase
from orders.checkout.priced_line import Context
from orders.loop import SWEEP_PURCHASES
from orders.order.models import Attribution, OrderLine
from orders.tracing.find import find_traceable
from tests.factories_marketplace import OPERATOR_PRINCIPAL, make_member, make_published_video
from tests.loop_stage import Stage

LIMIT = 397_999
WAITS = ["orders.purchase_placed", "orders.approval_requested"]
"""Topics of a purchase that waits for an approver."""
"""One cent below the 20 seats that the tests buy."""


@pytest.fixture
def held(stage: Stage) -> UUID:
    """A purchase over the rule, which waits."""
    with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
        set_rule(uow, SetRule("CNY", LIMIT))
    purchase_id = stage.purchase(stage.quote())
    stage.run()
    assert state(stage, purchase_id) == ("pending_approval", "pending_approval")
    assert stage.payments(purchase_id) == []
    assert stage.topics() == WAITS
    return purchase_id


def state(stage: Stage, purchase_id: UUID) -> tuple[str, str]:
    (order,) = stage.orders_of(purchase_id)
    return stage.get(Purchase, purchase_id).state, order.state


def decide(stage: Stage, who: Principal, purchase_id: UUID, decision: str, reason: str | None = None) -> None:
    command = DecidePurchase(purchase_id, decision, reason)  # type: ignore[arg-type]
    transact(stage.services.db, who, lambda uow: decide_purchase(uow, command))


class TestApproval:
    def test_approved_it_is_paid_and_delivered(self, stage: Stage, held: UUID) -> None:
        decide(stage, stage.approver, held, "approved")
        stage.run()
        assert state(stage, held) == ("paid", "active")
        assert stage.topics()[2:5] == [
            "orders.purchase_approved",
            "billing.payment_succeeded",
            "orders.order_paid",
        ]
        (order,) = stage.orders_of(held)
        found = stage.trace(stage.purchaser, order.id)
        assert found.is_whole
        assert [node.state for node in found.nodes if node.kind == "approval"] == ["approved"]

    def test_rejected_it_ends_with_the_reason_and_takes_no_money(self, stage: Stage, held: UUID) -> None:
        with pytest.raises(Invalid, match="reason_required"):
            decide(stage, stage.approver, held, "rejected", "  ")
        decide(stage, stage.approver, held, "rejected", "预算已用完")
        stage.run()
        assert state(stage, held) == ("rejected", "rejected")
        assert stage.payments(held) == []
        assert stage.topics() == [*WAITS, "orders.purchase_rejected"]
        with pytest.raises(Conflict, match="purchase_not_pending"):
            decide(stage, stage.approver, held, "approved")

    def test_after_seven_days_it_expires(self, stage: Stage, held: UUID) -> None:
        clock.advance(timedelta(days=7) - timedelta(seconds=1))
        stage.tick(SWEEP_PURCHASES)
        assert state(stage, held) == ("pending_approval", "pending_approval")
        clock.advance(timedelta(seconds=1))
        with pytest.raises(Gone, match="approval_expired"):
            decide(stage, stage.approver, held, "approved")
        stage.tick(SWEEP_PURCHASES)
        assert state(stage, held) == ("expired", "expired")
        assert stage.topics() == [*WAITS, "orders.purchase_expired"]

    def test_nobody_approves_their_own_but_where_the_rule_says_so(self, stage: Stage, held: UUID) -> None:
        owner = stage.buyer.owner
        own = stage.purchase(stage.quote(principal=owner), principal=owner)
        with pytest.raises(Forbidden, match="self_approval"):
            decide(stage, owner, own, "approved")
        decide(stage, owner, held, "approved")
        with unit_of_work(stage.services.db, owner) as uow:
            set_rule(uow, SetRule("CNY", LIMIT, self_approval=True))
        decide(stage, owner, own, "approved")
        stage.run()
        assert state(stage, own) == state(stage, held) == ("paid", "active")

    def test_what_a_key_asked_for_was_asked_for_by_its_maker(self, stage: Stage, held: UUID) -> None:
        owner = stage.buyer.owner
        key = Principal(PrincipalKind.API_KEY, owner.org_id, permissions=owner.permissions, maker_id=owner.person_id)
        asked = stage.purchase(stage.quote(principal=key), principal=key)
        with pytest.raises(Forbidden, match="person_required"):
            decide(stage, key, asked, "approved")
        with pytest.raises(Forbidden, match="self_approval"):
            decide(stage, owner, asked, "approved")
        assert state(stage, asked) == state(stage, held)
        decide(stage, stage.approver, asked, "approved")

    def test_another_organization_does_not_even_find_it(self, stage: Stage, held: UUID) -> None:
        for stranger in (stage.seller.owner, stage.promoter.owner):
            with pytest.raises(NotFound):
                decide(stage, stranger, held, "approved")

    def test_what_went_off_sale_meanwhile_is_not_approved_but_may_be_rejected(self, stage: Stage, held: UUID) -> None:
        with unit_of_work(stage.services.db, OPERATOR_PRINCIPAL) as uow:
            suspend_listing(uow, stage.get(Plan, stage.seat_plan).listing_id, "under review")
        with pytest.raises(Conflict, match="listing_suspended"):
            decide(stage, stage.approver, held, "approved")
        assert state(stage, held) == ("pending_approval", "pending_approval")
        decide(stage, stage.approver, held, "rejected", "已下架")
        assert state(stage, held) == ("rejected", "rejected")

    def test_the_seller_learns_nothing_of_an_order_that_is_not_paid_for(self, stage: Stage, held: UUID) -> None:
        (order,) = stage.orders_of(held)
        (line,) = stage.rows(select(OrderLine.id).where(OrderLine.order_id == order.id))
        (sold_by,) = stage.rows(select(Attribution.id).where(Attribution.order_line_id == line))
        for any_id in (order.id, line, sold_by):
            with pytest.raises(NotFound):
                stage.trace(stage.seller.owner, any_id)
        own_plan = stage.get(Plan, stage.seat_plan)
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            video, card = make_published_video(uow, stage.seller, own_plan)
        where = Context(video_id=video.id, placement_id=card.id, second_ms=7_000)
        (waiting,) = stage.orders_of(stage.purchase(stage.quote(context=where)))
        for any_id in (video.id, card.id):
            assert waiting.number not in stage.plain(stage.trace(stage.seller.owner, any_id))
        with unit_of_work(stage.services.db, stage.seller.owner) as uow:
            assert find_traceable(uow, waiting.number) == []
        decide(stage, stage.approver, waiting.purchase_id, "approved")
        stage.run()
        assert waiting.number in stage.plain(stage.trace(stage.seller.owner, video.id))


class TestWhoNeedsIt:
    def test_a_quote_gives_nobody_else_its_askers_right_to_buy(self, stage: Stage) -> None:
        quote_id = stage.quote()
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        assert state(stage, stage.purchase(quote_id, principal=viewer)) == ("pending_approval", "pending_approval")

    def test_a_rule_set_after_the_quote_counts(self, stage: Stage) -> None:
        quote_id = stage.quote()
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", LIMIT))
        assert state(stage, stage.purchase(quote_id)) == ("pending_approval", "pending_approval")

    def test_at_the_limit_nobody(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, stage.buyer.owner) as uow:
            set_rule(uow, SetRule("CNY", LIMIT + 1))
        assert state(stage, stage.purchase(stage.quote())) == ("pending_payment", "pending_payment")

    def test_who_may_not_buy_always(self, stage: Stage) -> None:
        with unit_of_work(stage.services.db, SYSTEM) as uow:
            viewer = make_member(uow, stage.buyer, "viewer")
        purchase_id = stage.purchase(stage.quote(quantity=1, principal=viewer), principal=viewer)
        assert state(stage, purchase_id) == ("pending_approval", "pending_approval")
        decide(stage, stage.approver, purchase_id, "approved")
        stage.run()
        assert state(stage, purchase_id) == ("paid", "active")
