"""Two at a milestone at once: its money is released once or goes back once, and never both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from app.verify.milestones import RULES
from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.errors import DomainError
from kernel.principal import SYSTEM, Principal
from orders.milestones.cancel import cancel_overdue
from orders.milestones.decide import accept_milestone, ask_rework
from orders.milestones.deliver import deliver
from orders.milestones.jobs import end_by_clock
from orders.milestones.take_on import refuse, take_on
from orders.order.milestones import OrderMilestone
from orders.refunds.refund_order import RequestOrderRefund, request_order_refund
from tests.loop_stage import Stage
from tests.milestone_stage import GROSS, Service, service_on, staged_price
from tests.races.forced import every_order, every_order_of_twins, interleaved

pytestmark = pytest.mark.races
DAY = timedelta(days=1)
Side = Callable[[], object]


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on."""
    with clock.frozen(clock.now()):
        yield


@pytest.fixture
def service(stage: Stage) -> Service:
    """One whose window is long."""
    return service_on(stage, staged_price(), refund_window_days=60)


@pytest.fixture
def one(service: Service) -> OrderMilestone:
    """A milestone that was delivered and waits for its buyer."""
    first = service.milestones(service.begun())[0]
    service.deliver(first)
    return first


def act(service: Service, who: Principal | None, work: Any) -> Side:
    """A command of one side, or of the platform; a refusal is its answer."""

    def side() -> None:
        with suppress(DomainError):
            transact(service.stage.services.db, who or SYSTEM, work)

    return side


def accepting(service: Service, one: OrderMilestone) -> Side:
    return act(service, service.stage.purchaser, lambda uow: accept_milestone(uow, one.id, version=1))


def by_the_clock(service: Service, one: OrderMilestone) -> Side:
    return act(service, None, lambda uow: end_by_clock(uow, (one.order_id, one.id)))


def refunding(service: Service, one: OrderMilestone) -> Side:
    wanted = RequestOrderRefund(one.order_id, None, "not needed")
    return act(service, service.stage.purchaser, lambda uow: request_order_refund(uow, wanted))


def paid_or_refunded(service: Service, one: OrderMilestone) -> str:
    """Its end, of which the shares and the refunds say the same. Returns its state."""
    service.stage.run()
    found = next(now for now in service.milestones(one.order_id) if now.id == one.id)
    released = {share.delivered_at is not None for share in service.shares(found)}
    assert released == {found.state == "accepted"}
    cancelled = sum(now.gross_minor for now in service.milestones(one.order_id) if now.state == "cancelled")
    assert sum(refund.amount_minor for refund in service.stage.refunds(one.order_id)) == cancelled
    with unit_of_work(service.stage.services.db, SYSTEM) as uow:
        for rule in RULES:
            assert [bad for bad in rule.find(uow).examples if str(one.id) in str(bad)] == []
    return found.state


@every_order
def test_accepted_by_its_buyer_and_by_the_clock(service: Service, one: OrderMilestone, order: str) -> None:
    clock.advance(7 * DAY)
    interleaved(service.stage.services.db, order, accepting(service, one), by_the_clock(service, one))
    assert paid_or_refunded(service, one) == "accepted"
    assert service.stage.topics().count("orders.milestone_accepted") == 1


@every_order_of_twins
def test_accepted_in_two_tabs(service: Service, one: OrderMilestone, order: str) -> None:
    interleaved(service.stage.services.db, order, accepting(service, one), accepting(service, one))
    assert paid_or_refunded(service, one) == "accepted"
    assert service.stage.topics().count("orders.milestone_accepted") == 1


@every_order
def test_accepted_while_the_order_is_refunded(service: Service, one: OrderMilestone, order: str) -> None:
    interleaved(service.stage.services.db, order, accepting(service, one), refunding(service, one))
    state = paid_or_refunded(service, one)
    left = GROSS - (one.gross_minor if state == "accepted" else 0)
    assert [refund.amount_minor for refund in service.stage.refunds(one.order_id)] == [left]


@every_order
def test_accepted_by_the_clock_while_rework_is_asked(service: Service, one: OrderMilestone, order: str) -> None:
    clock.advance(7 * DAY)
    again = act(service, service.stage.purchaser, lambda uow: ask_rework(uow, one.id, version=1, words="again"))
    interleaved(service.stage.services.db, order, by_the_clock(service, one), again)
    assert paid_or_refunded(service, one) in {"accepted", "rework"}


@every_order
def test_delivered_while_its_buyer_waits_no_longer(service: Service, order: str) -> None:
    one = service.milestones(service.begun())[0]
    clock.advance(24 * DAY)
    seller, buyer = service.stage.seller.owner, service.stage.purchaser
    interleaved(
        service.stage.services.db,
        order,
        act(service, seller, lambda uow: deliver(uow, one.id, version=1, words="done")),
        act(service, buyer, lambda uow: cancel_overdue(uow, one.id)),
    )
    assert paid_or_refunded(service, one) in {"delivered", "cancelled"}


@every_order_of_twins
def test_cancelled_in_two_tabs(service: Service, order: str) -> None:
    one = service.milestones(service.begun())[0]
    clock.advance(24 * DAY)
    cancelling = act(service, service.stage.purchaser, lambda uow: cancel_overdue(uow, one.id))
    interleaved(service.stage.services.db, order, cancelling, cancelling)
    assert paid_or_refunded(service, one) == "cancelled"
    assert len(service.stage.refunds(one.order_id)) == 1


@every_order
def test_taken_on_while_it_is_refused(service: Service, order: str) -> None:
    one = service.milestones(service.buy())[0]
    seller = service.stage.seller.owner
    interleaved(
        service.stage.services.db,
        order,
        act(service, seller, lambda uow: take_on(uow, one.order_id)),
        act(service, seller, lambda uow: refuse(uow, one.order_id, "no")),
    )
    assert paid_or_refunded(service, one) in {"open", "cancelled"}
    assert service.stage.order(one.order_id).state in {"active", "refunded"}
