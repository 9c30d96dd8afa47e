"""A worker that dies at any step of a call to the gateway leaves a row from which the right end is reached."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from billing.gateways.janitor import JANITOR
from billing.gateways.models import SandboxOperation
from billing.gateways.ports import GatewayAnswer
from billing.gateways.sandbox import SandboxGateway
from billing.payments.models import Payment
from billing.payouts.models import Payout
from billing.payouts.pay_out import PayOut, pay_out
from billing.refunds.models import Refund
from billing.refunds.request_refund import RequestRefund, request_refund
from kernel import clock
from kernel.db.uow import Database, unit_of_work
from kernel.principal import SYSTEM
from tests.factories_billing import House, Sale, close_due, do_sweep, facts, make_house, read


class Killed(BaseException):
    """The process is gone: nothing of it runs any more."""


class DyingGateway(SandboxGateway):
    """The sandbox, called by a process that dies once: before the call goes out, or before its answer is written."""

    def __init__(self, db: Database, method: str, when: str) -> None:
        super().__init__(db)
        real: Callable[[Any], GatewayAnswer] = getattr(self, method)
        self.deaths = 0

        def dying(request: Any) -> GatewayAnswer:
            if self.deaths == 0 and when == "before":
                self.deaths += 1
                raise Killed
            answer = real(request)
            if self.deaths == 0:
                self.deaths += 1
                raise Killed
            return answer

        setattr(self, method, dying)


def take_over(db: Database) -> None:
    """Let the dead worker's leases run out, and another worker continue."""
    with unit_of_work(db, SYSTEM) as uow:
        uow.session.execute(
            text("UPDATE kernel.job SET lease_until = clock_timestamp() - interval '1 s' WHERE state = 'running'")
        )


def by_janitor(db: Database) -> None:
    """Leave the job to itself; the janitor finds the row by its age."""
    clock.advance(timedelta(seconds=35))
    do_sweep(db, JANITOR)


def operations(db: Database, kind: str, name: str, row_id: UUID) -> int:
    with unit_of_work(db, SYSTEM) as uow:
        count = select(func.count()).where(
            SandboxOperation.kind == kind, SandboxOperation.metadata_[name].astext == str(row_id)
        )
        return uow.session.scalar(count) or 0


@pytest.fixture
def quiet(db: Database, tmp_path: Path, noon: datetime) -> None:
    """Run off what other tests left."""
    make_house(db, tmp_path).run()


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("rescue", [take_over, by_janitor])
class TestAWorkerDies:
    def house(self, db: Database, folder: Path, method: str, when: str) -> House:
        return make_house(db, folder, {"sandbox": DyingGateway(db, method, when)})

    def test_while_submitting_a_payment(
        self, db: Database, tmp_path: Path, when: str, rescue: Callable[[Database], None]
    ) -> None:
        house = self.house(db, tmp_path, "submit", when)
        payment_id = Sale().start(db)
        with pytest.raises(Killed):
            house.run()
        assert read(db, Payment, payment_id).state == "processing"
        rescue(db)
        house.run()
        assert read(db, Payment, payment_id).state == "succeeded"
        assert facts(db, payment_id) == ["billing.payment_succeeded.v1"]
        assert operations(db, "payment", "payment_id", payment_id) == 1

    def test_while_sending_a_refund(
        self, db: Database, tmp_path: Path, when: str, rescue: Callable[[Database], None]
    ) -> None:
        house = self.house(db, tmp_path, "refund", when)
        sale = Sale()
        payment_id = sale.paid(house)
        with unit_of_work(db, SYSTEM) as uow:
            refund_id = request_refund(uow, RequestRefund(sale.order_id, payment_id, "x", automatic=True))
        with pytest.raises(Killed):
            house.run()
        rescue(db)
        house.run()
        assert read(db, Refund, refund_id).state == "succeeded"
        assert facts(db, refund_id) == ["billing.refund_succeeded.v1"]
        assert operations(db, "refund", "refund_id", refund_id) == 1

    def test_while_paying_out(
        self, db: Database, tmp_path: Path, when: str, rescue: Callable[[Database], None]
    ) -> None:
        house = self.house(db, tmp_path, "pay_out", when)
        sale = Sale()
        sale.organizations(db)
        sale.paid(house)
        sale.deliver(db)
        clock.advance(timedelta(days=8))
        (statement_id,) = close_due(db, sale.seller_org_id).statement_ids
        with unit_of_work(db, SYSTEM) as uow:
            payout_id = pay_out(uow, PayOut(statement_id, "sandbox", "sbx_acct_ok"))
        with pytest.raises(Killed):
            house.run()
        rescue(db)
        house.run()
        assert read(db, Payout, payout_id).state == "paid"
        assert operations(db, "payout", "payout_id", payout_id) == 1
