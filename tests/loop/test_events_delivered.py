"""What recurs, is disputed or asked back reaches both sides' own systems: once, of the promised shape, each its side of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal

import pytest
from sqlalchemy import select, update

from billing.gateways.ports import GatewayStatus
from fulfillment.entitlements.seats import assign_seat
from fulfillment.usage.caps import set_cap
from fulfillment.usage.challenges import AnswerChallenge, answer_challenge, challenge_line
from fulfillment.usage.models import UsageLine
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.outbound import OutboundClient, OutboundPolicy
from kernel.principal import SYSTEM, Principal
from marketplace.webhooks import jobs as webhook_jobs
from marketplace.webhooks.event_types import event_types, readable_types
from marketplace.webhooks.jobs import WAKE
from marketplace.webhooks.save_endpoint import SaveEndpoint, save_endpoint
from orders.checkout.models import Purchase
from orders.outgoing_events.publish_events import PUBLISH
from orders.subscriptions.schedule import RENEWS_BEFORE
from tests.factories_marketplace import make_member
from tests.loop.test_amendments import amended, next_term
from tests.loop.test_disputes import dispute_of, say, two_orders
from tests.loop.test_outgoing_events import LOCAL, URL, events_of
from tests.loop.test_refund_cases import answer, ask, late
from tests.loop.test_renewals import subscribed, until
from tests.loop.test_trials import convert, extend, trying
from tests.loop.test_usage_charges import charged, decline, metered, over, periods, unpaid, use
from tests.loop_stage import Stage
from tests.webhook_receiver import Receiver, receiver

Message = dict[str, Any]


@dataclass
class Systems:
    """A system of each side that takes every type that it may be sent."""

    stage: Stage
    buyer: Receiver
    seller: Receiver

    def told(self, *subjects: str) -> tuple[list[str], list[str]]:
        """Which types each side's system has taken of these subjects; each message once, and as the catalogue says."""
        for _ in range(4):
            self.stage.tick(PUBLISH)
            self.stage.tick(WAKE)
            self.stage.run()
        return self._of(self.buyer, "buyer", subjects), self._of(self.seller, "seller", subjects)

    def said(self, side: Literal["buyer", "seller"], name: str) -> list[Message]:
        """The data of each message of a type."""
        inbox = self.buyer if side == "buyer" else self.seller
        return [one["data"] for one in inbox.messages if one["type"] == name]

    def _of(self, inbox: Receiver, side: Literal["buyer", "seller"], subjects: tuple[str, ...]) -> list[str]:
        assert inbox.forged == 0
        assert len({one["id"] for one in inbox.messages}) == len(inbox.messages)
        for one in inbox.messages:
            samples = event_types()[one["type"]].samples
            shape = type(samples.get(side) or samples["party"])
            shape.model_validate_json(json.dumps(one["data"]))
        return [name for name in inbox.types if name.partition(".")[0] in subjects]


@pytest.fixture
def systems(stage: Stage) -> Iterator[Systems]:
    client = OutboundClient(LOCAL, monotonic=lambda: clock.now().timestamp())
    webhook_jobs.register(client, stage.services.secrets, public_url=URL)
    with ExitStack() as open_ones:
        found = Systems(stage, *(open_ones.enter_context(receiver()) for _ in range(2)))
        for who, inbox in ((stage.buyer.owner, found.buyer), (stage.seller.owner, found.seller)):
            _listen(stage, who, inbox, LOCAL)
        # What was before the first reading is not told.
        stage.tick(PUBLISH)
        yield found


def _listen(stage: Stage, who: Principal, inbox: Receiver, policy: OutboundPolicy) -> None:
    command = SaveEndpoint("our system", inbox.url, readable_types(who))
    box = stage.services.secrets
    saved = transact(stage.services.db, who, lambda uow: save_endpoint(uow, command, box=box, policy=policy))
    inbox.secret = saved.secret or ""


def test_changes_within_a_term_and_for_the_next(stage: Stage, systems: Systems) -> None:
    _, subscription = subscribed(stage)
    order_id = amended(stage, subscription, 25)
    bought, sold = systems.told("amendment")
    assert (bought, sold) == (["amendment.placed", "amendment.applied"], ["amendment.applied"])
    said = systems.said("seller", "amendment.applied")[0]
    assert (said["order_id"], said["quantity_before"], said["quantity"]) == (str(order_id), 20, 25)
    assert said["gross"]["amount"] == stage.order(order_id).gross_minor
    stage.refund(order_id)
    stage.run()
    next_term(stage, subscription, 10)
    next_term(stage, subscription, 10)
    next_term(stage, subscription, None)
    bought, sold = systems.told("amendment")
    assert bought[2:] == sold[1:] == ["amendment.reversed", "amendment.scheduled", "amendment.withdrawn"]
    assert systems.said("buyer", "amendment.scheduled")[0]["next_quantity"] == 10
    assert events_of(stage, stage.promoter.owner) == []


