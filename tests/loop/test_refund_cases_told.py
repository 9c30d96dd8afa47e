"""Money asked back after the window, where it is told: in traces, a subscription's line, and to both sides' own systems."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.errors import NotFound
from kernel.principal import Principal
from marketplace.webhooks.models import OutgoingEvent
from orders.outgoing_events.publish_events import PUBLISH
from orders.refunds.ask_refund import withdraw_refund
from orders.subscriptions.timeline import subscription_timeline
from orders.tracing.model import Node
from orders.tracing.trace import trace
from tests.factories_marketplace import OPERATOR_PRINCIPAL, Org
from tests.loop.test_refund_cases import answer, ask, decide, done, escalate, late
from tests.loop.test_renewals import subscribed
from tests.loop_stage import Stage


def whole_way(stage: Stage, order_id: UUID) -> UUID:
    """Asked, refused, taken further and granted in part."""
    case_id = ask(stage, order_id, 10_000)
    steps: tuple[Callable[[], None], ...] = (
        lambda: answer(stage, case_id, refuse=True),
        lambda: escalate(stage, case_id),
        lambda: decide(stage, case_id, 4_000),
    )
    for step in steps:
        # As the sweep does every two seconds.
        stage.tick(PUBLISH)
        clock.advance(timedelta(hours=1))
        step()
    return case_id


def node(stage: Stage, who: Principal, any_id: UUID, case_id: UUID) -> Node:
    with unit_of_work(stage.services.db, who) as uow:
        return next(one for one in trace(uow, any_id).nodes if one.id == case_id)


def test_a_trace_goes_through_it_in_both_directions(stage: Stage) -> None:
    order_id = late(stage)
    case_id = whole_way(stage, order_id)
    (refund,) = stage.refunds(order_id)
    for who in (stage.purchaser, stage.seller.owner, OPERATOR_PRINCIPAL):
        for start in (case_id, order_id, refund.id):
            found = node(stage, who, start, case_id)
            assert (found.kind, found.state, found.after) == ("refund_case", "granted", (order_id,))
            assert (found.facts["asked"]["amount"], found.facts["granted"]["amount"]) == (10_000, 4_000)
            assert [found.facts[name] for name in ("answer", "appeal", "decision")] == [
                "we looked into it",
                "the video says otherwise",
                "both were heard",
            ]
            assert case_id in node(stage, who, start, refund.id).after
    with pytest.raises(NotFound), unit_of_work(stage.services.db, stage.promoter.owner) as uow:
        trace(uow, case_id)


def test_a_subscriptions_line_has_each_step_for_all_three(stage: Stage) -> None:
    order_id, subscription = subscribed(stage)
    clock.advance(timedelta(days=8))
    whole_way(stage, order_id)
    for who, side in ((stage.purchaser, "buyer"), (stage.seller.owner, "seller"), (OPERATOR_PRINCIPAL, "operator")):
        with unit_of_work(stage.services.db, who) as uow:
            found = [one for one in subscription_timeline(uow, subscription.id, side) if one.kind == "refund_case"]  # type: ignore[arg-type]  # literals of the tuple
        assert [(one.state, one.amount_minor) for one in found] == [
            ("asked", 10_000),
            ("refused", 10_000),
            ("escalated", 10_000),
            ("granted", 4_000),
        ]
        assert {one.order_id for one in found} == {order_id}


def told(stage: Stage, org: Org) -> list[tuple[str, dict[str, object]]]:
    """Types and data of what the organization's systems are told of cases, in their order."""
    stage.tick(PUBLISH)
    wanted = select(OutgoingEvent).where(OutgoingEvent.org_id == org.id, OutgoingEvent.type.like("refund_case.%"))
    return [(row.type, row.data) for row in stage.rows(wanted.order_by(OutgoingEvent.position))]


def test_both_sides_systems_follow_it_and_nobody_elses(stage: Stage) -> None:
    order_id = late(stage)
    case_id = whole_way(stage, order_id)
    withdrawn = ask(stage, order_id, 1)
    done(stage, stage.purchaser, lambda uow: withdraw_refund(uow, withdrawn).id)
    for org in (stage.buyer, stage.seller):
        found = told(stage, org)
        assert [name.removeprefix("refund_case.") for name, _ in found] == [
            "asked",
            "refused",
            "escalated",
            "granted",
            "asked",
            "withdrawn",
        ]
        said = found[3][1]
        assert (said["refund_case_id"], said["order_id"]) == (str(case_id), str(order_id))
        assert said["granted"] == {"amount": 4_000, "currency": "CNY"}
        assert (said["decision"], said["deadline_at"]) == ("both were heard", None)
    assert told(stage, stage.promoter) == []
