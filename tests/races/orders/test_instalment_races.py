"""An instalment is charged once, whoever does it; while its term goes back, it is closed or goes back as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import select

from billing.payments.models import Payment
from kernel import clock
from kernel.db.uow import transact
from kernel.principal import SYSTEM
from orders.instalments.charge_instalment import take_instalment_step
from orders.order.models import Subscription
from tests.loop.test_instalments import charged, rows, sold
from tests.loop_stage import Stage
from tests.races.crowd import at_once, in_rounds
from tests.races.forced import every_order, interleaved

pytestmark = pytest.mark.races


@pytest.fixture(autouse=True)
def calendar() -> Iterator[None]:
    """A clock that is moved on to when it is due."""
    with clock.frozen(clock.now()):
        yield


def due(stage: Stage) -> tuple[UUID, Subscription, Callable[[], bool]]:
    """A term whose second instalment is due, and what charges it."""
    order_id, subscription = sold(stage, refund_window_days=120)
    second = rows(stage, subscription)[0]
    clock.advance(second.due_at - clock.now())

    def take() -> bool:
        return transact(stage.services.db, SYSTEM, lambda uow: take_instalment_step(uow, second.id))

    return order_id, subscription, take


@every_order
def test_charged_twice(stage: Stage, order: str) -> None:
    _, subscription, take = due(stage)
    interleaved(stage.services.db, order, take, take)
    stage.run()
    (one,) = charged(stage, subscription)
    assert one.state == "active"
    assert len(stage.rows(select(Payment).where(Payment.reference == one.purchase_id))) == 1


@in_rounds
def test_charged_while_its_term_goes_back(stage: Stage) -> None:
    order_id, subscription, take = due(stage)
    stage.refund(order_id)
    works: list[Callable[[], object]] = [stage.run, take]
    at_once(works)
    stage.run()
    assert stage.order(order_id).state == "refunded"
    assert {one.state for one in rows(stage, subscription)} == {"cancelled"}
    assert {one.state for one in charged(stage, subscription)} <= {"refunded", "cancelled"}
    for one in charged(stage, subscription):
        paid = stage.rows(select(Payment).where(Payment.reference == one.purchase_id, Payment.state == "succeeded"))
        assert len(paid) == (one.state == "refunded")
