"""What an earlier release left to jobs is done by this one: it named less."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from fulfillment.runs.start_run import CALL
from kernel.db.uow import unit_of_work
from kernel.ids import uuid7
from kernel.jobs.outbox import enqueue
from kernel.jobs.runner import Runner, due
from kernel.principal import SYSTEM
from tests.loop_stage import Stage


def paid(stage: Stage) -> UUID:
    """An order whose seller is about to be called."""
    order_id, runner = stage.buy(), Runner(stage.services.db, "test")
    while found := [signal for signal in due(stage.services.db, ["default"]) if signal.kind != CALL]:
        runner.run_batch([signal.job_id for signal in found])
    assert stage.order(order_id).state == "fulfilling"
    return order_id


def test_a_call_that_does_not_name_its_order(stage: Stage) -> None:
    order_id = paid(stage)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        older = "UPDATE kernel.job SET payload = payload - 'group_reference' WHERE payload->>'run_id' = :run"
        assert uow.session.execute(text(older), {"run": str(stage.delivery(order_id).id)}).rowcount == 1  # type: ignore[attr-defined]
    stage.run()
    assert stage.order(order_id).state == "active"


def test_a_fact_of_delivery_that_names_the_line_alone(stage: Stage) -> None:
    order_id = paid(stage)
    line_id: UUID = stage.entitlement(order_id).reference
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        fact = {"reference": str(line_id), "reason": "seller_failed"}
        job_id = enqueue(uow, "orders.loop.delivery_failed", fact, dedupe_key=str(uuid7()))
    assert Runner(stage.services.db, "test").run(job_id)
    assert stage.order(order_id).state == "delivery_failed"
    stage.run()
    assert stage.order(order_id).state == "refunded"
