"""One-off services: money moves on only when what was done is accepted, by the buyer or by the clock."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from app.scheduler import run_sweep
from billing.shares.release import RELEASE
from kernel import clock
from kernel.db.uow import transact
from kernel.errors import Conflict, NotFound
from kernel.jobs.kinds import sweeps
from kernel.principal import Principal
from orders.loop import SWEEP_ACCEPTANCE
from orders.order.accept_services import accept_order
from tests.loop_stage import Stage

GROSS, NET, TAX = 1_280_000, 1_207_547, 72_453
COMMISSION = 120_755
"""10 % of a service's net; no video sold it, so nobody else gets a part."""
WEEK = timedelta(days=7)


@pytest.fixture
def delivered(stage: Stage) -> UUID:
    """A delivered service that waits for acceptance."""
    order_id = stage.buy(stage.service_plan, 1)
    stage.run()
    order = stage.order(order_id)
    assert (order.state, order.gross_minor, order.net_minor, order.tax_minor) == ("active", GROSS, NET, TAX)
    assert len(stage.papers(order_id)) == 1
    assert stage.entitlement(order_id).valid_to is None
    return order_id


def accept(stage: Stage, order_id: UUID, who: Principal | None = None) -> None:
    transact(stage.services.db, who or stage.purchaser, lambda uow: accept_order(uow, order_id))
    stage.run()


class TestAcceptance:
    def test_shares_start_their_hold_with_it_and_not_before(self, stage: Stage, delivered: UUID) -> None:
        clock.advance(timedelta(days=6))
        stage.tick(RELEASE)
        assert {(s.state, s.releasable_at) for s in stage.shares(delivered).values()} == {("pending", None)}
        accept(stage, delivered)
        assert stage.order(delivered).state == "completed"
        assert {s.releasable_at for s in stage.shares(delivered).values()} == {clock.now() + WEEK}
        assert stage.topics()[-1] == "orders.order_completed"
        stage.settle()
        (statement,) = stage.statements(stage.seller)
        assert statement.net_minor == GROSS - COMMISSION
        assert stage.statements(stage.promoter) == []
        accept(stage, delivered)
        assert stage.topics().count("orders.order_completed") == 1

    def test_a_buyer_who_says_nothing_for_a_week_has_accepted(self, stage: Stage, delivered: UUID) -> None:
        clock.advance(WEEK - timedelta(seconds=1))
        stage.tick(SWEEP_ACCEPTANCE)
        assert stage.order(delivered).state == "active"
        clock.advance(timedelta(seconds=1))
        stage.tick(SWEEP_ACCEPTANCE)
        order = stage.order(delivered)
        assert (order.state, order.accepted_at) == ("completed", clock.now())
        stage.tick(SWEEP_ACCEPTANCE)
        assert stage.topics().count("orders.order_completed") == 1

    def test_acceptance_by_the_clock_starts_the_hold_in_its_own_transaction(
        self, stage: Stage, delivered: UUID
    ) -> None:
        clock.advance(WEEK)
        run_sweep(stage.services.db, next(item for item in sweeps() if item.name == SWEEP_ACCEPTANCE))
        # No job has run: what follows did so with the acceptance itself, and saw it.
        assert {s.releasable_at for s in stage.shares(delivered).values()} == {clock.now() + WEEK}

    def test_a_refunded_service_is_not_accepted_and_releases_nothing(self, stage: Stage, delivered: UUID) -> None:
        stage.refund(delivered)
        stage.run()
        clock.advance(WEEK)
        stage.tick(SWEEP_ACCEPTANCE)
        assert stage.order(delivered).state == "refunded"
        with pytest.raises(Conflict, match="order_not_acceptable"):
            accept(stage, delivered)
        stage.settle()
        assert stage.statements(stage.seller) == []

    def test_only_its_buyer_accepts_and_only_services(self, stage: Stage, delivered: UUID) -> None:
        with pytest.raises(NotFound):
            accept(stage, delivered, stage.seller.owner)
        subscription = stage.buy()
        stage.run()
        with pytest.raises(Conflict, match="order_not_acceptable"):
            accept(stage, subscription)
