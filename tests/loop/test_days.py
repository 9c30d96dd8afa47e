"""A day on paper is the seller's day: the order's number and the invoice of it name the same one, wherever the machine stands."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import update

from kernel import clock
from kernel.db.uow import unit_of_work
from kernel.principal import SYSTEM
from marketplace.parties.models import Organization
from tests.loop_stage import Stage

HALF_PAST_MIDNIGHT_IN_SHANGHAI = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
LAST_MINUTE_OF_THE_YEAR_IN_NEW_YORK = datetime(2027, 1, 1, 4, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time_zone", "at", "day"),
    [
        ("Asia/Shanghai", HALF_PAST_MIDNIGHT_IN_SHANGHAI, date(2027, 1, 1)),
        ("America/New_York", LAST_MINUTE_OF_THE_YEAR_IN_NEW_YORK, date(2026, 12, 31)),
    ],
)
def test_order_number_and_invoice_name_the_sellers_day(stage: Stage, time_zone: str, at: datetime, day: date) -> None:
    with unit_of_work(stage.services.db, SYSTEM) as uow:
        uow.session.execute(update(Organization).where(Organization.id == stage.seller.id).values(time_zone=time_zone))
    with clock.frozen(at):
        (order,) = stage.orders_of(stage.purchase(stage.quote()))
        stage.run()
        (invoice,) = stage.papers(order.id)
    assert order.number.startswith(f"{day:%Y%m%d}-")
    assert (invoice.issued_on, invoice.order_number) == (day, order.number)
    assert invoice.number is not None
    assert invoice.number.split("-")[1] == str(day.year)
