"""Services in milestones: delivered, accepted and released one by one, or refunded; no third way, and nothing twice."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from billing.charges.models import Charge
from billing.disputes.models import Dispute
from billing.gateways.janitor import JANITOR
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from billing.shares.release import RELEASE
from fulfillment.jobs import SWEEP_OVERDUE
from kernel import clock
from kernel.db.uow import transact
from kernel.errors import Conflict, Invalid, NotFound
from kernel.principal import SYSTEM
from marketplace.notifications.models import Notification
from orders.milestones.jobs import SWEEP_MILESTONES
from orders.notifications.notify_of_events import NOTIFY
from orders.order.accept_services import accept_order
from orders.order.milestones import MilestoneDelivery
from orders.order.models import OrderLine
from tests.loop_stage import Stage
from tests.milestone_stage import AMOUNTS, GROSS, Service, service_on, staged_price

DAY = timedelta(days=1)
WEEK = 7 * DAY


@pytest.fixture
def service(stage: Stage) -> Service:
    """Three milestones, by people."""
    return service_on(stage, staged_price())


class TestTakingOn:
    def test_an_order_waits_for_its_seller_and_each_milestone_is_charged_for_itself(
        self, stage: Stage, service: Service
    ) -> None:
        order_id = service.buy()
        assert stage.order(order_id).state == "fulfilling"
        assert service.states(order_id) == ["pending"] * 3
        assert [one.gross_minor for one in service.milestones(order_id)] == list(AMOUNTS)
        charges = stage.rows(select(Charge).where(Charge.group_reference == order_id))
        assert {one.part_reference: one.gross_minor for one in charges} == {
            one.id: one.gross_minor for one in service.milestones(order_id)
        }
        assert sum(one.net_minor for one in charges) == stage.order(order_id).net_minor
        assert "orders.service_ordered" in stage.topics()

    def test_taken_on_it_is_active_and_each_milestone_is_due_after_the_one_before(
        self, stage: Stage, service: Service
    ) -> None:
        order_id = service.begun()
        order = stage.order(order_id)
        assert (order.state, order.deadline_at) == ("active", None)
        assert [one.due_at for one in service.milestones(order_id)] == [clock.now() + n * DAY for n in (10, 30, 35)]
        assert len(stage.papers(order_id)) == 1
        service.take_on(order_id)
        assert stage.topics().count("orders.service_taken_on") == 1

    def test_not_taken_on_in_time_it_is_refunded(self, stage: Stage, service: Service) -> None:
        order_id = service.buy()
        clock.advance(DAY + timedelta(seconds=1))
        stage.tick(SWEEP_OVERDUE)
        assert stage.order(order_id).state == "refunded"
        assert service.states(order_id) == ["cancelled"] * 3
        assert [one.amount_minor for one in stage.refunds(order_id)] == [GROSS]

    def test_refused_with_a_reason_it_is_refunded(self, stage: Stage, service: Service) -> None:
        order_id = service.buy()
        with pytest.raises(Invalid, match="reason_required"):
            service.refuse(order_id, "  ")
        service.refuse(order_id)
        order = stage.order(order_id)
        assert (order.state, order.failure) == ("refunded", "没有档期")
        service.refuse(order_id)
        with pytest.raises(Conflict, match="order_not_to_take_on"):
            service.take_on(order_id)
        assert len(stage.refunds(order_id)) == 1

    def test_only_its_seller_takes_it_on(self, stage: Stage, service: Service) -> None:
        order_id = service.buy()
        with pytest.raises(NotFound):
            service.take_on(order_id, stage.purchaser)
        with pytest.raises(NotFound):
            service.take_on(order_id, stage.promoter.owner)
        assert service.states(order_id) == ["pending"] * 3

    def test_a_sellers_system_is_called_once_it_is_taken_on(self, stage: Stage) -> None:
        service = service_on(stage, staged_price(), by_system=True)
        order_id = service.buy()
        assert stage.delivery(order_id).tries == 0
        service.take_on(order_id)
        assert (stage.order(order_id).state, stage.effects(order_id)) == ("active", ["instance_created"])

    def test_a_service_by_people_without_milestones_is_one_of_the_whole_price(self, stage: Stage) -> None:
        service = service_on(stage)
        order_id = service.begun()
        (only,) = service.milestones(order_id)
        assert (only.code, only.gross_minor) == ("service", stage.order(order_id).gross_minor)


class TestAcceptance:
    def test_each_is_released_on_its_own_acceptance_and_the_last_completes_the_order(
        self, stage: Stage, service: Service
    ) -> None:
        order_id = service.begun()
        first, second, third = service.milestones(order_id)
        service.add(first)
        service.deliver(first)
        service.accept(first)
        assert {one.releasable_at for one in service.shares(first)} == {clock.now() + WEEK}
        assert {one.releasable_at for one in service.shares(second) + service.shares(third)} == {None}
        assert stage.order(order_id).state == "active"
        clock.advance(WEEK)
        stage.tick(RELEASE)
        assert {one.state for one in service.shares(first)} == {"releasable"}
        assert {one.state for one in service.shares(second)} == {"pending"}
        for one in (second, third):
            service.deliver(one)
            service.accept(one)
        order = stage.order(order_id)
        assert (order.state, order.accepted_at) == ("completed", clock.now())
        assert stage.topics().count("orders.order_completed") == 1
        stage.settle()
        (statement,) = stage.statements(stage.seller)
        shares = [share for one in service.milestones(order_id) for share in service.shares(one)]
        assert sum(share.amount_minor for share in shares) == GROSS
        assert statement.gross_minor == GROSS
        assert statement.net_minor == sum(share.amount_minor for share in shares if share.kind == "seller")

    def test_accepting_twice_releases_once(self, stage: Stage, service: Service) -> None:
        first = service.milestones(service.begun())[0]
        service.deliver(first)
        service.accept(first)
        service.accept(first)
        clock.advance(WEEK)
        service.accept(first)
        assert {one.delivered_at for one in service.shares(first)} == {clock.now() - WEEK}
        assert stage.topics().count("orders.milestone_accepted") == 1

    def test_who_says_nothing_is_told_and_has_accepted_after_the_plans_days(
        self, stage: Stage, service: Service
    ) -> None:
        first = service.milestones(service.begun())[0]
        service.deliver(first)
        clock.advance(5 * DAY - timedelta(seconds=1))
        stage.tick(SWEEP_MILESTONES)
        assert "orders.milestone_acceptance_near" not in stage.topics()
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_MILESTONES)
        stage.tick(SWEEP_MILESTONES)
        assert stage.topics().count("orders.milestone_acceptance_near") == 1
        clock.advance(2 * DAY)
        stage.tick(SWEEP_MILESTONES)
        stage.tick(SWEEP_MILESTONES)
        assert service.states(first.order_id) == ["accepted", "open", "open"]
        assert stage.topics().count("orders.milestone_accepted") == 1
        assert {one.delivered_at for one in service.shares(first)} == {clock.now()}

    def test_rework_says_what_and_the_next_version_is_looked_at_anew(self, stage: Stage, service: Service) -> None:
        first = service.milestones(service.begun())[0]
        service.deliver(first)
        with pytest.raises(Invalid, match="reason_required"):
            service.rework(first, words=" ")
        service.rework(first)
        service.rework(first)
        with pytest.raises(Conflict, match="milestone_not_delivered"):
            service.accept(first)
        service.deliver(first, 2)
        service.deliver(first, 2)
        for stale in (service.accept, service.rework):
            with pytest.raises(Conflict, match="milestone_changed"):
                stale(first)
        service.accept(first, 2)
        found = select(MilestoneDelivery).where(MilestoneDelivery.milestone_id == first.id)
        told = {one.version: one.rework_words for one in stage.rows(found)}
        assert told == {1: "缺少附录", 2: None}

    def test_nothing_is_no_delivery_and_only_the_two_sides_act(self, stage: Stage, service: Service) -> None:
        first = service.milestones(service.begun())[0]
        with pytest.raises(Invalid, match="milestone_nothing_delivered"):
            service.deliver(first, words="")
        service.add(first)
        service.deliver(first, words="")
        with pytest.raises(NotFound):
            service.accept(first, who=stage.seller.owner)
        with pytest.raises(Conflict, match="milestone_not_awaited"):
            service.add(first, "more.pdf")

    def test_an_order_in_milestones_is_not_accepted_as_a_whole(self, stage: Stage, service: Service) -> None:
        order_id = service.begun()
        with pytest.raises(Conflict, match="order_not_acceptable"):
            service.do(stage.purchaser, lambda uow: accept_order(uow, order_id))


class TestRefunds:
    def test_within_the_window_what_is_not_accepted_goes_back_and_what_is_stays(
        self, stage: Stage, service: Service
    ) -> None:
        order_id = service.begun()
        first, second, third = service.milestones(order_id)
        service.deliver(first)
        service.accept(first)
        service.deliver(second)
        with pytest.raises(Conflict, match="refund_by_milestone"):
            stage.refund(order_id, 1_000)
        stage.refund(order_id)
        stage.run()
        assert service.states(order_id) == ["accepted", "cancelled", "cancelled"]
        assert [one.amount_minor for one in stage.refunds(order_id)] == [AMOUNTS[1] + AMOUNTS[2]]
        (note,) = stage.papers(order_id, "credit_note")
        assert note.gross_minor == AMOUNTS[1] + AMOUNTS[2]
        assert {one.state for one in service.shares(second) + service.shares(third)} == {"reversed"}
        assert stage.order(order_id).state == "completed"
        stage.settle()
        (statement,) = stage.statements(stage.seller)
        assert statement.gross_minor == AMOUNTS[0]

    def test_nothing_accepted_everything_goes_back(self, stage: Stage, service: Service) -> None:
        order_id = service.begun()
        service.deliver(service.milestones(order_id)[0])
        stage.refund(order_id)
        stage.run()
        assert stage.order(order_id).state == "refunded"
        assert service.states(order_id) == ["cancelled"] * 3

    def test_overdue_is_told_and_after_two_weeks_the_buyer_has_its_money_back(
        self, stage: Stage, service: Service
    ) -> None:
        order_id = service.begun()
        first, second, third = service.milestones(order_id)
        clock.advance(10 * DAY)
        stage.tick(SWEEP_MILESTONES)
        stage.tick(SWEEP_MILESTONES)
        assert stage.topics().count("orders.milestone_overdue") == 1
        clock.advance(14 * DAY - timedelta(seconds=1))
        with pytest.raises(Conflict, match="milestone_not_overdue"):
            service.cancel(first)
        clock.advance(timedelta(seconds=1))
        service.cancel(first)
        service.cancel(first)
        assert service.states(order_id) == ["cancelled", "open", "open"]
        assert [one.amount_minor for one in stage.refunds(order_id)] == [AMOUNTS[0]]
        assert [one.gross_minor for one in stage.papers(order_id, "credit_note")] == [AMOUNTS[0]]
        for one in (second, third):
            service.deliver(one)
            service.accept(one)
        assert stage.order(order_id).state == "completed"

    def test_a_seller_who_never_delivers_is_not_waited_for_for_ever(self, stage: Stage, service: Service) -> None:
        order_id = service.begun()
        clock.advance(66 * DAY)
        stage.tick(SWEEP_MILESTONES)
        assert service.states(order_id) == ["cancelled"] * 3
        assert sum(one.amount_minor for one in stage.refunds(order_id)) == GROSS
        assert stage.order(order_id).state == "refunded"


def test_a_line_that_a_bank_gave_back_is_borne_by_its_milestones(stage: Stage, service: Service) -> None:
    order_id = service.begun()
    (line,) = stage.rows(select(OrderLine).where(OrderLine.order_id == order_id))
    order = stage.order(order_id)
    assert order.payment_id is not None
    wanted = RequestRefund(order_id, order.payment_id, "dispute_lost", automatic=True, amounts={line.id: 450_000})
    refund_id = transact(stage.services.db, SYSTEM, lambda uow: request_refund(uow, wanted))
    stage.run()
    assert stage.get(Refund, refund_id).amount_minor == 450_000
    charges = stage.rows(select(Charge).where(Charge.group_reference == order_id))
    assert sum(one.refunded_minor for one in charges) == 450_000
    assert all(0 < one.refunded_minor < one.gross_minor for one in charges)
    for wrong in (0, GROSS):
        again = RequestRefund(order_id, order.payment_id, "dispute_lost", automatic=True, amounts={line.id: wrong})
        with pytest.raises((Conflict, Invalid)):
            transact(stage.services.db, SYSTEM, partial(request_refund, command=again))


def test_a_trace_from_a_milestone_shows_the_whole_and_no_gap(stage: Stage, service: Service) -> None:
    first = service.milestones(service.begun())[0]
    service.deliver(first)
    service.accept(first)
    for who in (stage.purchaser, stage.seller.owner):
        found = stage.trace(who, first.id)
        assert found.asked_kind == "milestone"
        assert [node.state for node in found.nodes if node.kind == "milestone"] == ["accepted", "open", "open"]
        assert found.is_whole


def test_both_sides_are_told(stage: Stage, service: Service) -> None:
    order_id = service.buy()
    stage.tick(NOTIFY)
    service.take_on(order_id)
    first = service.milestones(order_id)[0]
    service.deliver(first)
    service.rework(first)
    service.deliver(first, 2)
    stage.tick(NOTIFY)
    clock.advance(7 * DAY)
    stage.tick(SWEEP_MILESTONES)
    clock.advance(30 * DAY)
    stage.tick(SWEEP_MILESTONES)
    stage.tick(NOTIFY)
    kinds = select(Notification.kind).where(Notification.org_id.in_([stage.buyer.id, stage.seller.id]))
    assert set(stage.rows(kinds)) >= {
        "service_ordered",
        "service_taken_on",
        "milestone_delivered",
        "milestone_acceptance_near",
        "milestone_rework_asked",
        "milestone_accepted",
        "milestone_accepted_by_clock",
        "milestone_late",
        "milestone_overdue",
    }


def test_while_a_bank_decides_nothing_is_cancelled_or_released(stage: Stage, service: Service) -> None:
    order_id = service.buy(method="sbx_disputed")
    service.take_on(order_id)
    first = service.milestones(order_id)[0]
    clock.advance(timedelta(seconds=3))
    stage.run()
    stage.tick(JANITOR)
    service.deliver(first)
    service.accept(first)
    clock.advance(WEEK)
    stage.tick(RELEASE)
    disputed = stage.rows(select(Dispute).where(Dispute.payment_id == stage.order(order_id).payment_id))
    assert [one.state for one in disputed] == ["open"]
    assert {one.state for one in service.shares(first)} == {"pending"}
    clock.advance(40 * DAY)
    with pytest.raises(Conflict, match="payment_disputed"):
        service.cancel(service.milestones(order_id)[1])
