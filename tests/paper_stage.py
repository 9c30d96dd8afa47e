"""Papers on a stage: a buyer's month that is over, with something in it."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import update

from kernel import clock
from kernel.db.uow import transact, unit_of_work
from kernel.principal import SYSTEM
from orders.buyer_statements.close_month import close_buyer_month
from orders.order.models import Order
from tests.loop_stage import Stage


def last_month(stage: Stage) -> date:
    """Move an order of the buyer into last month, and return that: tests do not wait for months."""
    order_id = stage.buy()
    month = clock.today("Asia/Shanghai").replace(day=1) - timedelta(days=1)
    at = clock.now() - (clock.today("Asia/Shanghai") - month)
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Order).where(Order.id == order_id).values(created_at=at))
    return month.replace(day=1)


def closed_month(stage: Stage) -> UUID:
    """Its statement."""
    month, signer = last_month(stage), stage.services.signer
    return transact(stage.services.db, stage.buyer.owner, lambda uow: close_buyer_month(uow, month, signer).id)
