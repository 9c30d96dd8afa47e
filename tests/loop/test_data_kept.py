"""What ends says until when the seller keeps what was left in its system: to both sides, to the seller's system, and in time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from fulfillment.entitlements.data_kept import NOTICED_BEFORE
from fulfillment.entitlements.queries import entitlements_of_customer, get_entitlement
from fulfillment.jobs import SWEEP_DATA_KEPT
from fulfillment.runs.models import RunAttempt
from fulfillment.usage.check_entitlement import check_entitlement
from kernel import clock
from kernel.db.uow import unit_of_work
from marketplace.notifications.models import Notification
from orders.notifications.notify_of_events import NOTIFY
from tests.loop_stage import Stage


def ended(stage: Stage, **plan: Any) -> UUID:
    """An order that was in use and went back."""
    plan_id, card = stage.offer(**plan)
    order_id = stage.place(stage.quote(plan_id, context=card))
    stage.run()
    assert stage.entitlement(order_id).data_kept_until is None
    clock.advance(timedelta(days=2))
    stage.refund(order_id)
    stage.run()
    assert stage.entitlement(order_id).state == "ended"
    return order_id


def notices(stage: Stage) -> list[Notification]:
    stage.tick(SWEEP_DATA_KEPT)
    stage.tick(NOTIFY)
    return stage.rows(
        select(Notification).where(
            Notification.kind == "data_kept_ends", Notification.person_id == stage.purchaser.person_id
        )
    )


def test_the_day_is_stored_and_both_sides_read_it(stage: Stage) -> None:
    order_id = ended(stage)
    row = stage.entitlement(order_id)
    until = clock.now() + timedelta(days=30)
    assert (row.data_kept_days, row.data_kept_until) == (30, until)
    with unit_of_work(stage.services.db, stage.purchaser) as uow:
        assert get_entitlement(uow, row.id).row.data_kept_until == until
        assert check_entitlement(uow, row.id).data_kept_until == until
    with unit_of_work(stage.services.db, stage.seller.owner) as uow:
        (mine,) = [one for one in entitlements_of_customer(uow, stage.buyer.id) if one.id == row.id]
        assert mine.data_kept_until == until
        assert check_entitlement(uow, row.id).data_kept_until == until


def test_the_sellers_system_is_told_with_the_end(stage: Stage) -> None:
    order_id = ended(stage)
    row = stage.entitlement(order_id)
    sent = stage.rows(select(RunAttempt.request_excerpt).where(RunAttempt.buyer_org_id == stage.buyer.id))
    bodies = [one for one in sent if '"deprovision"' in one]
    assert bodies
    assert row.data_kept_until is not None
    assert all(json.dumps(row.data_kept_until.isoformat()) in one for one in bodies)


def test_it_is_what_was_said_at_the_sale(stage: Stage) -> None:
    order_id = ended(stage, data_kept_days=90)
    assert stage.entitlement(order_id).data_kept_until == clock.now() + timedelta(days=90)


def test_the_buyer_is_told_once_and_before_it_is_over(stage: Stage) -> None:
    order_id = ended(stage)
    until = stage.entitlement(order_id).data_kept_until
    assert until is not None
    assert notices(stage) == []
    clock.advance(until - NOTICED_BEFORE - clock.now())
    for _ in range(2):
        (notice,) = notices(stage)
        assert notice.path == f"/entitlements/{stage.entitlement(order_id).id}"
    clock.advance(NOTICED_BEFORE * 2)
    assert len(notices(stage)) == 1


def test_nothing_is_promised_of_what_was_never_in_use(stage: Stage) -> None:
    stage.seller_app.behave(mode="fail_permanently")
    order_id = stage.buy()
    stage.run()
    assert stage.entitlement(order_id).state == "ended"
    assert stage.entitlement(order_id).data_kept_until is None