def test_a_change_that_nobody_paid_for_is_its_buyers_alone(stage: Stage, systems: Systems) -> None:
    _, subscription = subscribed(stage)
    amended(stage, subscription, 25, method="sbx_insufficient")
    clock.advance(timedelta(days=2))
    stage.tick("orders.checkout.sweep")
    assert systems.told("amendment") == (["amendment.placed", "amendment.void"], [])


def test_a_trial_that_is_extended_and_bought_by_itself(stage: Stage, systems: Systems) -> None:
    _, subscription = trying(stage, trial_needs_method=True)
    extend(stage, subscription, 7)
    for days in (4, 2):
        until(stage, subscription.ends_at + timedelta(days=7 - days))
    until(stage, subscription.ends_at + timedelta(days=7))
    bought, sold = systems.told("trial")
    assert bought == sold
    assert [one for one in bought if one != "trial.ends_soon"] == ["trial.started", "trial.extended", "trial.converted"]
    soon = systems.said("seller", "trial.ends_soon")
    assert soon
    assert {one["converts_at"]["amount"] for one in soon} == {398_000}


def test_a_trial_that_is_bought_by_hand_and_one_that_ends(stage: Stage, systems: Systems) -> None:
    _, subscription = trying(stage)
    convert(stage, subscription, "sbx_ok")
    stage.run()
    assert systems.told("trial")[0][-1] == "trial.converted"
    _, other = trying(stage)
    until(stage, other.ends_at)
    bought, sold = systems.told("trial")
    assert bought == sold
    assert bought.count("trial.started") == 2
    assert bought[-1] == "trial.ended"
    assert systems.said("buyer", "trial.ended")[0]["subscription_id"] == str(other.id)


def test_usage_from_its_first_threshold_to_the_answer(stage: Stage, systems: Systems) -> None:
    order_id, subscription = metered(stage)
    entitlement = stage.entitlement(order_id).id

    def cap(kind: str, most: int) -> None:
        transact(
            stage.services.db, stage.purchaser, lambda uow: set_cap(uow, entitlement, "calls", kind, Decimal(most))
        )

    for quantity in (500, 300, 200):
        use(stage, order_id, quantity)
    cap("soft", 1_500)
    use(stage, order_id, 500)
    bought, sold = systems.told("usage")
    assert [one["percent"] for one in systems.said("seller", "usage.alerted")] == [50, 80, 100]
    assert (bought[-1], "usage.cap_reached" in sold) == ("usage.cap_reached", False), "a soft cap is its buyer's own"
    over(stage, order_id)
    use(stage, order_id, 1)
    cap("hard", 10)
    use(stage, order_id, 9)
    (period, _) = periods(stage, order_id)
    (line,) = stage.rows(select(UsageLine).where(UsageLine.period_id == period.id, UsageLine.kind == "metered"))
    challenge_id = transact(stage.services.db, stage.purchaser, lambda uow: challenge_line(uow, line.id, "not ours"))
    said = AnswerChallenge(challenge_id, 1_000, "taken back")
    transact(stage.services.db, stage.seller.owner, lambda uow: answer_challenge(uow, said))
    bought, sold = systems.told("usage")
    assert (
        bought[4:]
        == sold[3:]
        == [
            "usage.charged",
            "usage.cap_reached",
            "usage.challenged",
            "usage.challenge_answered",
        ]
    )
    paid = systems.said("buyer", "usage.charged")[0]
    assert paid["order_id"] == str(charged(stage, subscription)[0].id)
    assert [(one["dimension"], one["quantity"]) for one in paid["lines"]] == [("calls", "1500")]
    assert systems.said("seller", "usage.cap_reached")[0]["kind"] == "hard"
    answered = systems.said("buyer", "usage.challenge_answered")[0]
    assert (answered["outcome"], answered["credit"]["amount"]) == ("corrected", 1_000)


def test_usage_that_is_not_paid_at_first_and_then_is(stage: Stage, systems: Systems) -> None:
    order_id, _ = metered(stage)
    use(stage, order_id, 2_000)
    decline(stage, order_id)
    over(stage, order_id)
    stage.run()
    unpaid(stage, 1)
    stage.run()
    mine = select(Purchase).where(Purchase.buyer_org_id == stage.buyer.id)
    (owed,) = [one for one in stage.rows(mine) if one.state == "pending_payment"]
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Purchase).where(Purchase.id == owed.id).values(method_token="sbx_ok"))
    unpaid(stage, 2)
    stage.run()
    bought, sold = systems.told("payment", "usage")
    assert bought[-7:] == sold[-7:]
    assert bought[-7:] == [
        "usage.charged",
        "payment.failed",
        "payment.retried",
        "usage.unpaid",
        "payment.failed",
        "payment.retried",
        "payment.recovered",
    ]


def test_a_renewal_that_is_recovered_and_why_it_failed_is_its_payers_to_know(stage: Stage, systems: Systems) -> None:
    _, subscription = subscribed(stage, method="sbx_declined")
    until(stage, subscription.ends_at - RENEWS_BEFORE)
    stage.run()
    until(stage, subscription.ends_at + timedelta(minutes=1))
    stage.run()
    bought, sold = systems.told("payment")
    assert bought == sold
    assert bought[0] == "payment.failed"
    assert systems.said("buyer", "payment.failed")[0]["error_code"]
    assert "error_code" not in systems.said("seller", "payment.failed")[0]
    assert systems.said("seller", "payment.failed")[0]["subscription_id"] == str(subscription.id)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(
            update(Purchase).where(Purchase.buyer_org_id == stage.buyer.id).values(method_token="sbx_ok")
        )
    until(stage, subscription.ends_at + timedelta(days=2))
    stage.run()
    bought, sold = systems.told("payment", "subscription")
    assert bought == sold
    assert {"payment.retried", "payment.recovered", "subscription.renewed"} <= set(bought)
    assert bought.count("payment.recovered") == 1


def test_a_first_purchase_that_failed_is_its_buyers_alone(stage: Stage, systems: Systems) -> None:
    stage.buy(method="sbx_declined")
    stage.run()
    assert systems.told("payment") == (["payment.failed"], [])


def test_whose_a_seat_is_is_its_organizations_to_know(stage: Stage, systems: Systems) -> None:
    order_id, _ = subscribed(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        member = make_member(uow, stage.buyer, "viewer")
    entitlement = stage.entitlement(order_id).id
    transact(stage.services.db, stage.purchaser, lambda uow: assign_seat(uow, entitlement, member.person()))
    assert systems.told("seat") == (["seat.given"], ["seat.given"])
    assert systems.said("buyer", "seat.given")[0]["person_id"] == str(member.person())
    assert str(member.person()) not in json.dumps(systems.said("seller", "seat.given"))


@pytest.mark.parametrize(("status", "outcome"), [(GatewayStatus.SUCCEEDED, "won"), (GatewayStatus.FAILED, "lost")])
def test_a_disputed_payment_is_told_to_its_end(
    stage: Stage, systems: Systems, status: GatewayStatus, outcome: str
) -> None:
    order_id = stage.buy()
    stage.run()
    say(stage, order_id, GatewayStatus.PENDING)
    dispute = dispute_of(stage, order_id)
    say(stage, order_id, status)
    bought, sold = systems.told("dispute")
    assert bought == sold == ["dispute.opened", f"dispute.{outcome}"]
    for side in ("buyer", "seller"):
        said = systems.said(side, "dispute.opened")[0]
        assert (said["dispute_id"], said["order_ids"]) == (str(dispute.id), [str(order_id)])
        assert said["amount"]["amount"] == stage.order(order_id).gross_minor


def test_of_a_disputed_payment_a_seller_is_told_its_own_orders(stage: Stage, systems: Systems) -> None:
    orders, _ = two_orders(stage)
    assert systems.told("dispute") == (["dispute.opened"], ["dispute.opened"])
    assert dispute_of(stage, orders[0]).seller_org_ids
    whole, own = (systems.said(side, "dispute.opened")[0] for side in ("buyer", "seller"))
    assert set(whole["order_ids"]) == {str(one) for one in orders}
    (mine,) = [one for one in orders if stage.order(one).seller_org_id == stage.seller.id]
    assert (own["order_ids"], own["amount"]["amount"]) == ([str(mine)], stage.order(mine).gross_minor)


def test_money_that_is_asked_back_after_the_window(stage: Stage, systems: Systems) -> None:
    order_id = late(stage)
    case_id = ask(stage, order_id, 10_000)
    answer(stage, case_id, 4_000)
    bought, sold = systems.told("refund_case", "refund")
    assert bought == sold
    assert sorted(bought) == ["refund.requested", "refund.succeeded", "refund_case.asked", "refund_case.granted"]
    assert (bought[0], bought[-1]) == ("refund_case.asked", "refund.succeeded")
    assert systems.said("seller", "refund_case.granted")[0]["granted"]["amount"] == 4_000
